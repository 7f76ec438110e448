//! Earlier records of people and hardware that enrolled again: a list for administrators.

use super::audit::event_href;
use super::devices::href;
use super::pages::show;
use super::problem::Problem;
use super::session::Administrator;
use super::words::{self, Chip, Instant};
use crate::app::App;
use actix_web::{HttpResponse, web};
use events::Timestamp;
use events::device::DeviceId;
use events::staff::AccessEvent;
use projections::ProjectionError;
use projections::devices::{self as inventory, Device};
use projections::reenrollment::{Found, latest};
use serde::Serialize;

/// Findings shown.
const SHOWN: usize = 100;

#[derive(Serialize)]
struct Page {
    found: Vec<Line>,
}

#[derive(Serialize)]
struct Line {
    at: Instant,
    event_href: String,
    previous: Named,
    later: Named,
    evidence: String,
}

#[derive(Serialize)]
struct Named {
    href: String,
    label: String,
    state: Option<Chip>,
    archived: bool,
}

/// The list.
///
/// # Errors
/// If log or projections cannot be used.
pub async fn list(app: web::Data<App>, Administrator(staff): Administrator) -> Result<HttpResponse, Problem> {
    let broken = |error: &dyn std::fmt::Display| Problem::unavailable(error, staff.correlation());
    let viewed = app.record_access(staff.id, AccessEvent::DeviceListViewed {}, staff.context()).await;
    viewed.map_err(|error| broken(&error))?;
    let found = lines(&app, app.world.now()).await.map_err(|error| broken(&error))?;
    show("earlier", "Earlier records", "earlier", &staff, &Page { found })
}

async fn lines(app: &App, now: Timestamp) -> Result<Vec<Line>, ProjectionError> {
    let mut lines = Vec::new();
    for found in latest(&app.projections, SHOWN).await? {
        lines.push(Line {
            at: Instant::of(found.at, now),
            event_href: event_href(found.event),
            previous: named(app, found.previous).await?,
            later: named(app, found.enrollment).await?,
            evidence: evidence(&found.evidence),
        });
    }
    Ok(lines)
}

async fn named(app: &App, id: DeviceId) -> Result<Named, ProjectionError> {
    let device = inventory::get(&app.projections, id, None).await?;
    Ok(match device {
        Some(device) => known(&device),
        // A visit to the portal that has not become a device: its events are all there is.
        None => Named {
            href: super::query::Query::default().with("device", Some(&id.to_string())).href(super::audit::PATH),
            label: format!("Visit {}", words::short(&id.to_string())),
            state: None,
            archived: false,
        },
    })
}

fn known(device: &Device) -> Named {
    Named {
        href: href(device.id, None),
        label: words::label(device),
        state: Some(words::state(device.state)),
        archived: device.archived,
    }
}

/// Why two records are thought to belong together, in words.
pub fn evidence(found: &[Found]) -> String {
    let words = found.iter().map(|found| match found {
        Found::SamePerson => "same person",
        Found::SameFamily => "same kind of device",
        Found::SameHardware => "same hardware",
    });
    words.collect::<Vec<_>>().join(", ")
}
