//! Owners of previous records: an effect resolves the records that name a person, and another hands the keys of records
//! to their owners.

use super::{ReactionError, effect_of, settled};
use crate::app::App;
use decisions::person::{Command, Person};
use events::log::Entry;
use events::person::PersonId;
use events::record::{OwnerKey, RecordEvent, RecordId, replaces_keys};
use imports::{ImportError, Resolved};
use platform::context::Context;

/// Resolves the records with these keys of a person, after the record `after`. If there are more than one effect may
/// work on, an event of the person causes the next.
pub(super) async fn resolve(
    app: &App,
    entry: &Entry,
    person: PersonId,
    keys: &[OwnerKey],
    after: Option<RecordId>,
) -> Result<(), ReactionError> {
    if keys.is_empty() {
        return Ok(());
    }
    app.platform.projections.wait_patiently_for(entry.position).await?;
    let context = |record: RecordId| {
        let effect = format!("resolve-owner-{record}");
        Context { effect: Some(effect.into()), ..effect_of(entry, "resolve-owner") }
    };
    let resolved = app.imports.resolve_of(person, keys, after, context).await.map_err(failed)?;
    let Resolved { more_after, unresolved } = resolved;
    if let Some(record) = more_after {
        let go_on = Command::GoOnAfter { record };
        let context = effect_of(entry, "go-on-resolving-owners");
        settled(app.platform.perform::<Person>(&person.stream(), &go_on, &context).await)?;
    }
    match unresolved {
        0 => Ok(()),
        // It is retried.
        _ => {
            Err(ReactionError::Perform(format!("a directory does not answer: {unresolved} records have no owner yet")))
        }
    }
}

/// Resolves the next records of a person.
pub(super) async fn go_on(app: &App, entry: &Entry, person: PersonId, after: RecordId) -> Result<(), ReactionError> {
    let (known, _) = app.platform.load::<Person>(&person.stream()).await?;
    let keys: Vec<OwnerKey> = known.keys.iter().cloned().collect();
    resolve(app, entry, person, &keys, Some(after)).await
}

/// Hands the key of a record to its present owner. The service did it before the event.
pub(super) async fn hand_key(app: &App, record: RecordId, event: &RecordEvent) -> Result<(), ReactionError> {
    if may_change_owner(event) { app.imports.hand_key(record).await.map_err(failed) } else { Ok(()) }
}

/// Returns whether the record may have another owner after this event.
pub(super) fn may_change_owner(event: &RecordEvent) -> bool {
    match event {
        RecordEvent::PreviousRecordOwnerResolved { .. } | RecordEvent::PreviousRecordImportUndone { .. } => true,
        RecordEvent::PreviousRecordChanged { changed, owner_keys, .. } => replaces_keys(changed, owner_keys),
        RecordEvent::PreviousRecordImported { owner, .. } => owner.is_some_and(|owner| owner.person().is_some()),
        RecordEvent::PreviousRecordMissing { .. } | RecordEvent::PreviousRecordReturned { .. } => false,
        RecordEvent::LinkProposed { .. } | RecordEvent::SilenceAsked { .. } | RecordEvent::LinkConfirmed { .. } => {
            false
        }
        RecordEvent::MigrationExceptionMade { .. }
        | RecordEvent::MigrationExceptionEnded {}
        | RecordEvent::RecordNoteAdded { .. }
        | RecordEvent::RetirementNotified { .. }
        | RecordEvent::PreviousRecordShredded {} => false,
        RecordEvent::LinkRejected { .. } | RecordEvent::LinkUndone { .. } => false,
    }
}

/// Destroys the keys of records and invitations that name an erased person, in case they were imported or issued while
/// the person was erased.
pub(super) async fn hand_over(app: &App, entry: &Entry, person: PersonId) -> Result<(), ReactionError> {
    app.platform.projections.wait_patiently_for(entry.position).await?;
    app.imports.hand_over_records(person).await.map_err(failed)?;
    app.invitations.hand_over(person).await.map_err(|error| ReactionError::Perform(error.to_string()))
}

fn failed(error: ImportError) -> ReactionError {
    ReactionError::Perform(error.to_string())
}
