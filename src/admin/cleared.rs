//! What the re-enrollment settings hide of an earlier record whose device enrolled again. Administrators and the help
//! desk see a clean record, and auditors still see the past.

use super::problem::Problem;
use super::session::Staff;
use super::words::Instant;
use events::device::DeviceId;
use events::record::{RecordEvent, RecordId};
use events::settings::{ClearedView, Commands};
use events::staff::Privilege;
use projections::commands::{Queued, State};
use projections::records::{self as previous, RecordRow};
use std::collections::BTreeSet;

/// The word that a list has instead of what is known about the owner.
pub(crate) const HIDDEN: &str = "hidden";

/// What is hidden of one record.
#[derive(Default)]
pub(crate) struct Hidden {
    views: BTreeSet<ClearedView>,
    /// Says what is hidden, since when, and by what.
    pub sentence: Option<String>,
}

impl Hidden {
    pub(crate) fn hides(&self, view: ClearedView) -> bool {
        self.views.contains(&view)
    }

    /// Returns whether an event of the record is hidden.
    pub(crate) fn hides_event(&self, event: &RecordEvent) -> bool {
        self.hides(ClearedView::Logs)
            || (self.hides(ClearedView::LocationHistory) && tells_owner(event))
            || (self.hides(ClearedView::ExtensionValues) && matches!(event, RecordEvent::RecordNoteAdded { .. }))
    }
}

fn tells_owner(event: &RecordEvent) -> bool {
    match event {
        RecordEvent::PreviousRecordChanged { changed, .. } => changed.iter().any(|field| field.identifies_owner()),
        RecordEvent::PreviousRecordOwnerResolved { .. } => true,
        RecordEvent::PreviousRecordImported { .. }
        | RecordEvent::PreviousRecordMissing { .. }
        | RecordEvent::PreviousRecordReturned { .. }
        | RecordEvent::PreviousRecordImportUndone { .. }
        | RecordEvent::LinkProposed { .. }
        | RecordEvent::SilenceAsked { .. }
        | RecordEvent::LinkConfirmed { .. }
        | RecordEvent::LinkRejected { .. }
        | RecordEvent::LinkUndone { .. }
        | RecordEvent::MigrationExceptionMade { .. }
        | RecordEvent::MigrationExceptionEnded {}
        | RecordEvent::RecordNoteAdded { .. }
        | RecordEvent::RetirementNotified { .. }
        | RecordEvent::PreviousRecordShredded {} => false,
    }
}

fn sees_all(roles: &BTreeSet<Privilege>) -> bool {
    roles.contains(&Privilege::Auditor)
}

/// Returns what is hidden of a record from this staff member.
///
/// # Errors
/// Returns an error if the projections are unavailable.
pub(crate) async fn hidden(staff: &Staff, record: RecordId) -> Result<Hidden, Problem> {
    if sees_all(&staff.roles) {
        return Ok(Hidden::default());
    }
    let found = previous::cleared(staff.projections(), record).await.map_err(|error| staff.broken(error))?;
    let Some(cleared) = found else { return Ok(Hidden::default()) };
    let names = cleared.views.iter().map(|view| view.name()).collect::<Vec<_>>().join(", ");
    let at = Instant::of(cleared.at, staff.now()).words;
    let sentence = format!("Hidden by the re-enrollment settings on {at}: {names}. Auditors see them.");
    Ok(Hidden { views: cleared.views, sentence: Some(sentence) })
}

/// Returns a row of a list without what is hidden from this staff member.
pub(crate) fn shown(staff: &Staff, row: RecordRow) -> RecordRow {
    shown_to(&staff.roles, row)
}

/// Same as [`shown`], for these roles.
pub(crate) fn shown_to(roles: &BTreeSet<Privilege>, row: RecordRow) -> RecordRow {
    if sees_all(roles) || !row.cleared.contains(&ClearedView::Location) {
        return row;
    }
    RecordRow { user_name: None, owner: Some(HIDDEN.to_owned()), person: None, ..row }
}

/// Returns the commands of an earlier enrollment that the settings do not hide, and whether they hide one. They hide
/// commands only while the link of the record is confirmed.
///
/// # Errors
/// Returns an error if the settings or the projections are unavailable.
pub(crate) async fn commands(
    staff: &Staff,
    device: DeviceId,
    all: Vec<Queued>,
) -> Result<(Vec<Queued>, bool), Problem> {
    let setting = staff.settings().await?.reenrollment.commands;
    if setting == Commands::Keep || sees_all(&staff.roles) {
        return Ok((all, false));
    }
    let record = RecordId::of_device(device);
    let confirmed = projections::links::confirmed_among(staff.projections(), vec![record]).await;
    if !confirmed.map_err(|error| staff.broken(error))?.contains(&record) {
        return Ok((all, false));
    }
    let count = all.len();
    // A command that waits still reaches the device.
    let shown: Vec<Queued> =
        all.into_iter().filter(|command| is_waiting(command.state) || !hides(setting, command.state)).collect();
    let hides_one = shown.len() < count;
    Ok((shown, hides_one))
}

fn hides(setting: Commands, state: State) -> bool {
    match setting {
        Commands::Keep => false,
        Commands::ClearErrors => has_failed(state),
        Commands::ClearAllButAcknowledged => state != State::Acknowledged,
        Commands::ClearAll => true,
    }
}

fn is_waiting(state: State) -> bool {
    matches!(state, State::Queued | State::Delivered | State::Deferred)
}

fn has_failed(state: State) -> bool {
    matches!(state, State::Failed | State::Rejected | State::NotUnderstood | State::TooLarge)
}
