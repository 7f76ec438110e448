//! Links between earlier records and the devices that are enrolled later: the list, and the decisions.

mod decide;
mod shown;
pub(crate) mod words;

pub(crate) use decide::{decide, said};
pub(crate) use shown::{Place, Shown, name, of_device, of_record, shown};

use super::devices::{Choice, parse_device};
use super::pages::show;
use super::problem::Problem;
use super::query::{Parameters, Query, read};
use super::records::parse_record;
use super::render::view;
use super::session::{May, SeesLinks};
use crate::web::content::content;
use actix_web::HttpResponse;
use actix_web::http::header::LOCATION;
use events::record::LinkBand;
use events::staff::StaffActivityEvent;
use projections::links::{self, LinkFilter, LinkState};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

pub(crate) const PATH: &str = "/console/links";

/// Links per page.
const PAGE: usize = 50;

/// Value of the filter for links in any state.
const ANY: &str = "any";

/// Filters as query parameters.
#[derive(Deserialize)]
pub(crate) struct Filters {
    state: Option<String>,
    band: Option<String>,
    record: Option<String>,
    device: Option<String>,
    after: Option<String>,
}

/// What the previous form did, and to which link.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Asked {
    pub done: Option<String>,
    pub link: Option<String>,
}

#[derive(Serialize)]
struct LinksPage {
    done: Option<String>,
    states: Vec<Tab>,
    state: String,
    bands: Vec<Choice>,
    filtered: bool,
    /// Only the links of one record or device are shown.
    only: bool,
    /// There is no link in any state.
    none_yet: bool,
    explained: &'static str,
    links: Vec<Shown>,
    older: Option<String>,
    newest: Option<String>,
}

view!(
    links as links_page,
    Menu,
    LinksPage { done, states, state, bands, filtered, only, none_yet, explained, links, older, newest }
);

#[derive(Serialize)]
struct Tab {
    href: String,
    label: &'static str,
    count: Option<u64>,
    current: bool,
}

content!(Tab { href, label, count, current });

/// Shows the list.
///
/// # Errors
/// Returns an error if a filter is invalid, or the event log or the projections are unavailable.
pub(crate) async fn list(staff: May<SeesLinks>, address: Parameters<Filters, Asked>) -> Result<HttpResponse, Problem> {
    let Parameters(filters, asked) = address;
    let chosen = filters.chosen();
    let filter = filters.parse(chosen)?;
    staff.record(StaffActivityEvent::LinkListViewed {}).await?;
    let (continued, query) = (filter.after.is_some(), filters.query());
    let only = filter.record.is_some() || filter.successor.is_some();
    let counts = links::counts(staff.projections()).await.map_err(|error| staff.broken(error))?;
    let found = links::list(staff.projections(), filter, PAGE).await.map_err(|error| staff.broken(error))?;
    let mut lines = Vec::new();
    for link in &found.links {
        lines.push(shown(&staff, link, None, Some(Place::List)).await?);
    }
    let page = LinksPage {
        done: said(&staff, &asked).await?,
        states: tabs(chosen, &counts, &query),
        state: filters.state.clone().unwrap_or_default(),
        bands: filters.bands(),
        filtered: filters.band.is_some(),
        only,
        none_yet: counts.values().all(|count| *count == 0),
        explained: words::explained(LinkState::parse(chosen)),
        links: lines,
        older: found.next.map(|next| query.clone().with("after", Some(&next.to_string())).href(PATH)),
        newest: continued.then(|| query.href(PATH)),
    };
    show("Re-enrollments", "again", &staff, &page)
}

fn tabs(chosen: &str, counts: &BTreeMap<LinkState, u64>, query: &Query) -> Vec<Tab> {
    let all = [LinkState::Proposed, LinkState::Confirmed, LinkState::Rejected, LinkState::Withdrawn];
    let rest = query.without("state");
    let of_state = |state: LinkState| Tab {
        href: rest.clone().with("state", Some(state.as_str())).href(PATH),
        label: words::state(state).label,
        count: Some(counts.get(&state).copied().unwrap_or_default()),
        current: state.as_str() == chosen,
    };
    let any = Tab {
        href: rest.clone().with("state", Some(ANY)).href(PATH),
        label: "All",
        count: None,
        current: chosen == ANY,
    };
    all.into_iter().map(of_state).chain([any]).collect()
}

impl Filters {
    // Without a state, the page shows what is to be decided; of one record or device, it shows everything.
    fn chosen(&self) -> &str {
        let is_of_one = self.record.is_some() || self.device.is_some();
        let usual = if is_of_one { ANY } else { LinkState::Proposed.as_str() };
        super::query::filled(self.state.as_deref()).unwrap_or(usual)
    }

    /// Returns the projection's filter for links in the state `state`. Proposals come strongest first, others in the
    /// order of their last change.
    ///
    /// # Errors
    /// Returns an error that names the invalid filter.
    fn parse(&self, state: &str) -> Result<LinkFilter, Problem> {
        let unknown = Problem::Bad("There is no such state of a link.");
        let state = match state {
            ANY => None,
            word => Some(LinkState::parse(word).ok_or(unknown).map_err(|problem| problem.of("state"))?),
        };
        let band = read("band", self.band.as_deref(), |word| {
            LinkBand::parse(word).ok_or(Problem::Bad("It must be “strong”, “probable”, “weak” or “none”."))
        })?;
        let record = read("record", self.record.as_deref(), parse_record)?;
        let successor = read("device", self.device.as_deref(), parse_device)?;
        let after = read("after", self.after.as_deref(), |text| {
            text.parse().map_err(|_| Problem::Bad("Use “next” of the previous response, unchanged."))
        })?;
        Ok(LinkFilter { state, band, record, successor, strongest_first: state == Some(LinkState::Proposed), after })
    }

    /// Returns the filter of a program, which gets links in any state unless it asks for one.
    ///
    /// # Errors
    /// Returns an error that names the invalid filter.
    pub(crate) fn of_program(&self) -> Result<LinkFilter, Problem> {
        let filter = self.parse(super::query::filled(self.state.as_deref()).unwrap_or(ANY))?;
        Ok(LinkFilter { strongest_first: false, ..filter })
    }

    /// Returns the filters of an API request for its event.
    pub(crate) fn names_and_values(&self) -> Vec<String> {
        self.query().iter().map(|(name, value)| format!("{name}={value}")).collect()
    }

    fn query(&self) -> Query {
        Query::default()
            .with("state", self.state.as_deref())
            .with("band", self.band.as_deref())
            .with("record", self.record.as_deref())
            .with("device", self.device.as_deref())
    }

    fn bands(&self) -> Vec<Choice> {
        let chosen = self.band.as_deref();
        let all = [LinkBand::Strong, LinkBand::Probable, LinkBand::Weak];
        let all = all.map(|band| Choice::new(band.as_str(), words::band(band).label, chosen));
        std::iter::once(Choice::new("", "Any", chosen)).chain(all).collect()
    }
}

/// Redirects from the address that the list had in earlier versions.
pub(crate) async fn moved(_staff: May<SeesLinks>) -> HttpResponse {
    HttpResponse::PermanentRedirect().insert_header((LOCATION, PATH)).finish()
}
