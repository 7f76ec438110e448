//! The migration board: every previous record with its state on the way to Muster, the states over time, and what
//! administrators do with many records at once.
//!
//! [`frozen`] is the list of a rehearsal, for every bulk action on the board.

pub(crate) mod bulk;
mod chart;
mod export;
mod filters;
mod frozen;
pub(crate) mod invite;
mod line;
pub(crate) mod one;
pub(crate) mod words;

pub(crate) use export::export;
pub(crate) use one::{Migrating, migrating, said};

use super::cleared::{self, Reader};
use super::devices::{Choice, Export};
use super::pages::show;
use super::problem::Problem;
use super::query::{Parameters, Query};
use super::render::view;
use super::session::{ExportsMigration, Invites, MakesExceptions, May, SeesMigration, is_permitted};
use crate::web::content::content;
use actix_web::HttpResponse;
use chart::Chart;
use events::migration::MigrationException;
use events::staff::StaffActivityEvent;
use filters::{Filters, Lists};
use line::Line;
use plural::counted;
use projections::migration::{self as board_of, BoardFilter, MigrationState};
use serde::Serialize;
use std::collections::BTreeMap;

pub(crate) const PATH: &str = "/console/migration";

/// Records per page.
const PAGE: usize = 50;

#[derive(Serialize)]
struct BoardPage {
    /// How much of the migration is done, in words.
    progress: String,
    tiles: Vec<Tile>,
    /// Sentence about records that need attention, and the address of their list.
    late: Option<String>,
    late_href: String,
    chart: Option<Chart>,
    lists: Lists,
    filtered: bool,
    rows: Vec<Line>,
    /// Number of records that match, in words.
    matching: String,
    may_except: bool,
    may_invite: bool,
    /// Records can be selected.
    selects: bool,
    reasons: Vec<Choice>,
    /// The filters, for the forms of bulk actions.
    kept: Vec<Kept>,
    exports: Vec<Export>,
    older: Option<String>,
    newest: Option<String>,
}

view!(
    migration as migration_page,
    Menu,
    BoardPage {
        progress,
        tiles,
        late,
        late_href,
        chart,
        lists,
        filtered,
        rows,
        matching,
        may_except,
        may_invite,
        selects,
        reasons,
        kept,
        exports,
        older,
        newest
    }
);

/// A state with its number, which leads to its list.
#[derive(Serialize)]
struct Tile {
    href: String,
    label: &'static str,
    meaning: &'static str,
    /// Word of the state: the class of its colour.
    state: &'static str,
    texture: &'static str,
    count: u64,
    current: bool,
}

content!(Tile { href, label, meaning, state, texture, count, current });

/// A field that a form sends again.
#[derive(Serialize)]
pub(crate) struct Kept {
    pub name: String,
    pub value: String,
}

content!(Kept { name, value });

/// Shows the board.
///
/// # Errors
/// Returns an error if a filter is invalid, or the event log or the projections are unavailable.
pub(crate) async fn board(
    staff: May<SeesMigration>,
    address: Parameters<Filters, chart::Period>,
) -> Result<HttpResponse, Problem> {
    let Parameters(filters, period) = address;
    let (now, broken) = (staff.now(), |error| staff.broken(error));
    let choices = board_of::choices(staff.projections()).await.map_err(broken)?;
    let filter = filters.parse(now, &choices)?;
    let days = period.days()?;
    staff.record(StaffActivityEvent::MigrationBoardViewed { filters: filters.names_and_values() }).await?;
    let query = filters.query();
    let counts = board_of::counts(staff.projections(), filter.clone()).await.map_err(broken)?;
    let found = board_of::list(staff.projections(), filter.clone(), PAGE).await.map_err(broken)?;
    let rows = cleared::board(staff.projections(), &Reader::Staff(&staff.roles), found.rows).await.map_err(broken)?;
    let late = board_of::late(staff.projections(), filters::late_until(now)).await.map_err(broken)?;
    let chart = chart::of(&staff, filter.source.clone(), &query, days).await?;
    let may_except = is_permitted::<MakesExceptions>(&staff.roles);
    let may_invite = is_permitted::<Invites>(&staff.roles);
    let page = BoardPage {
        progress: progress(&counts),
        tiles: tiles(filter.state, &counts, &query),
        late: (late > 0).then(|| words::late(late)),
        late_href: Query::default().with("late", Some("yes")).href(PATH),
        chart,
        lists: filters.lists(&choices),
        filtered: !query.is_empty(),
        rows: rows.iter().map(|row| line::line(row, &staff)).collect(),
        matching: counted(matching(&filter, &counts), "record"),
        may_except,
        may_invite,
        selects: may_except || may_invite,
        reasons: reasons(),
        kept: filters.kept(),
        exports: match is_permitted::<ExportsMigration>(&staff.roles) {
            true => Export::all(&query, export::PATH),
            false => Vec::new(),
        },
        older: found.next.map(|next| query.clone().with("after", Some(&next.to_string())).href(PATH)),
        newest: filter.after.is_some().then(|| query.href(PATH)),
    };
    show("Migration", "migration", &staff, &page)
}

/// Returns the reasons of an exception, for a select field.
pub(crate) fn reasons() -> Vec<Choice> {
    let all = MigrationException::ALL.map(|why| Choice::new(why.as_str(), &super::words::capital(why.name()), None));
    all.into()
}

fn matching(filter: &BoardFilter, counts: &BTreeMap<MigrationState, u64>) -> i64 {
    let of = |state: &MigrationState| filter.state.is_none_or(|chosen| chosen == *state);
    let sum = counts.iter().filter(|(state, _)| of(state)).map(|(_, count)| count).sum::<u64>();
    i64::try_from(sum).unwrap_or(i64::MAX)
}

fn progress(counts: &BTreeMap<MigrationState, u64>) -> String {
    let of = |state| counts.get(&state).copied().unwrap_or_default();
    let all: u64 = counts.values().sum();
    let done = of(MigrationState::Done);
    let aside = of(MigrationState::Exception) + of(MigrationState::Gone);
    let percent = (done * 100).checked_div(all).unwrap_or_default();
    let aside = if aside == 0 { String::new() } else { format!(", {aside} exceptions or gone") };
    format!("{done} of {all} done ({percent} %){aside}")
}

fn tiles(chosen: Option<MigrationState>, counts: &BTreeMap<MigrationState, u64>, query: &Query) -> Vec<Tile> {
    let rest = query.without("state");
    let tile = |state: MigrationState| {
        let current = chosen == Some(state);
        // The tile of the shown state leads back to all.
        let word = (!current).then_some(state.as_str());
        Tile {
            href: rest.clone().with("state", word).href(PATH),
            label: words::label(state),
            meaning: words::meaning(state),
            state: state.as_str(),
            texture: words::texture(state),
            count: counts.get(&state).copied().unwrap_or_default(),
            current,
        }
    };
    MigrationState::ALL.map(tile).into()
}
