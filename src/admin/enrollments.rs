//! The help desk's list of enrollments: who is stuck now, and a search by help code or name.

mod advice;
mod page;
pub(crate) mod words;

pub(crate) use page::page;

use super::devices::Choice;
use super::pages::show;
use super::problem::Problem;
use super::query::{Parameters, Query, filled, read};
use super::render::view;
use super::session::{May, SeesFunnel};
use super::words::{Chip, Instant};
use crate::web::content::content;
use actix_web::HttpResponse;
use events::Timestamp;
use events::enrollment::EnrollmentId;
use events::staff::StaffActivityEvent;
use projections::enrollments::{self, Enrollment, EnrollmentFilter, State, Step};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub(crate) const PATH: &str = "/console/visits";

/// Enrollments per page.
const PAGE: usize = 50;

/// Maximum number of stuck enrollments shown.
const STUCK: usize = 50;

/// Seconds without an event after which an open enrollment counts as stuck: longer than any step takes an active
/// person.
const SILENT_SECONDS: i64 = 10 * 60;

/// Filters as query parameters.
#[derive(Deserialize)]
pub(crate) struct Filters {
    q: Option<String>,
    state: Option<String>,
    step: Option<String>,
    after: Option<String>,
}

#[derive(Serialize)]
struct EnrollmentsPage {
    q: String,
    states: Vec<Choice>,
    steps: Vec<Choice>,
    filtered: bool,
    stuck: Option<Vec<Line>>,
    cut: bool,
    enrollments: Vec<Line>,
    older: Option<String>,
    newest: Option<String>,
}

view!(
    enrollments as enrollments_page,
    Menu,
    EnrollmentsPage { q, states, steps, filtered, stuck, cut, enrollments, older, newest }
);

/// An enrollment as a row of a list.
#[derive(Serialize)]
pub(crate) struct Line {
    href: String,
    code: String,
    who: String,
    device: String,
    state: Chip,
    step: &'static str,
    since: Instant,
    refusals: u64,
    opened: Instant,
}

content!(Line { href, code, who, device, state, step, since, refusals, opened });

/// Returns the address of an enrollment's page.
pub(crate) fn href(enrollment: EnrollmentId) -> String {
    format!("{PATH}/{enrollment}")
}

/// Shows the list.
///
/// # Errors
/// Returns an error if a filter is invalid, or the event log or the projections are unavailable.
pub(crate) async fn list(staff: May<SeesFunnel>, address: Parameters<Filters>) -> Result<HttpResponse, Problem> {
    let Parameters(filters, _) = address;
    let filter = filters.parse()?;
    let query = filters.query();
    let names = query.iter().map(|(name, _)| (*name).to_owned()).collect();
    staff.record(StaffActivityEvent::VisitListViewed { filters: names }).await?;
    let now = staff.now();
    let continued = filter.after.is_some();
    // A search shows only its own results.
    let stuck = if query.is_empty() && !continued { Some(stuck(&staff, now).await?) } else { None };
    let found = enrollments::list(staff.projections(), filter, PAGE).await.map_err(|error| staff.broken(error))?;
    let page = EnrollmentsPage {
        q: filters.q.clone().unwrap_or_default(),
        states: filters.states(),
        steps: filters.steps(),
        filtered: !query.is_empty(),
        stuck,
        cut: found.is_cut,
        enrollments: found.enrollments.iter().map(|enrollment| line(enrollment, now)).collect(),
        older: found.next.map(|next| query.clone().with("after", Some(&next.to_string())).href(PATH)),
        newest: continued.then(|| query.href(PATH)),
    };
    show("Enrollments", "enrollments", &staff, &page)
}

/// Returns the open enrollments that may need help now.
///
/// # Errors
/// Returns an error if the projections cannot be read.
pub(crate) async fn stuck(staff: &May<SeesFunnel>, now: Timestamp) -> Result<Vec<Line>, Problem> {
    let found = enrollments::stuck(staff.projections(), now.plus_seconds(-SILENT_SECONDS), STUCK).await;
    Ok(found.map_err(|error| staff.broken(error))?.iter().map(|enrollment| line(enrollment, now)).collect())
}

impl Filters {
    fn parse(&self) -> Result<EnrollmentFilter, Problem> {
        let state = read("state", self.state.as_deref(), |name| {
            State::parse(name).ok_or(Problem::Bad("There is no such state of an enrollment."))
        })?;
        let step =
            read("step", self.step.as_deref(), |name| Step::parse(name).ok_or(Problem::Bad("There is no such step.")))?;
        let after = read("after", self.after.as_deref(), parse_enrollment)?;
        let text = filled(self.q.as_deref()).map(str::to_owned);
        Ok(EnrollmentFilter { text, state, step, person: None, after })
    }

    fn query(&self) -> Query {
        Query::default()
            .with("q", self.q.as_deref())
            .with("state", self.state.as_deref())
            .with("step", self.step.as_deref())
    }

    fn states(&self) -> Vec<Choice> {
        let chosen = self.state.as_deref();
        let all = State::ALL.map(|state| Choice::new(state.as_str(), words::state(state).label, chosen));
        std::iter::once(Choice::new("", "Any", chosen)).chain(all).collect()
    }

    fn steps(&self) -> Vec<Choice> {
        let chosen = self.step.as_deref();
        let all = Step::ALL.map(|step| Choice::new(step.as_str(), words::step(step), chosen));
        std::iter::once(Choice::new("", "Any", chosen)).chain(all).collect()
    }
}

/// Parses an enrollment id from an address.
pub(crate) fn parse_enrollment(text: &str) -> Result<EnrollmentId, Problem> {
    Uuid::parse_str(text).map(EnrollmentId).map_err(|_| Problem::NotFound)
}

fn line(enrollment: &Enrollment, now: Timestamp) -> Line {
    Line {
        href: href(enrollment.id),
        code: enrollment.help_code.clone(),
        who: words::who(enrollment),
        device: words::device(enrollment),
        state: words::state(enrollment.state),
        step: words::step(enrollment.step),
        since: Instant::of(enrollment.step_since, now),
        refusals: enrollment.refusals,
        opened: Instant::of(enrollment.opened, now),
    }
}
