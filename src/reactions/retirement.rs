//! Retirement: removes the old management from a device whose person agreed to it. After a confirmed link, hides the
//! record of an earlier enrollment and clears what the settings say. An undo of the link shows it all again.

use super::{ReactionError, effect_of, settled};
use crate::app::App;
use decisions::device::{Command, Device, Phase};
use decisions::record::Record;
use devices::commands::{QueueError, removal};
use events::device::{CommandId, DeviceEvent, DeviceId};
use events::enrollment::{EnrollmentId, Ownership};
use events::log::Entry;
use events::record::{RecordEvent, RecordId};
use events::settings::Commands;
use events::{ActorKind, Event, Position};
use platform::context::Context;

/// The effect that archives and restores a record. The events that it leaves have it as their actor.
const RETIRE: &str = "retire-record";

/// The person agreed that Muster removes the management of an earlier enrollment. Only a personal device is theirs to
/// decide about.
pub(super) async fn removal_agreed(
    app: &App,
    entry: &Entry,
    enrollment: EnrollmentId,
    record: RecordId,
) -> Result<(), ReactionError> {
    let id = record.device();
    let (device, old) = (app.platform.device(id).await?, app.platform.enrollment(id.enrollment()).await?);
    let owner = app.platform.enrollment(enrollment).await?.owner().map(|owner| owner.person);
    let is_theirs = device.person.is_some() && device.person == owner && old.ownership == Some(Ownership::Personal);
    if !is_theirs || device.phase != Phase::Enrolled {
        return Ok(());
    }
    let context = effect_of(entry, "remove-old-management");
    match app.devices.unenroll(id, removal(id, &device), &context).await {
        Ok(_) => Ok(()),
        Err(QueueError::Perform(error)) => settled::<(), _>(Err(error)),
        Err(error) => Err(ReactionError::Perform(error.to_string())),
    }
}

/// Archives the record of an enrollment of this installation whose link is confirmed and whose management ended, and
/// restores what this effect archived if that no longer holds.
pub(super) async fn retire(app: &App, entry: &Entry, record: RecordId) -> Result<(), ReactionError> {
    if record.is_imported() {
        return Ok(());
    }
    let (state, _) = app.platform.load::<Record>(&record.stream()).await?;
    // Most devices that end have no link.
    if state.links.is_empty() {
        return Ok(());
    }
    let id = record.device();
    let device = app.platform.device(id).await?;
    let link = state.successor().and_then(|successor| state.links.get(&successor));
    let is_retired = link.is_some_and(|link| device.phase.has_ended() || link.proof.may_be_retired);
    let command = match (is_retired, device.archived) {
        (true, false) if !is_shown_by_staff(app, id, record).await? => Command::Archive,
        (false, true) if is_hidden_by_this(app, id).await? => Command::Restore,
        (true | false, true | false) => return Ok(()),
    };
    settled(app.platform.perform::<Device>(&id.stream(), &command, &effect_of(entry, RETIRE)).await)
}

/// Hides parts of an earlier record from administrators, and cancels its commands, as the settings say.
pub(super) async fn clear(
    app: &App,
    entry: &Entry,
    record: RecordId,
    successor: DeviceId,
) -> Result<(), ReactionError> {
    let settings = app.settings.at(entry.position).await?;
    let views = settings.reenrollment.clear_views.clone();
    if !views.is_empty() {
        let context = effect_of(entry, "clear-earlier-views");
        let clear = Command::ClearEarlierViews { record, views };
        settled(app.platform.perform::<Device>(&successor.stream(), &clear, &context).await)?;
    }
    let cancels = match settings.reenrollment.commands {
        Commands::Keep | Commands::ClearErrors => false,
        Commands::ClearAllButAcknowledged | Commands::ClearAll => true,
    };
    if cancels && !record.is_imported() { cancel_commands(app, entry, record.device()).await } else { Ok(()) }
}

// A command that ends the old management is what the person or staff want.
async fn cancel_commands(app: &App, entry: &Entry, id: DeviceId) -> Result<(), ReactionError> {
    let device = app.platform.device(id).await?;
    let waiting: Vec<CommandId> =
        device.waiting().filter(|command| !command.unenrolls).map(|command| command.id).collect();
    for command in waiting {
        let context = effect_of(entry, "cancel-earlier-commands");
        let context = Context { effect: Some(format!("cancel-earlier-commands {command}").into()), ..context };
        let cancel = Command::CancelCommand { id: command };
        settled(app.platform.perform::<Device>(&id.stream(), &cancel, &context).await)?;
    }
    Ok(())
}

// Whether somebody restored the record after the link was confirmed: they want to see it.
async fn is_shown_by_staff(app: &App, id: DeviceId, record: RecordId) -> Result<bool, ReactionError> {
    let Some(shown) = last_hidden_or_shown(app, id).await? else { return Ok(false) };
    if shown.by_this {
        return Ok(false);
    }
    let links = app.platform.log.read(&record.stream()).await?;
    let is_confirmation = |entry: &&Entry| matches!(&entry.event, Event::Record(RecordEvent::LinkConfirmed { .. }));
    Ok(links.iter().rfind(is_confirmation).is_some_and(|confirmed| confirmed.position < shown.at))
}

async fn is_hidden_by_this(app: &App, id: DeviceId) -> Result<bool, ReactionError> {
    Ok(last_hidden_or_shown(app, id).await?.is_some_and(|hidden| hidden.by_this))
}

/// When the record was archived or restored.
struct Shown {
    at: Position,
    by_this: bool,
}

async fn last_hidden_or_shown(app: &App, id: DeviceId) -> Result<Option<Shown>, ReactionError> {
    let entries = app.platform.log.read(&id.stream()).await?;
    let is_either = |entry: &&Entry| {
        matches!(&entry.event, Event::Device(DeviceEvent::RecordArchived {} | DeviceEvent::RecordRestored {}))
    };
    let by_this = |entry: &Entry| entry.actor.kind == ActorKind::System && entry.actor.id == RETIRE;
    Ok(entries.iter().rfind(is_either).map(|entry| Shown { at: entry.position, by_this: by_this(entry) }))
}
