//! An import: reads a file on a blocking thread, and appends what is new while it is read.

use crate::details::{details, timestamp};
use crate::file::{AtEnd, Batch, FromFile, Noted, ended, read};
use crate::{AT_ONCE, Imports, PAGE};
use decisions::Aggregate as _;
use decisions::record::{Command, Import, ImportCommand, ImportRefusal, Record, Refusal};
use events::record::{ImportCounts, ImportId, RecordEvent, RecordId};
use events::store::ReadError;
use events::{Position, Timestamp};
use futures_util::StreamExt as _;
use platform::PerformError;
use platform::context::Context;
use projections::ProjectionError;
use records::{Layout, Mapping, OpenError, Row};
use std::collections::HashSet;
use std::io::Read;
use tokio::sync::mpsc;

/// What to import, and how.
#[derive(Debug, Clone)]
pub struct Order {
    pub mapping: Mapping,
    /// The file has all records of its source: those that it lacks are marked as missing.
    pub is_complete: bool,
    /// Nothing is written.
    pub is_rehearsal: bool,
}

/// What an import says while it goes on.
#[derive(Debug, Clone)]
pub enum Told {
    /// What was found out about the file; comes first.
    Opened(Box<Layout>),
    /// Numbers so far.
    Progress { bytes: u64, counts: ImportCounts },
    /// A row that is set aside: a line of the file of bad rows.
    SetAside(String),
}

/// The result of an import.
#[derive(Debug, Clone)]
pub struct Finished {
    /// `None`: a rehearsal.
    pub import: Option<ImportId>,
    pub counts: ImportCounts,
    /// The notes of the reader, by field.
    pub noted: Vec<Noted>,
    /// Rows without a value in a column that the mapping names: they are no records.
    pub skipped: u64,
}

/// Why an import ended early. What it has done stays, and the same import can be repeated.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error(transparent)]
    Open(OpenError),
    #[error("another import runs: repeat this when it has ended")]
    Busy,
    #[error("the file cannot be read: {0}")]
    File(#[from] std::io::Error),
    #[error(transparent)]
    Record(#[from] PerformError<Refusal>),
    #[error(transparent)]
    Import(#[from] PerformError<ImportRefusal>),
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Projection(#[from] ProjectionError),
}

impl From<OpenError> for ImportError {
    fn from(error: OpenError) -> ImportError {
        match error {
            OpenError::Io(error) => ImportError::File(error),
            error => ImportError::Open(error),
        }
    }
}

/// What a row did.
enum Effect {
    New,
    Changed,
    Unchanged,
    Erased,
}

/// An import that goes on.
struct Running<'a> {
    imports: &'a Imports,
    import: ImportId,
    context: &'a Context,
    is_complete: bool,
    is_rehearsal: bool,
    source: String,
    counts: ImportCounts,
    /// The records that a complete file has.
    seen: HashSet<RecordId>,
    newest_contact: Option<Timestamp>,
    last: Option<Position>,
}

impl Imports {
    /// Imports a file. `context` is that of the caller; `told` receives what the import says while it goes on.
    ///
    /// # Errors
    /// Returns an error if another import runs, the file cannot be read at all, or the log cannot be written. What was
    /// done until then stays.
    pub async fn run(
        &self,
        file: impl Read + Send + 'static,
        order: Order,
        context: &Context,
        told: &mpsc::Sender<Told>,
    ) -> Result<Finished, ImportError> {
        self.run_as(self.new_id(), file, order, context, told).await
    }

    /// Returns an id for [`Imports::run_as`].
    pub fn new_id(&self) -> ImportId {
        ImportId(self.platform.world.uuid())
    }

    /// Like [`Imports::run`], for callers that name the import before it is finished.
    ///
    /// # Errors
    /// Same as [`Imports::run`].
    pub async fn run_as(
        &self,
        import: ImportId,
        file: impl Read + Send + 'static,
        order: Order,
        context: &Context,
        told: &mpsc::Sender<Told>,
    ) -> Result<Finished, ImportError> {
        let _turn = self.turn()?;
        let Order { mapping, is_complete, is_rehearsal } = order;
        let (sender, mut received) = mpsc::channel(4);
        let reading = tokio::task::spawn_blocking(move || read(file, &mapping, &sender));
        let Some(FromFile::Layout(layout)) = received.recv().await else {
            return Err(ended(reading.await).err().unwrap_or(OpenError::Empty).into());
        };
        let _running = (!is_rehearsal).then(|| self.announce(import));
        let source = layout.source.clone();
        let (counts, seen, newest_contact, last) = Default::default();
        let mut running = Running {
            imports: self,
            import,
            context,
            is_complete,
            is_rehearsal,
            source,
            counts,
            seen,
            newest_contact,
            last,
        };
        running.begin(&layout, is_complete).await?;
        // Nobody listens any more: the import goes on.
        let _ = told.send(Told::Opened(layout)).await;
        while let Some(FromFile::Batch(batch)) = received.recv().await {
            let bytes = batch.bytes;
            for line in running.take(batch).await? {
                let _ = told.send(Told::SetAside(line)).await;
            }
            let _ = told.send(Told::Progress { bytes, counts: running.counts }).await;
        }
        let end = ended(reading.await)?;
        if is_complete {
            running.miss_others().await?;
        }
        running.finish(end).await
    }
}

impl Running<'_> {
    async fn begin(&mut self, layout: &Layout, is_complete: bool) -> Result<(), ImportError> {
        let preset = layout.preset.map(|preset| preset.name().to_owned());
        let begin = ImportCommand::Begin { source: self.source.clone(), preset, is_complete };
        self.import(begin).await
    }

    async fn import(&mut self, command: ImportCommand) -> Result<(), ImportError> {
        if self.is_rehearsal {
            return Ok(());
        }
        let performed = self.imports.platform.perform::<Import>(&self.import.stream(), &command, self.context).await?;
        self.last = self.last.max(performed.appended.map(|appended| appended.position));
        Ok(())
    }

    // Returns the lines of bad rows.
    async fn take(&mut self, batch: Batch) -> Result<Vec<String>, ImportError> {
        self.counts.bad += batch.bad.len() as u64;
        let contact = batch.rows.iter().filter_map(|row| row.record.last_contact).max();
        self.newest_contact = self.newest_contact.max(contact.map(timestamp));
        let (imports, is_rehearsal, context, import) = (self.imports, self.is_rehearsal, self.context, self.import);
        let works = batch.rows.into_iter().map(|row| imports.row(row, import, context, is_rehearsal));
        let mut works = futures_util::stream::iter(works).buffer_unordered(AT_ONCE);
        while let Some(done) = works.next().await {
            let (record, effect, position) = done?;
            if self.is_complete {
                self.seen.insert(record);
            }
            self.last = self.last.max(position);
            let count = match effect {
                Effect::New => &mut self.counts.new,
                Effect::Changed => &mut self.counts.changed,
                Effect::Unchanged => &mut self.counts.unchanged,
                Effect::Erased => &mut self.counts.erased,
            };
            *count += 1;
        }
        Ok(batch.bad)
    }

    // Marks the records of the source that the file did not have.
    async fn miss_others(&mut self) -> Result<(), ImportError> {
        let platform = &self.imports.platform;
        // A rehearsal has appended nothing, but an earlier import may just have ended.
        let last = if self.is_rehearsal { platform.log.store().head().await? } else { self.last };
        if let Some(last) = last {
            platform.projections.wait_for(last).await?;
        }
        let mut after = None;
        loop {
            let page = projections::records::of_source(&platform.projections, self.source.clone(), after, PAGE).await?;
            let Some(end) = page.last() else { return Ok(()) };
            after = Some(*end);
            let missing: Vec<_> = page.into_iter().filter(|record| !self.seen.contains(record)).collect();
            self.counts.missing += missing.len() as u64;
            if !self.is_rehearsal {
                self.miss(missing).await?;
            }
        }
    }

    async fn miss(&self, records: Vec<RecordId>) -> Result<(), ImportError> {
        let command = Command::Miss { import: self.import };
        let works = records.into_iter().map(|record| self.imports.on_record(record, &command, self.context));
        let mut works = futures_util::stream::iter(works).buffer_unordered(AT_ONCE);
        while let Some(done) = works.next().await {
            done?;
        }
        Ok(())
    }

    async fn finish(mut self, end: AtEnd) -> Result<Finished, ImportError> {
        let AtEnd { sha256, noted, skipped } = end;
        let counts = self.counts;
        self.import(ImportCommand::Finish { file: sha256, counts, newest_contact: self.newest_contact }).await?;
        Ok(Finished { import: (!self.is_rehearsal).then_some(self.import), counts, noted, skipped })
    }
}

impl Imports {
    // Returns whether the command had something to do.
    pub(crate) async fn on_record(
        &self,
        record: RecordId,
        command: &Command,
        context: &Context,
    ) -> Result<bool, ImportError> {
        let performed = self.platform.perform::<Record>(&record.stream(), command, context).await?;
        Ok(!performed.events.is_empty())
    }

    async fn row(
        &self,
        row: Row,
        import: ImportId,
        context: &Context,
        is_rehearsal: bool,
    ) -> Result<(RecordId, Effect, Option<Position>), ImportError> {
        let source = row.record.source.clone();
        let record = self.record_id(&source, &row.record.source_id);
        let command = Command::Import { import, source, details: details(row.record, record), owner_keys: Vec::new() };
        let (happened, position) = if is_rehearsal {
            let (state, _) = self.platform.load::<Record>(&record.stream()).await?;
            (state.decide(&command).map_err(PerformError::Refused), None)
        } else {
            match self.platform.perform::<Record>(&record.stream(), &command, context).await {
                Ok(done) => (Ok(done.events), done.appended.map(|appended| appended.position)),
                Err(error) => (Err(error), None),
            }
        };
        let effect = match happened {
            Ok(events) => effect_of(&events),
            Err(PerformError::Refused(Refusal::Erased)) => Effect::Erased,
            Err(error) => return Err(error.into()),
        };
        Ok((record, effect, position))
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
        Some(RecordEvent::PreviousRecordOwnerResolved { .. }) => Effect::Changed,
        // An import decides nothing about links.
        Some(RecordEvent::LinkProposed { .. } | RecordEvent::SilenceAsked { .. }) => Effect::Unchanged,
        Some(RecordEvent::LinkConfirmed { .. } | RecordEvent::LinkRejected { .. } | RecordEvent::LinkUndone { .. }) => {
            Effect::Unchanged
        }
    }
}
