//! The settings: current values, history, and changing them in three steps: text, preview, apply.

mod change;

pub(crate) use change::{apply, edit, preview};

use super::audit::event_href;
use super::pages::show;
use super::problem::Problem;
use super::render::view;
use super::session::{ChangesSettings, May, Staff};
use super::words::Instant;
use crate::web::content::content;
use ::settings::{told_changes, written_settings};
use actix_web::HttpResponse;
use events::Event;
use events::settings::{Settings, SettingsEvent};
use events::staff::StaffActivityEvent;
use projections::audit::{self as trail, AuditFilter, Match, Row};
use serde::Serialize;

pub(crate) const PATH: &str = "/console/settings";

/// Changes shown; the audit trail has all of them.
const SHOWN: usize = 20;

#[derive(Serialize)]
struct SettingsPage {
    text: String,
    history: Vec<Change>,
}

view!(settings, Menu, SettingsPage { text, history });

#[derive(Serialize)]
struct Change {
    at: Instant,
    who: String,
    href: String,
    lines: Vec<String>,
}

content!(Change { at, who, href, lines });

/// Shows the current settings and their history.
///
/// # Errors
/// Returns an error if the event log or the projections are unavailable.
pub(crate) async fn page(staff: May<ChangesSettings>) -> Result<HttpResponse, Problem> {
    staff.record(StaffActivityEvent::SettingsViewed {}).await?;
    let text = written(&staff, &staff.settings().await?)?;
    let event_type = Some(Match::is("SettingsChanged".to_owned()));
    let filter = AuditFilter { event_type, ..AuditFilter::default() };
    let rows =
        trail::query(staff.projections(), staff.log(), filter, SHOWN).await.map_err(|error| staff.broken(error))?.rows;
    let mut history = Vec::with_capacity(rows.len());
    for row in rows {
        history.extend(changed(&staff, &row).await?);
    }
    show("Settings", "settings", &staff, &SettingsPage { text, history })
}

async fn changed(staff: &Staff, row: &Row) -> Result<Option<Change>, Problem> {
    let entry = staff.event_at(&row.stream, row.revision).await?;
    let Some(Event::Settings(SettingsEvent::SettingsChanged { changes, .. })) = entry.map(|entry| entry.event) else {
        return Ok(None);
    };
    Ok(Some(Change {
        at: Instant::of(row.at, staff.now()),
        who: super::audit::actor(row),
        href: event_href(row.event),
        lines: told_changes(&changes).map_err(|error| staff.broken(error))?,
    }))
}

/// Returns the settings as TOML text.
fn written(staff: &Staff, settings: &Settings) -> Result<String, Problem> {
    written_settings(settings).map_err(|error| staff.broken(error))
}
