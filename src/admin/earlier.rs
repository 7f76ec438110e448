//! List of earlier records of people and hardware that enrolled again, for administrators.

use super::audit::event_href;
use super::devices::href;
use super::pages::show;
use super::problem::Problem;
use super::render::view;
use super::session::{May, SeesEarlier};
use super::words::{self, Chip, Instant};
use crate::web::content::content;
use actix_web::HttpResponse;
use events::Timestamp;
use events::device::DeviceId;
use events::staff::StaffActivityEvent;
use projections::devices::{self as inventory, Device};
use projections::reenrollment::{Found, latest};
use projections::{ProjectionError, Projections};
use serde::Serialize;

/// Maximum number of findings shown.
const SHOWN: usize = 100;

#[derive(Serialize)]
struct EarlierRecordsPage {
    found: Vec<Line>,
}

view!(earlier, Menu, EarlierRecordsPage { found });

#[derive(Serialize)]
struct Line {
    at: Instant,
    event_href: String,
    previous: Named,
    later: Named,
    evidence: String,
}

content!(Line { at, event_href, previous, later, evidence });

#[derive(Serialize)]
struct Named {
    href: String,
    label: String,
    state: Option<Chip>,
    archived: bool,
}

content!(Named { href, label, state, archived });

/// Shows the list.
///
/// # Errors
/// Returns an error if the event log or the projections are unavailable.
pub(crate) async fn list(staff: May<SeesEarlier>) -> Result<HttpResponse, Problem> {
    staff.record(StaffActivityEvent::DeviceListViewed {}).await?;
    let found = lines(staff.projections(), staff.now()).await.map_err(|error| staff.broken(error))?;
    show("Earlier records", "earlier", &staff, &EarlierRecordsPage { found })
}

async fn lines(projections: &Projections, now: Timestamp) -> Result<Vec<Line>, ProjectionError> {
    let mut lines = Vec::new();
    for found in latest(projections, SHOWN).await? {
        lines.push(Line {
            at: Instant::of(found.at, now),
            event_href: event_href(found.event),
            previous: named(projections, found.previous).await?,
            later: named(projections, found.enrollment).await?,
            evidence: evidence(&found.evidence),
        });
    }
    Ok(lines)
}

async fn named(projections: &Projections, id: DeviceId) -> Result<Named, ProjectionError> {
    let device = inventory::get(projections, id, None).await?;
    Ok(match device {
        Some(device) => known(&device),
        // An enrollment that did not become a device has no record, only events.
        None => Named {
            href: super::query::Query::default().with("device", Some(&id.to_string())).href(super::audit::PATH),
            label: format!("Enrollment {}", words::short(&id.to_string())),
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

/// Returns the evidence that two records belong together, as text.
pub(crate) fn evidence(found: &[Found]) -> String {
    let words = found.iter().map(|found| match found {
        Found::SamePerson => "same person",
        Found::SameFamily => "same kind of device",
        Found::SameHardware => "same UDID",
    });
    words.collect::<Vec<_>>().join(", ")
}
