//! The rows of a batch become records with their owners.

use crate::details::details;
use crate::owners::{Outcome, Rules, Sources, Value, names, owner};
use crate::{AT_ONCE, ImportError, Imports, all};
use decisions::Aggregate as _;
use decisions::record::{Command, Record, Refusal};
use events::Position;
use events::personal::keys::Held;
use events::record::{ImportId, RecordEvent, RecordId, RecordOwner};
use platform::PerformError;
use platform::context::Context;
use records::Row;
use std::collections::HashSet;
use std::sync::Arc;

/// What a row did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    New,
    Changed,
    Unchanged,
    Erased,
}

/// A row that was worked on.
pub(crate) struct Done {
    pub(crate) record: RecordId,
    pub(crate) effect: Effect,
    /// `None`: the mapping has no owner rule.
    pub(crate) outcome: Option<Outcome>,
    pub(crate) position: Option<Position>,
}

/// A row that is to be written.
struct Work {
    record: RecordId,
    commands: Vec<Command>,
    outcome: Option<Outcome>,
}

/// How the rows of an import are worked on.
pub(crate) struct Rows<'a> {
    pub(crate) imports: &'a Imports,
    pub(crate) import: ImportId,
    pub(crate) context: &'a Context,
    /// Nothing is written.
    pub(crate) is_rehearsal: bool,
    pub(crate) rules: Rules,
    pub(crate) sources: Sources,
}

impl Rows<'_> {
    /// Imports the rows of a batch.
    pub(crate) async fn take(&mut self, rows: Vec<Row>) -> Result<Vec<Done>, ImportError> {
        let mut prepared: Vec<_> = rows.into_iter().map(|row| self.prepare(row)).collect();
        self.leave_erased(&mut prepared).await?;
        let outcomes = self.outcomes(&prepared).await?;
        if !self.is_rehearsal {
            self.imports.note_keys(&outcomes, self.context).await?;
        }
        // Without rules, no row has an outcome.
        let outcomes = outcomes.into_iter().map(Some).chain(std::iter::repeat(None));
        let (mut works, mut owners) = (Vec::with_capacity(prepared.len()), Vec::new());
        for ((record, mut import, values), outcome) in prepared.into_iter().zip(outcomes) {
            let found = outcome.as_ref().filter(|_| !values.is_empty()).and_then(owner);
            owners.extend(found.and_then(RecordOwner::person).map(|person| (record.key(), person.key())));
            let keys = values.into_iter().map(|value| value.key).collect();
            if let Command::Import { owner, .. } = &mut import {
                *owner = found;
            }
            let resolve = found.map(|owner| Command::ResolveOwner { keys, owner });
            works.push(Work { record, commands: [import].into_iter().chain(resolve).collect(), outcome });
        }
        if !self.is_rehearsal {
            // Before the events that name the owners.
            self.imports.set_owners(owners).await?;
        }
        self.write(works).await
    }

    fn prepare(&self, row: Row) -> (RecordId, Command, Vec<Value>) {
        let source = row.record.source.clone();
        let record = self.imports.record_id(&source, &row.record.source_id);
        let details = Box::new(details(row.record, record));
        let personal = details.personal.get();
        let secrets = &self.imports.platform.secrets;
        let values = personal.map(|personal| self.rules.values(secrets, personal)).unwrap_or_default();
        let names = personal.map(|personal| names(secrets, personal)).unwrap_or_default().into_iter().collect();
        let owner_keys = values.iter().map(|value| value.key.clone()).collect();
        (record, Command::Import { import: self.import, source, details, owner_keys, names, owner: None }, values)
    }

    // Nobody is sought for an erased record: its owner would become known again.
    async fn leave_erased(&self, prepared: &mut [(RecordId, Command, Vec<Value>)]) -> Result<(), ImportError> {
        let records = prepared.iter().filter(|(_, _, values)| !values.is_empty()).map(|(record, _, _)| *record);
        let destroyed = self.imports.destroyed(records.collect()).await?;
        for (record, _, values) in prepared {
            if destroyed.contains(record) {
                values.clear();
            }
        }
        Ok(())
    }

    async fn outcomes(&mut self, prepared: &[(RecordId, Command, Vec<Value>)]) -> Result<Vec<Outcome>, ImportError> {
        if self.rules.is_empty() {
            return Ok(Vec::new());
        }
        let values: Vec<&[Value]> = prepared.iter().map(|(_, _, values)| values.as_slice()).collect();
        self.imports.search(&values, &mut self.sources).await
    }

    async fn write(&self, works: Vec<Work>) -> Result<Vec<Done>, ImportError> {
        let (imports, context, is_rehearsal) = (self.imports, self.context, self.is_rehearsal);
        let works = works.into_iter().map(|Work { record, commands, outcome }| async move {
            let (effect, position, loses_owner) = imports.row(record, &commands, context, is_rehearsal).await?;
            Ok::<_, ImportError>((Done { record, effect, outcome, position }, loses_owner))
        });
        let done = all(works.collect(), AT_ONCE).await?;
        let lost: Vec<_> = done.iter().filter(|(_, loses_owner)| *loses_owner).map(|(done, _)| done.record).collect();
        imports.hand_keys(&lost).await?;
        Ok(done.into_iter().map(|(done, _)| done).collect())
    }
}

impl Imports {
    // Also returns whether an owner whom the record may have had is not its owner any more.
    async fn row(
        &self,
        record: RecordId,
        commands: &[Command],
        context: &Context,
        is_rehearsal: bool,
    ) -> Result<(Effect, Option<Position>, bool), ImportError> {
        let (happened, position) = if is_rehearsal {
            let (state, _) = self.platform.load::<Record>(&record.stream()).await?;
            (state.decide(&commands[0]).map_err(PerformError::Refused), None)
        } else {
            let commands: Vec<_> = commands.iter().map(|command| (command, context)).collect();
            match self.platform.perform_together::<Record>(&record.stream(), &commands).await {
                Ok(done) => (Ok(done.events), done.appended.map(|appended| appended.position)),
                Err(error) => (Err(error), None),
            }
        };
        match happened {
            Ok(events) => Ok((effect_of(&events), position, events.iter().any(may_lose_owner))),
            Err(PerformError::Refused(Refusal::Erased)) => Ok((Effect::Erased, None, false)),
            // A record whose import was undone has no details that say so.
            Err(_) if !self.destroyed(vec![record]).await?.is_empty() => Ok((Effect::Erased, None, false)),
            Err(error) => Err(error.into()),
        }
    }

    // Returns the records whose keys were destroyed.
    async fn destroyed(&self, records: Vec<RecordId>) -> Result<HashSet<RecordId>, ImportError> {
        if records.is_empty() {
            return Ok(HashSet::new());
        }
        let keys = Arc::clone(self.platform.log.keys());
        let destroyed = tokio::task::spawn_blocking(move || {
            let mut destroyed = HashSet::new();
            for record in records {
                if matches!(keys.key(&record.key())?, Held::Destroyed) {
                    destroyed.insert(record);
                }
            }
            Ok(destroyed)
        });
        destroyed.await.map_err(|error| ImportError::File(std::io::Error::other(error)))?
    }
}

fn may_lose_owner(event: &RecordEvent) -> bool {
    match event {
        RecordEvent::PreviousRecordChanged { .. } | RecordEvent::PreviousRecordImportUndone { .. } => true,
        RecordEvent::PreviousRecordOwnerResolved { owner: RecordOwner::Unique { .. } } => false,
        RecordEvent::PreviousRecordOwnerResolved { .. } => true,
        RecordEvent::PreviousRecordImported { .. } | RecordEvent::PreviousRecordMissing { .. } => false,
        RecordEvent::PreviousRecordReturned { .. } => false,
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

fn effect_of(events: &[RecordEvent]) -> Effect {
    match events.first() {
        None => Effect::Unchanged,
        Some(RecordEvent::PreviousRecordImported { .. }) => Effect::New,
        Some(RecordEvent::PreviousRecordChanged { .. } | RecordEvent::PreviousRecordMissing { .. }) => Effect::Changed,
        Some(RecordEvent::PreviousRecordReturned { .. } | RecordEvent::PreviousRecordImportUndone { .. }) => {
            Effect::Changed
        }
        // The row is as before; the numbers of owners count what was found out.
        Some(RecordEvent::PreviousRecordOwnerResolved { .. }) => Effect::Unchanged,
        // An import decides nothing about links and the migration.
        Some(RecordEvent::MigrationExceptionMade { .. } | RecordEvent::MigrationExceptionEnded {}) => Effect::Unchanged,
        Some(RecordEvent::RecordNoteAdded { .. } | RecordEvent::RetirementNotified { .. }) => Effect::Unchanged,
        Some(RecordEvent::PreviousRecordShredded {}) => Effect::Unchanged,
        Some(RecordEvent::LinkProposed { .. } | RecordEvent::SilenceAsked { .. }) => Effect::Unchanged,
        Some(RecordEvent::LinkConfirmed { .. } | RecordEvent::LinkRejected { .. } | RecordEvent::LinkUndone { .. }) => {
            Effect::Unchanged
        }
    }
}
