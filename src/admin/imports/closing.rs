//! Closing the migration of a source, and reopening it.

use super::PATH;
use crate::admin::carried::{About, Act, Field};
use crate::admin::form::Genuine;
use crate::admin::problem::Problem;
use crate::admin::proof;
use crate::admin::session::{ClosesMigrations, May, Own, SeesRecords, is_fresh, is_permitted, see_other};
use crate::admin::words::{Chip, Instant};
use crate::web::content::content;
use actix_web::{HttpResponse, web};
use events::Timestamp;
use projections::closings::{self, Closing};
use projections::records as previous;
use serde::{Deserialize, Serialize};

/// Seconds of a day.
const DAY: i64 = 24 * 3_600;

#[derive(Deserialize)]
pub(crate) struct Source {
    #[serde(default)]
    source: String,
}

/// What an administrator does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verb {
    Close,
    Reopen,
}

impl Verb {
    const ALL: [Verb; 2] = [Verb::Close, Verb::Reopen];

    fn as_str(self) -> &'static str {
        match self {
            Verb::Close => "close",
            Verb::Reopen => "reopen",
        }
    }
}

/// The migration of a source.
#[derive(Serialize)]
pub(super) struct Migration {
    source: String,
    state: Chip,
    /// When it was closed; `None`: it is open.
    closed: Option<Instant>,
    /// When records of people who never enrolled are shredded.
    shredding: Option<Instant>,
    shredded: u64,
    /// Action of the form; `None` for staff who may not close it.
    action: Option<String>,
    /// What closing does; `None`: it is closed.
    consequence: Option<String>,
    label: &'static str,
}

content!(Migration { source, state, closed, shredding, shredded, action, consequence, label });

/// Returns the migrations of all sources.
///
/// # Errors
/// Returns an error if the projections or the settings are unavailable.
pub(super) async fn migrations(staff: &May<SeesRecords>) -> Result<Vec<Migration>, Problem> {
    let sources = previous::live_sources(staff.projections()).await.map_err(|error| staff.broken(error))?;
    let days = staff.settings().await?.reenrollment.shred_after_days;
    let may = is_permitted::<ClosesMigrations>(&staff.roles);
    let mut migrations = Vec::new();
    for source in sources {
        let found = closings::of_source(staff.projections(), source.clone()).await;
        let closing = found.map_err(|error| staff.broken(error))?.filter(|closing| closing.closed.is_some());
        migrations.push(migration(source, closing, (days, may), staff.now()));
    }
    Ok(migrations)
}

fn migration(source: String, closing: Option<Closing>, (days, may): (u32, bool), now: Timestamp) -> Migration {
    let closed = closing.as_ref().and_then(|closing| closing.closed);
    let (verb, label, state) = match closed {
        None => (Verb::Close, "Close the migration", Chip { label: "Open", class: "ok" }),
        Some(_) => (Verb::Reopen, "Reopen", Chip { label: "Closed", class: "" }),
    };
    Migration {
        source,
        state,
        closed: closed.map(|at| Instant::of(at, now)),
        shredding: closed.map(|at| Instant::of(at.plus_seconds(i64::from(days) * DAY), now)),
        shredded: closing.map_or(0, |closing| closing.shredded),
        action: may.then(|| action(verb)),
        consequence: (verb == Verb::Close).then(|| consequence(days)),
        label,
    }
}

fn action(verb: Verb) -> String {
    format!("/console/migration/{}", verb.as_str())
}

/// Closes or reopens the migration of a source that has an import.
///
/// # Errors
/// Returns an error if there is no such source, or the event log or the projections are unavailable.
pub(crate) async fn submit(
    staff: May<ClosesMigrations>,
    own: Own,
    path: web::Path<String>,
    Genuine(Source { source }): Genuine<Source>,
) -> Result<HttpResponse, Problem> {
    let verb = Verb::ALL.into_iter().find(|verb| verb.as_str() == path.as_str()).ok_or(Problem::NotFound)?;
    let sources = previous::live_sources(staff.projections()).await.map_err(|error| staff.broken(error))?;
    if !sources.contains(&source) {
        return Err(Problem::NotFound);
    }
    if verb == Verb::Close && !is_fresh(&staff) {
        let days = staff.settings().await?.reenrollment.shred_after_days;
        return proof::first(&own, &close(&source, days));
    }
    let (reenrollment, context) = (&staff.app().reenrollment, staff.context());
    let done = match verb {
        Verb::Close => reenrollment.close(&source, &context).await,
        Verb::Reopen => reenrollment.reopen(&source, &context).await,
    };
    done.map_err(|error| staff.broken(error))?;
    Ok(see_other(PATH))
}

fn consequence(days: u32) -> String {
    format!(
        "Nobody is invited to enroll a device of this source any more. After {days} days, Muster destroys the personal data \
         of its records whose owner never enrolled. You can reopen the migration until then."
    )
}

fn close(source: &str, days: u32) -> Act {
    Act {
        path: action(Verb::Close),
        about: About::of("Close this migration", source.to_owned()),
        consequence: consequence(days),
        fields: vec![Field { name: "source".to_owned(), value: source.to_owned() }],
        back: PATH.to_owned(),
    }
}
