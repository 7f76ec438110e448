//! What becomes of an old management that the person asked Muster to remove.

use super::visitor::Visitor;
use decisions::device::{Device, Phase};
use decisions::enrollment::Enrollment;
use events::device::DeviceId;
use events::enrollment::{EnrollmentEvent, Ownership};
use events::record::RecordId;
use events::{Event, Timestamp};

/// Seconds after which the page no longer tells the person to wait for the device.
const PATIENCE: i64 = 120;

/// The removal of the old management of an earlier enrollment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Removing {
    /// Muster does not offer it: another product manages the device, it is one of the institution, or it has ended.
    No,
    Offered,
    /// The device was asked a moment ago.
    Waiting,
    /// It did not answer yet.
    Silent,
    /// It answered that it did not, or staff cancelled the command.
    Failed,
}

impl Removing {
    /// Returns the text key of what the person reads about it.
    pub(crate) fn text(self) -> Option<&'static str> {
        match self {
            Removing::No | Removing::Offered => None,
            Removing::Waiting => Some("previous-remove-waiting"),
            Removing::Silent => Some("previous-remove-silent"),
            Removing::Failed => Some("previous-remove-failed"),
        }
    }
}

/// Returns what becomes of the management of an own record of the person. `old`: the enrollment of the record.
pub(super) async fn removing(
    visitor: &Visitor,
    enrollment: &Enrollment,
    (id, device, old): (DeviceId, &Device, &Enrollment),
) -> Removing {
    if old.ownership != Some(Ownership::Personal) || device.phase != Phase::Enrolled {
        return Removing::No;
    }
    let record = RecordId::of_device(id);
    if !enrollment.removals_agreed.contains(&record) {
        return Removing::Offered;
    }
    let agreed = agreed_at(visitor, record).await;
    let now = visitor.app.platform.world.now();
    let is_recent = agreed.is_some_and(|at| now.seconds_since(at) <= PATIENCE);
    // The effect queues the command a moment after the consent.
    match (is_recent, device.waiting().any(|command| command.unenrolls)) {
        (true, true) => Removing::Waiting,
        (true, false) if device.removals == 0 => Removing::Waiting,
        (false, true) => Removing::Silent,
        (true | false, false) => Removing::Failed,
    }
}

async fn agreed_at(visitor: &Visitor, record: RecordId) -> Option<Timestamp> {
    let id = visitor.session.as_ref()?.id;
    let entries = visitor.app.platform.log.read(&id.stream()).await;
    let entries = entries.inspect_err(|error| tracing::error!(%error, "an enrollment cannot be read")).ok()?;
    let is_agreed = |event: &Event| matches!(event, Event::Enrollment(EnrollmentEvent::OldManagementRemovalAgreed { record: of }) if *of == record);
    entries.iter().rfind(|entry| is_agreed(&entry.event)).map(|entry| entry.at)
}
