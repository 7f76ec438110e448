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
use projections::devices::Device;
use projections::migration::{BoardOwner, BoardRow};
use projections::records::{self as previous, RecordRow};
use projections::{ProjectionError, Projections};
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

/// Who reads a list: programs with a token are shown what administrators are shown.
pub(crate) enum Reader<'a> {
    Staff(&'a BTreeSet<Privilege>),
    Program,
}

impl Reader<'_> {
    fn sees_all(&self) -> bool {
        matches!(self, Reader::Staff(roles) if sees_all(roles))
    }
}

/// Returns a row of a list without what is hidden from its reader.
pub(crate) fn record(reader: &Reader<'_>, row: RecordRow) -> RecordRow {
    if reader.sees_all() || !row.cleared.contains(&ClearedView::Location) {
        return row;
    }
    RecordRow { user_name: None, owner: Some(HIDDEN.to_owned()), person: None, ..row }
}

/// Returns rows of the migration board without the owners and sites that are hidden from their reader.
///
/// # Errors
/// Returns an error if the projections are unavailable.
pub(crate) async fn board(
    projections: &Projections,
    reader: &Reader<'_>,
    mut rows: Vec<BoardRow>,
) -> Result<Vec<BoardRow>, ProjectionError> {
    let hidden = without_owner(projections, reader, rows.iter().map(|row| row.record)).await?;
    for row in rows.iter_mut().filter(|row| hidden.contains(&row.record)) {
        row.site = None;
        row.owner = BoardOwner { person: None, user_name: None, name: Some(HIDDEN.to_owned()), ..row.owner.clone() };
    }
    Ok(rows)
}

/// Returns devices of a list without the people that are hidden from its reader.
///
/// # Errors
/// Returns an error if the projections are unavailable.
pub(crate) async fn devices(
    projections: &Projections,
    reader: &Reader<'_>,
    mut devices: Vec<Device>,
) -> Result<Vec<Device>, ProjectionError> {
    let ids = devices.iter().map(|device| RecordId::of_device(device.id));
    let hidden = without_owner(projections, reader, ids).await?;
    for device in devices.iter_mut().filter(|device| hidden.contains(&RecordId::of_device(device.id))) {
        (device.person, device.user_name) = (None, None);
    }
    Ok(devices)
}

// The records whose owner is hidden from this reader.
async fn without_owner(
    projections: &Projections,
    reader: &Reader<'_>,
    records: impl Iterator<Item = RecordId>,
) -> Result<BTreeSet<RecordId>, ProjectionError> {
    if reader.sees_all() {
        return Ok(BTreeSet::new());
    }
    let cleared = previous::cleared_among(projections, records.collect()).await?;
    let of =
        |(record, views): (RecordId, BTreeSet<ClearedView>)| views.contains(&ClearedView::Location).then_some(record);
    Ok(cleared.into_iter().filter_map(of).collect())
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
