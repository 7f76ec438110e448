//! Links between earlier records and later enrollments: each event that says something new about one of them causes a
//! new look at the links of this one.

use super::{ReactionError, effect_of, retirement, settled};
use crate::app::App;
use decisions::device::{Command, Device};
use decisions::record::{Import, ImportCommand};
use devices::commands::{Consent, QueueError, Terms, security_info};
use events::device::{CommandId, DeviceId, Priority};
use events::invitation::InvitationEvent;
use events::log::Entry;
use events::record::{ImportEvent, ImportId, LinkBand, LinkEvidence, RecordEvent, RecordId, Weighed};
use reenrollment::{Cause, Pair, ReenrollmentError};

/// How long a query waits for an earlier record to make contact, in seconds.
const ANSWER_WITHIN: i64 = 30 * 24 * 3_600;

fn cause(entry: &Entry) -> Cause {
    Cause { event: entry.id, position: entry.position }
}

/// The device enrolled, or its hardware was proven.
pub(super) async fn device_enrolled(app: &App, entry: &Entry, id: DeviceId) -> Result<(), ReactionError> {
    Ok(app.reenrollment.device_enrolled(cause(entry), id).await?)
}

/// The management of a device ended, or it was heard from.
pub(super) async fn own_record_changed(app: &App, entry: &Entry, id: DeviceId) -> Result<(), ReactionError> {
    app.reenrollment.own_record_changed(cause(entry), id).await?;
    retirement::retire(app, entry, RecordId::of_device(id)).await
}

pub(super) async fn react_to_record(
    app: &App,
    entry: &Entry,
    id: RecordId,
    event: &RecordEvent,
) -> Result<(), ReactionError> {
    match event {
        RecordEvent::PreviousRecordImported { owner: Some(_), .. }
        | RecordEvent::PreviousRecordChanged { .. }
        | RecordEvent::PreviousRecordOwnerResolved { .. } => {
            Ok(app.reenrollment.imported_record_changed(cause(entry), id).await?)
        }
        RecordEvent::PreviousRecordImportUndone { restored: Some(_), .. } => {
            Ok(app.reenrollment.imported_record_changed(cause(entry), id).await?)
        }
        RecordEvent::LinkProposed { successor, evidence, band, .. } => {
            let pair = Pair { record: id, successor: *successor };
            if *band != LinkBand::None {
                watch(app, entry, pair, evidence).await?;
            }
            // What a confirmed link proves may have changed.
            retirement::retire(app, entry, id).await?;
            Ok(app.reenrollment.rival_changed(cause(entry), pair).await?)
        }
        RecordEvent::SilenceAsked { successor, .. } => {
            let pair = Pair { record: id, successor: *successor };
            Ok(app.reenrollment.pair_changed(cause(entry), pair).await?)
        }
        RecordEvent::MigrationExceptionMade { .. }
        | RecordEvent::MigrationExceptionEnded {}
        | RecordEvent::RecordNoteAdded { .. }
        | RecordEvent::RetirementNotified { .. }
        | RecordEvent::PreviousRecordShredded {} => Ok(()),
        RecordEvent::LinkUndone { successor } => {
            retirement::retire(app, entry, id).await?;
            app.reenrollment.link_undone(cause(entry), id).await?;
            let pair = Pair { record: id, successor: *successor };
            Ok(app.reenrollment.rival_changed(cause(entry), pair).await?)
        }
        // The place is free for the next record.
        RecordEvent::LinkRejected { successor } => {
            device_enrolled(app, entry, *successor).await?;
            let pair = Pair { record: id, successor: *successor };
            Ok(app.reenrollment.rival_changed(cause(entry), pair).await?)
        }
        RecordEvent::LinkConfirmed { successor, .. } => {
            retirement::retire(app, entry, id).await?;
            retirement::clear(app, entry, id, *successor).await?;
            Ok(app.reenrollment.link_confirmed(cause(entry), id).await?)
        }
        // Without an owner, a record is linked to nothing.
        RecordEvent::PreviousRecordImported { owner: None, .. } => Ok(()),
        RecordEvent::PreviousRecordMissing { .. } | RecordEvent::PreviousRecordReturned { .. } => Ok(()),
        RecordEvent::PreviousRecordImportUndone { restored: None, .. } => Ok(()),
    }
}

/// An invitation that is used only after the device enrolled says something new about it.
pub(super) async fn react_to_invitation(
    app: &App,
    entry: &Entry,
    event: &InvitationEvent,
) -> Result<(), ReactionError> {
    match event {
        InvitationEvent::InvitationUsed { enrollment, .. } => device_enrolled(app, entry, enrollment.device()).await,
        InvitationEvent::InvitationIssued { .. }
        | InvitationEvent::InvitationRenewed { .. }
        | InvitationEvent::InvitationSent { .. }
        | InvitationEvent::InvitationNotSent { .. }
        | InvitationEvent::InvitationOpened { .. }
        | InvitationEvent::InvitationCodeIssued { .. }
        | InvitationEvent::InvitationRefused { .. }
        | InvitationEvent::InvitationRevoked {}
        | InvitationEvent::InvitationExpired {} => Ok(()),
    }
}

pub(super) async fn react_to_import(
    app: &App,
    entry: &Entry,
    id: ImportId,
    event: &ImportEvent,
) -> Result<(), ReactionError> {
    match event {
        ImportEvent::ImportFinished { .. } | ImportEvent::ImportUndone {} => import_changed(app, entry, id, None).await,
        ImportEvent::ImportQuestionsAnswered { up_to, successor } => {
            let answered = Pair { record: *up_to, successor: *successor };
            import_changed(app, entry, id, Some(answered)).await
        }
        ImportEvent::ImportBegun { .. } => Ok(()),
    }
}

// Answers the next questions. If there are more than one effect may answer, an event of the import causes the next.
async fn import_changed(app: &App, entry: &Entry, id: ImportId, after: Option<Pair>) -> Result<(), ReactionError> {
    let answered = app.reenrollment.import_changed(cause(entry), id, after).await?;
    if let Some(Pair { record, successor }) = answered.more_after {
        let go_on = ImportCommand::GoOnAfter { record, successor };
        let context = effect_of(entry, "go-on-answering");
        settled(app.platform.perform::<Import>(&id.stream(), &go_on, &context).await)?;
    }
    // A question that could not be answered is answered by the retry. The others were not kept waiting.
    Ok(answered.done?)
}

// An enrollment of this installation is watched, so that its next contact is known. A record of another product has no
// device here.
async fn watch(app: &App, entry: &Entry, pair: Pair, evidence: &[Weighed]) -> Result<(), ReactionError> {
    let watch = Command::WatchContact { successor: pair.successor };
    let context = effect_of(entry, "watch-contact");
    settled(app.platform.perform::<Device>(&pair.record.device().stream(), &watch, &context).await)?;
    // A device that made contact needs no query to make it.
    if evidence.iter().any(|weighed| matches!(weighed.evidence, LinkEvidence::HeardAfter { .. })) {
        return Ok(());
    }
    wake(app, entry, pair.record.device()).await
}

// Queues a harmless query for a watched device. Its purpose is the push: a device that is still managed answers, and
// only a device that was pushed can be silent.
async fn wake(app: &App, entry: &Entry, device: DeviceId) -> Result<(), ReactionError> {
    // A command that waits has caused a push, and causes another one each day until the device makes contact.
    let state = app.platform.device(device).await?;
    if !state.contact_watched || state.waiting().next().is_some() {
        return Ok(());
    }
    let command = CommandId(entry.id.caused("wake-earlier-record command", 0).0);
    let expires = Some(app.platform.world.now().plus_seconds(ANSWER_WITHIN));
    let terms = Terms { priority: Priority::Background, expires, consent: Consent::Nothing };
    let context = effect_of(entry, "wake-earlier-record");
    match app.devices.queue_command_on(device, command, &security_info(), terms, &context).await {
        Ok(_) => Ok(()),
        Err(QueueError::Perform(error)) => settled::<(), _>(Err(error)),
        Err(error) => Err(ReactionError::Perform(error.to_string())),
    }
}

impl From<ReenrollmentError> for ReactionError {
    fn from(error: ReenrollmentError) -> ReactionError {
        match error {
            ReenrollmentError::Read(error) => error.into(),
            ReenrollmentError::Projection(error) => error.into(),
            ReenrollmentError::Perform(why) => ReactionError::Perform(why),
        }
    }
}
