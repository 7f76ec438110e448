//! An import: reads a file on a blocking thread, and appends what is new while it is read.

use crate::details::details;
use crate::{AT_ONCE, Imports, PAGE};
use decisions::Aggregate as _;
use decisions::record::{Command, Import, ImportCommand, ImportRefusal, Record, Refusal};
use events::Position;
use events::record::{ImportCounts, ImportId, RecordEvent, RecordId};
use events::store::ReadError;
use futures_util::StreamExt as _;
use openssl::sha::Sha256;
use platform::PerformError;
use platform::context::Context;
use projections::ProjectionError;
use records::{Layout, Mapping, OpenError, Reader, Row};
use std::collections::HashSet;
use std::io::{self, Read};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::mpsc;

/// How many rows are read before they are worked on.
const BATCH: usize = 500;

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
}

/// Why an import ended early. What it has done stays, and the same import can be repeated.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error(transparent)]
    Open(#[from] OpenError),
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

/// Rows that were read.
#[derive(Default)]
struct Batch {
    rows: Vec<Row>,
    /// Lines of the file of bad rows.
    bad: Vec<String>,
    /// Bytes of the file so far.
    bytes: u64,
}

/// What the blocking thread sends.
enum FromFile {
    Layout(Box<Layout>),
    Batch(Batch),
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
    is_rehearsal: bool,
    source: String,
    counts: ImportCounts,
    seen: HashSet<RecordId>,
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
        let _turn = self.turn()?;
        let Order { mapping, is_complete, is_rehearsal } = order;
        let (sender, mut received) = mpsc::channel(4);
        let reading = tokio::task::spawn_blocking(move || read(file, &mapping, &sender));
        let Some(FromFile::Layout(layout)) = received.recv().await else {
            return Err(ended(reading.await).err().unwrap_or(ImportError::Open(OpenError::Empty)));
        };
        let import = ImportId(self.platform.world.uuid());
        let _running = (!is_rehearsal).then(|| self.announce(import));
        let source = layout.source.clone();
        let (counts, seen, last) = Default::default();
        let mut running = Running { imports: self, import, context, is_rehearsal, source, counts, seen, last };
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
        let file = ended(reading.await)?;
        if is_complete {
            running.miss_others().await?;
        }
        running.finish(file).await
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
        let (imports, is_rehearsal, context, import) = (self.imports, self.is_rehearsal, self.context, self.import);
        let works = batch.rows.into_iter().map(|row| imports.row(row, import, context, is_rehearsal));
        let mut works = futures_util::stream::iter(works).buffer_unordered(AT_ONCE);
        while let Some(done) = works.next().await {
            let (record, effect, position) = done?;
            self.seen.insert(record);
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
        if let Some(last) = self.last {
            platform.projections.wait_for(last).await?;
        }
        let mut after = None;
        loop {
            let page = projections::records::of_source(&platform.projections, self.source.clone(), after, PAGE).await?;
            let Some(end) = page.last() else { return Ok(()) };
            after = Some(*end);
            for record in page.iter().filter(|record| !self.seen.contains(record)) {
                self.counts.missing += 1;
                if !self.is_rehearsal {
                    let miss = Command::Miss { import: self.import };
                    platform.perform::<Record>(&record.stream(), &miss, self.context).await?;
                }
            }
        }
    }

    async fn finish(mut self, file: String) -> Result<Finished, ImportError> {
        self.import(ImportCommand::Finish { file, counts: self.counts }).await?;
        Ok(Finished { import: (!self.is_rehearsal).then_some(self.import), counts: self.counts })
    }
}

impl Imports {
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
    }
}

fn ended(reading: Result<Result<String, ImportError>, tokio::task::JoinError>) -> Result<String, ImportError> {
    reading.unwrap_or_else(|error| Err(ImportError::File(io::Error::other(error))))
}

/// Computes the SHA-256 of what is read.
struct Hashed<R> {
    file: R,
    hash: Arc<Mutex<Sha256>>,
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let bytes = self.file.read(buffer)?;
        self.hash.lock().unwrap_or_else(PoisonError::into_inner).update(&buffer[..bytes]);
        Ok(bytes)
    }
}

// Reads the file on this thread. Returns its SHA-256 in hex. Ends early if nobody receives the rows.
fn read(file: impl Read, mapping: &Mapping, sender: &mpsc::Sender<FromFile>) -> Result<String, ImportError> {
    let hash = Arc::new(Mutex::new(Sha256::new()));
    let mut reader = Reader::open(Hashed { file, hash: Arc::clone(&hash) }, mapping)?;
    let layout = reader.layout().clone();
    let mut is_heard = sender.blocking_send(FromFile::Layout(Box::new(layout.clone()))).is_ok();
    let mut batch = Batch::default();
    while let Some(outcome) = reader.next() {
        match outcome? {
            Ok(row) => batch.rows.push(row),
            Err(bad) => batch.bad.push(layout.bad_file_line(&bad)),
        }
        if batch.rows.len() + batch.bad.len() >= BATCH {
            batch.bytes = reader.bytes_read();
            is_heard = is_heard && sender.blocking_send(FromFile::Batch(std::mem::take(&mut batch))).is_ok();
            if !is_heard {
                break;
            }
        }
    }
    batch.bytes = reader.bytes_read();
    let _ = sender.blocking_send(FromFile::Batch(batch));
    drop(reader);
    let hash = Arc::into_inner(hash).map(|hash| hash.into_inner().unwrap_or_else(PoisonError::into_inner));
    Ok(hex::encode(hash.unwrap_or_default().finish()))
}
