//! Actions of administrators on records. There are three separate verbs: *Unenroll* ends management, *Archive* hides
//! the record (and *Restore* shows it again), *Erase* erases a person's data and does not belong to a single record.

use super::carried::{About, Act};
use super::devices::{after, after_command, href, parse_device};
use super::form::{Empty, Genuine};
use super::problem::Problem;
use super::proof;
use super::session::{Acts, May, Own, is_fresh, see_other};
use crate::admin::Console;
use actix_web::{HttpResponse, web};
use decisions::device::{Command, Device as Aggregate};
use devices::commands::request::Queued;
use devices::commands::table::UNENROLL;
use devices::commands::{QueueError, removal};
use events::Position;
use events::device::DeviceId;
use platform::PerformError;
use platform::context::Context;
use projections::devices::{self as inventory, Device, State};
use std::time::Duration;

/// Maximum time to wait for the projections before the record is shown again, up to date or not.
const WAIT: Duration = Duration::from_secs(3);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verb {
    Unenroll,
    Archive,
    Restore,
}

impl Verb {
    const ALL: [Verb; 3] = [Verb::Unenroll, Verb::Archive, Verb::Restore];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Verb::Unenroll => UNENROLL.name,
            Verb::Archive => "archive",
            Verb::Restore => "restore",
        }
    }

    pub(crate) fn label(self) -> &'static str {
        match self {
            Verb::Unenroll => UNENROLL.label,
            Verb::Archive => "Archive",
            Verb::Restore => "Restore",
        }
    }

    pub(crate) fn consequence(self) -> &'static str {
        match self {
            Verb::Unenroll => UNENROLL.consequence,
            Verb::Archive => {
                "Hides the record from the list of devices. Nothing changes on the device, nothing is deleted, and you can \
                 restore the record."
            }
            Verb::Restore => "Shows the record in the list of devices again.",
        }
    }
}

/// Returns the verbs that make sense in the state of a record. The aggregate decides.
pub(crate) fn possible(device: &Device) -> Vec<Verb> {
    let makes_sense = |verb: &Verb| match verb {
        Verb::Unenroll => device.state == State::Enrolled,
        Verb::Archive => !device.archived,
        Verb::Restore => device.archived,
    };
    Verb::ALL.into_iter().filter(makes_sense).collect()
}

/// Performs the action.
///
/// # Errors
/// Returns an error if the state of the record does not permit the action, or the event log or the projections are
/// unavailable.
pub(crate) async fn submit(
    staff: May<Acts>,
    own: Own,
    path: web::Path<(String, String)>,
    _form: Genuine<Empty>,
) -> Result<HttpResponse, Problem> {
    let (device, verb) = path.into_inner();
    let id = parse_device(&device)?;
    let verb = Verb::ALL.into_iter().find(|known| known.as_str() == verb).ok_or(Problem::NotFound)?;
    if verb == Verb::Unenroll && !is_fresh(&staff) {
        let found = inventory::get(staff.projections(), id, None).await.map_err(|error| staff.broken(error))?;
        let device = found.ok_or(Problem::NotFound)?;
        let act = Act {
            path: format!("{}/{}", href(id, None), verb.as_str()),
            about: About::one(verb.label(), &device),
            consequence: verb.consequence().to_owned(),
            fields: vec![],
            back: href(id, None),
        };
        return proof::first(&own, &act);
    }
    let done = perform(staff.app(), id, verb, &staff.context()).await.map_err(|error| match error {
        QueueError::Perform(PerformError::Refused(refusal)) => {
            Problem::Refused(format!("This is not possible: {refusal}."))
        }
        other => Problem::unavailable(other, staff.correlation()),
    })?;
    let Queued { command, appended } = done;
    if let Some(appended) = appended {
        wait(staff.app(), appended.position).await;
    }
    Ok(see_other(&match command {
        Some(command) => after_command(id, command, appended.is_none()),
        None => after(id, verb.as_str(), None),
    }))
}

async fn perform(app: &Console, id: DeviceId, verb: Verb, context: &Context) -> Result<Queued, QueueError> {
    let command = match verb {
        Verb::Unenroll => {
            let device = app.platform.device(id).await.map_err(PerformError::Read)?;
            let command = removal(id, &device);
            let appended = app.devices.unenroll(id, command, context).await?.appended;
            return Ok(Queued { command: Some(command), appended });
        }
        Verb::Archive => Command::Archive,
        Verb::Restore => Command::Restore,
    };
    let appended = app.platform.perform::<Aggregate>(&id.stream(), &command, context).await?.appended;
    Ok(Queued { command: None, appended })
}

// Waits for the projections, so that the next page shows the change (read your writes). The action is done even if
// they are late.
pub(super) async fn wait(app: &Console, position: Position) {
    match tokio::time::timeout(WAIT, app.platform.projections.wait_for(position)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, "the page shows the record's earlier state"),
        Err(_) => tracing::warn!(%position, "the projections are slow: the page shows the record's earlier state"),
    }
}

/// Same as [`wait`], for everything that is in the log now.
pub(super) async fn wait_for_all(app: &Console) {
    match app.platform.log.store().head().await {
        Ok(Some(head)) => wait(app, head).await,
        Ok(None) => {}
        Err(error) => tracing::warn!(%error, "the page shows the record's earlier state"),
    }
}
