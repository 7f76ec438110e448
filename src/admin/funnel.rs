//! The enrollment funnel: how many people reach each step in a period, and who is stuck now.

use super::devices::{Choice, parse_as_of};
use super::enrollments::{self, Line, words};
use super::pages::show;
use super::problem::Problem;
use super::query::{Parameters, Query, filled, read};
use super::render::view;
use super::session::{May, SeesFunnel};
use super::words::Instant;
use crate::web::content::content;
use actix_web::HttpResponse;
use events::Timestamp;
use events::staff::StaffActivityEvent;
use projections::enrollments::{Dimension, Funnel, FunnelFilter, Group, StepCount, funnel, groups};
use serde::{Deserialize, Serialize};

const PATH: &str = "/console/funnel";

/// Default period in days, if the address names no period.
const DAYS: i64 = 30;

/// Filters as query parameters.
#[derive(Deserialize)]
pub(crate) struct Filters {
    from: Option<String>,
    to: Option<String>,
    version: Option<String>,
    language: Option<String>,
    provider: Option<String>,
}

#[derive(Serialize)]
struct FunnelPage {
    from: String,
    to: String,
    period: String,
    presets: Vec<Preset>,
    versions: Vec<Choice>,
    languages: Vec<Choice>,
    providers: Vec<Choice>,
    filtered: bool,
    totals: Vec<Total>,
    steps: Vec<StepLine>,
    groups: Vec<GroupTable>,
    stuck: Vec<Line>,
}

view!(
    funnel as funnel_page,
    Menu,
    FunnelPage { from, to, period, presets, versions, languages, providers, filtered, totals, steps, groups, stuck }
);

#[derive(Serialize)]
struct Preset {
    href: String,
    label: &'static str,
}

content!(Preset { href, label });

#[derive(Serialize)]
struct Total {
    label: &'static str,
    value: String,
    share: Option<String>,
    class: &'static str,
}

content!(Total { label, value, share, class });

#[derive(Serialize)]
struct StepLine {
    href: String,
    step: &'static str,
    reached: u64,
    of: u64,
    share: String,
    went_on: String,
    dropped: u64,
    how: String,
    waiting: u64,
    median: String,
}

content!(StepLine { href, step, reached, of, share, went_on, dropped, how, waiting, median });

#[derive(Serialize)]
struct GroupTable {
    title: &'static str,
    groups: Vec<GroupLine>,
}

content!(GroupTable { title, groups });

#[derive(Serialize)]
struct GroupLine {
    name: String,
    enrollments: u64,
    enrolled: u64,
    share: String,
}

content!(GroupLine { name, enrollments, enrolled, share });

/// Shows the page.
///
/// # Errors
/// Returns an error if a filter is invalid, or the event log or the projections are unavailable.
pub(crate) async fn page(staff: May<SeesFunnel>, address: Parameters<Filters>) -> Result<HttpResponse, Problem> {
    let Parameters(filters, _) = address;
    let now = staff.now();
    let filter = filters.parse(now)?;
    let query = filters.query();
    let names = query.iter().map(|(name, _)| (*name).to_owned()).collect();
    staff.record(StaffActivityEvent::FunnelViewed { filters: names }).await?;
    let broken = |error| staff.broken(error);
    let found = funnel(staff.projections(), filter.clone()).await.map_err(broken)?;
    let mut tables = Vec::new();
    // The options come from all enrollments of the period, independent of the other filters.
    let period = FunnelFilter { from: filter.from, to: filter.to, ..FunnelFilter::default() };
    let mut choices = Vec::new();
    for (dimension, title) in [
        (Dimension::Version, "By iOS version"),
        (Dimension::Language, "By language"),
        (Dimension::Provider, "By sign-in method"),
    ] {
        let here = groups(staff.projections(), filter.clone(), dimension).await.map_err(broken)?;
        tables.push(GroupTable { title, groups: here.iter().map(|group| group_line(group, dimension)).collect() });
        let all = groups(staff.projections(), period.clone(), dimension).await.map_err(broken)?;
        choices.push(choose(&all, dimension, filters.chosen(dimension)));
    }
    let [versions, languages, providers] = <[Vec<Choice>; 3]>::try_from(choices).unwrap_or_default();
    let instant = |at: Option<Timestamp>| at.map(|at| Instant::of(at, now));
    // An edge within a day with many enrollments is moved to the day: the page has the period that was counted.
    let (from, to) = (instant(found.from), instant(found.to));
    let until = to.as_ref().map_or("now".to_owned(), |to| format!("{} UTC", to.words));
    let page = FunnelPage {
        period: format!("Enrollments started from {} UTC until {until}", from.as_ref().map_or("", |from| &from.words)),
        from: from.map(|from| from.input).unwrap_or_default(),
        to: to.map(|to| to.input).unwrap_or_default(),
        presets: presets(now),
        versions,
        languages,
        providers,
        filtered: !query.is_empty(),
        totals: totals(&found),
        steps: found.steps.iter().map(|step| step_line(step, found.enrollments)).collect(),
        groups: tables,
        stuck: enrollments::stuck(&staff, now).await?,
    };
    show("Enrollment funnel", "funnel", &staff, &page)
}

impl Filters {
    fn parse(&self, now: Timestamp) -> Result<FunnelFilter, Problem> {
        let text = |value: &Option<String>| filled(value.as_deref()).map(str::to_owned);
        let major = read("version", self.version.as_deref(), |major| {
            major.parse().map_err(|_| Problem::Bad("Enter the major version only, such as 17."))
        })?;
        let from = read("from", self.from.as_deref(), parse_as_of)?.unwrap_or(now.plus_seconds(-DAYS * 86_400));
        Ok(FunnelFilter {
            from: Some(from),
            to: read("to", self.to.as_deref(), parse_as_of)?,
            major,
            language: text(&self.language),
            provider: text(&self.provider),
        })
    }

    fn query(&self) -> Query {
        Query::default()
            .with("from", self.from.as_deref())
            .with("to", self.to.as_deref())
            .with("version", self.version.as_deref())
            .with("language", self.language.as_deref())
            .with("provider", self.provider.as_deref())
    }

    fn chosen(&self, dimension: Dimension) -> Option<&str> {
        match dimension {
            Dimension::Version => self.version.as_deref(),
            Dimension::Language => self.language.as_deref(),
            Dimension::Provider => self.provider.as_deref(),
        }
    }
}

fn presets(now: Timestamp) -> Vec<Preset> {
    let last = |label, days: i64| {
        let from = Instant::of(now.plus_seconds(-days * 86_400), now).input;
        Preset { href: Query::default().with("from", Some(&from)).href(PATH), label }
    };
    vec![last("Last 24 hours", 1), last("Last 7 days", 7), last("Last 90 days", 90)]
}

fn choose(groups: &[Group], dimension: Dimension, chosen: Option<&str>) -> Vec<Choice> {
    let known = groups.iter().filter_map(|group| group.name.as_deref());
    let known = known.map(|name| Choice::new(name, &label(name, dimension), chosen));
    std::iter::once(Choice::new("", "Any", chosen)).chain(known).collect()
}

fn label(name: &str, dimension: Dimension) -> String {
    match dimension {
        Dimension::Version => format!("iOS {name}"),
        Dimension::Language => name.to_owned(),
        Dimension::Provider => words::way(name),
    }
}

fn totals(found: &Funnel) -> Vec<Total> {
    let count = |label, value: u64, class| Total {
        label,
        value: value.to_string(),
        share: (found.enrollments > 0).then(|| share(value, found.enrollments)),
        class: if value > 0 { class } else { "" },
    };
    let all = Total { label: "Enrollments started", value: found.enrollments.to_string(), share: None, class: "" };
    let median = found.median_seconds.map_or_else(|| super::words::NONE.to_owned(), words::lasting);
    vec![
        all,
        count("Enrolled", found.enrolled, "ok"),
        count("Refused", found.refused, "bad"),
        count("Closed or signed out", found.abandoned + found.signed_out, ""),
        count("Open", found.open, "warn"),
        Total { label: "Median time to enroll", value: median, share: None, class: "" },
    ]
}

fn step_line(count: &StepCount, enrollments: u64) -> StepLine {
    let parts = [(count.refused, "refused"), (count.abandoned, "closed"), (count.signed_out, "signed out")];
    let how: Vec<_> = parts.iter().filter(|(n, _)| *n > 0).map(|(n, how)| format!("{n} {how}")).collect();
    let last = count.step == projections::enrollments::Step::Enrolled;
    StepLine {
        href: Query::default().with("step", Some(count.step.as_str())).href(enrollments::PATH),
        step: words::step(count.step),
        reached: count.reached,
        of: enrollments,
        share: share(count.reached, enrollments),
        went_on: if last { super::words::NONE.to_owned() } else { count.went_on().to_string() },
        dropped: count.refused + count.abandoned + count.signed_out,
        how: how.join(", "),
        waiting: count.waiting,
        median: count.median_seconds.map_or_else(|| super::words::NONE.to_owned(), words::lasting),
    }
}

fn group_line(group: &Group, dimension: Dimension) -> GroupLine {
    GroupLine {
        name: group.name.as_deref().map_or_else(|| "Unknown".to_owned(), |name| label(name, dimension)),
        enrollments: group.enrollments,
        enrolled: group.enrolled,
        share: share(group.enrolled, group.enrollments),
    }
}

fn share(part: u64, whole: u64) -> String {
    let percent = (part * 100 + whole / 2).checked_div(whole);
    percent.map(|percent| format!("{percent} %")).unwrap_or_default()
}
