//! An import: reads a file on a blocking thread, and appends what is new while it is read.

use crate::details::timestamp;
use crate::error::ImportError;
use crate::file::{AtEnd, Batch, FromFile, Noted, SetAside, ended, read};
use crate::owners::{self, Rules, Sources};
use crate::row::{Done, Effect, Rows};
use crate::{AT_ONCE, Imports, PAGE, all};
use decisions::record::{Command, Import, ImportCommand, Record};
use events::record::{ImportCounts, ImportId, OwnerCounts, RecordId};
use events::{Position, Timestamp};
use names::{folded, quoted};
use platform::context::Context;
use records::{Layout, Mapping, OpenError};
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
    /// The import is in the log. A rehearsal does not say this.
    Begun,
    /// Numbers so far.
    Progress {
        bytes: u64,
        counts: ImportCounts,
        owners: OwnerCounts,
    },
    SetAside(SetAside),
}

/// The result of an import.
#[derive(Debug, Clone)]
pub struct Finished {
    /// `None`: a rehearsal.
    pub import: Option<ImportId>,
    pub counts: ImportCounts,
    /// `None`: the mapping has no owner rule, so owners are not resolved.
    pub owners: Option<OwnerCounts>,
    /// The notes of the reader, by field.
    pub noted: Vec<Noted>,
    /// Rows without a value in a column that the mapping names: they are no records.
    pub skipped: u64,
}

/// An import that goes on.
struct Running<'a> {
    rows: Rows<'a>,
    is_complete: bool,
    source: String,
    counts: ImportCounts,
    owners: OwnerCounts,
    /// The records that a complete file has.
    seen: HashSet<RecordId>,
    newest_contact: Option<Timestamp>,
    /// Rows were set aside whose records are unknown: which records the file lacks cannot be said.
    hides_records: bool,
    last: Option<Position>,
    has_begun: bool,
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
        let rules = Rules::check(&mapping.owner, &self.sign_in)?;
        let now = self.platform.world.now();
        let (sender, mut received) = mpsc::channel(4);
        let reading = tokio::task::spawn_blocking(move || read(file, &mapping, now, &sender));
        let Some(FromFile::Layout(layout)) = received.recv().await else {
            return Err(ended(reading.await).err().unwrap_or(OpenError::Empty).into());
        };
        let _running = (!is_rehearsal).then(|| self.announce(import));
        let source = layout.source.clone();
        let (counts, owners, seen, newest_contact, hides_records, last, has_begun) = Default::default();
        let rows = Rows { imports: self, import, context, is_rehearsal, rules, sources: Sources::default() };
        let mut running =
            Running { rows, is_complete, source, counts, owners, seen, newest_contact, hides_records, last, has_begun };
        let since = self.await_projections().await?;
        running.check(&layout).await?;
        // A complete import begins with its first record: without one, it is refused and leaves no event.
        if !is_complete {
            running.begin(&layout).await?;
        }
        // Nobody listens any more: the import goes on.
        let _ = told.send(Told::Opened(layout.clone())).await;
        if running.is_in_log() {
            let _ = told.send(Told::Begun).await;
        }
        while let Some(FromFile::Batch(batch)) = received.recv().await {
            let bytes = batch.bytes;
            if !running.has_begun && !batch.rows.is_empty() {
                running.begin(&layout).await?;
                if running.is_in_log() {
                    let _ = told.send(Told::Begun).await;
                }
            }
            for row in running.take(batch).await? {
                let _ = told.send(Told::SetAside(row)).await;
            }
            let _ = told.send(Told::Progress { bytes, counts: running.counts, owners: running.owners }).await;
        }
        let end = ended(reading.await)?;
        if !running.has_begun {
            return Err(ImportError::NoRecords);
        }
        if is_complete && !running.hides_records {
            running.miss_others().await?;
        }
        if !is_rehearsal && !running.rows.rules.is_empty() {
            self.resolve_noted_since(since, context).await?;
        }
        running.finish(end).await
    }
}

impl Running<'_> {
    async fn check(&self, layout: &Layout) -> Result<(), ImportError> {
        if self.is_complete && layout.is_bad_file() {
            return Err(ImportError::NotComplete);
        }
        let sources = projections::records::live_sources(&self.rows.imports.platform.projections).await?;
        if sources.contains(&self.source) {
            return Ok(());
        }
        let name = folded(&self.source);
        match sources.iter().find(|known| folded(known) == name) {
            Some(known) => Err(ImportError::SimilarSource { source_name: quoted(&self.source), known: quoted(known) }),
            None => Ok(()),
        }
    }

    async fn begin(&mut self, layout: &Layout) -> Result<(), ImportError> {
        let preset = layout.preset.map(|preset| preset.name().to_owned());
        let (source, is_complete) = (self.source.clone(), self.is_complete);
        self.import(ImportCommand::Begin { source, preset, is_complete }).await?;
        self.has_begun = true;
        Ok(())
    }

    fn is_in_log(&self) -> bool {
        self.has_begun && !self.rows.is_rehearsal
    }

    async fn import(&mut self, command: ImportCommand) -> Result<(), ImportError> {
        if self.rows.is_rehearsal {
            return Ok(());
        }
        let performed = self
            .rows
            .imports
            .platform
            .perform::<Import>(&self.rows.import.stream(), &command, self.rows.context)
            .await?;
        self.last = self.last.max(performed.appended.map(|appended| appended.position));
        Ok(())
    }

    // Returns the bad rows.
    async fn take(&mut self, batch: Batch) -> Result<Vec<SetAside>, ImportError> {
        self.counts.bad += batch.bad.len() as u64;
        self.hides_records |= batch.hides_records;
        // A contact in the future is an error of a clock: it says nothing about when the export was made.
        let now = self.rows.imports.platform.world.now();
        let contacts = batch.rows.iter().filter_map(|row| row.record.last_contact).map(timestamp);
        self.newest_contact = self.newest_contact.max(contacts.filter(|at| *at <= now).max());
        for Done { record, effect, outcome, position } in self.rows.take(batch.rows).await? {
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
            if let Some(outcome) = outcome.filter(|_| effect != Effect::Erased) {
                owners::count(&mut self.owners, &outcome);
            }
        }
        Ok(batch.bad)
    }

    // Marks the records of the source that the file did not have.
    async fn miss_others(&mut self) -> Result<(), ImportError> {
        let platform = &self.rows.imports.platform;
        // A rehearsal has appended nothing, but an earlier import may just have ended.
        let last = if self.rows.is_rehearsal { platform.log.store().head().await? } else { self.last };
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
            if !self.rows.is_rehearsal {
                self.miss(missing).await?;
            }
        }
    }

    async fn miss(&self, records: Vec<RecordId>) -> Result<(), ImportError> {
        let command = Command::Miss { import: self.rows.import };
        let works = records.into_iter().map(|record| self.rows.imports.on_record(record, &command, self.rows.context));
        all(works.collect(), AT_ONCE).await.map(drop)
    }

    async fn finish(mut self, end: AtEnd) -> Result<Finished, ImportError> {
        let AtEnd { sha256, noted, skipped } = end;
        let counts = self.counts;
        let owners = (!self.rows.rules.is_empty()).then_some(self.owners);
        // The row of a record may be among those that were set aside: the export does not say when it was heard from.
        let newest_contact = self.newest_contact.filter(|_| !self.hides_records);
        self.import(ImportCommand::Finish { file: sha256, counts, owners, newest_contact }).await?;
        Ok(Finished { import: (!self.rows.is_rehearsal).then_some(self.rows.import), counts, owners, noted, skipped })
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
}
