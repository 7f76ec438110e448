//! Reads a file on a blocking thread, in batches of rows.

use crate::details::timestamp;
use events::Timestamp;
use openssl::sha::Sha256;
use records::{BadRow, Field, Layout, Mapping, NoteKind, OpenError, Reader, Reason, Row};
use std::collections::BTreeMap;
use std::io::{self, Read};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::mpsc;
use tokio::task::JoinError;

/// How many rows are read before they are worked on.
const BATCH: usize = 500;

/// From how many bytes of bad rows on no more rows are read before they are told. A bad row may have 256 KiB.
const BAD_BYTES: usize = 1024 * 1024;

/// A note of the reader about a field, and how often it applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Noted {
    /// `None` if the note is about whole rows.
    pub field: Option<Field>,
    pub kind: NoteKind,
    pub count: u64,
    /// Number of the line in the file to which it applies first; the first line is 1.
    pub first_line: u64,
}

/// A row that is set aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetAside {
    /// The line of the file of bad rows. In JSON Lines, one that is no object has no reason.
    pub line: String,
    /// The number of the line in the file, and the reasons.
    pub why: String,
}

/// Rows that were read.
#[derive(Default)]
pub(crate) struct Batch {
    pub(crate) rows: Vec<Row>,
    pub(crate) bad: Vec<SetAside>,
    bad_bytes: usize,
    /// A bad row may be one of a record that no other row names.
    pub(crate) hides_records: bool,
    /// Bytes of the file so far.
    pub(crate) bytes: u64,
}

/// What the blocking thread sends.
pub(crate) enum FromFile {
    Layout(Box<Layout>),
    Batch(Batch),
}

/// What is known of a file at its end.
pub(crate) struct AtEnd {
    /// SHA-256 of the file, lower-case hex.
    pub(crate) sha256: String,
    pub(crate) noted: Vec<Noted>,
    /// Rows without a value in a column that the mapping names.
    pub(crate) skipped: u64,
}

/// Returns what a reading thread returned. A panic is an error of the file.
pub(crate) fn ended(reading: Result<Result<AtEnd, OpenError>, JoinError>) -> Result<AtEnd, OpenError> {
    reading.unwrap_or_else(|error| Err(OpenError::Io(io::Error::other(error))))
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

/// Counts the notes of rows. There are as many entries as fields and kinds of notes.
struct Notes {
    /// When the import began.
    now: Timestamp,
    noted: BTreeMap<(Option<Field>, NoteKind), Noted>,
}

impl Notes {
    fn add(&mut self, row: &Row) {
        for note in &row.notes {
            self.count(note.field, note.kind, row.line);
        }
        if !row.is_repeated() && row.record.last_contact.is_some_and(|at| timestamp(at) > self.now) {
            self.count(Some(Field::LastContact), NoteKind::Future, row.line);
        }
    }

    fn count(&mut self, field: Option<Field>, kind: NoteKind, line: u64) {
        let new = Noted { field, kind, count: 0, first_line: line };
        self.noted.entry((field, kind)).or_insert(new).count += 1;
    }
}

/// Reads the file on this thread. Ends early if nobody receives the rows.
///
/// # Errors
/// The file cannot be read, or the mapping does not fit it.
pub(crate) fn read(
    file: impl Read,
    mapping: &Mapping,
    now: Timestamp,
    sender: &mpsc::Sender<FromFile>,
) -> Result<AtEnd, OpenError> {
    let hash = Arc::new(Mutex::new(Sha256::new()));
    let mut reader = Reader::open(Hashed { file, hash: Arc::clone(&hash) }, mapping)?;
    let layout = reader.layout().clone();
    let mut is_heard = sender.blocking_send(FromFile::Layout(Box::new(layout.clone()))).is_ok();
    let (mut batch, mut notes) = (Batch::default(), Notes { now, noted: BTreeMap::new() });
    while is_heard && let Some(outcome) = reader.next() {
        batch.add(outcome?, &layout, &mut notes);
        if batch.is_full() {
            batch.bytes = reader.bytes_read();
            is_heard = sender.blocking_send(FromFile::Batch(std::mem::take(&mut batch))).is_ok();
        }
    }
    batch.bytes = reader.bytes_read();
    let _ = sender.blocking_send(FromFile::Batch(batch));
    let skipped = reader.unmapped_rows();
    drop(reader);
    let hash = Arc::into_inner(hash).map(|hash| hash.into_inner().unwrap_or_else(PoisonError::into_inner));
    let sha256 = hex::encode(hash.unwrap_or_default().finish());
    Ok(AtEnd { sha256, noted: notes.noted.into_values().collect(), skipped })
}

impl Batch {
    fn add(&mut self, outcome: Result<Row, BadRow>, layout: &Layout, notes: &mut Notes) {
        match outcome {
            Ok(row) => {
                notes.add(&row);
                if !row.is_repeated() {
                    self.rows.push(row);
                }
            }
            Err(bad) => {
                let line = layout.bad_file_line(&bad);
                let why = bad.why();
                self.bad_bytes += line.len() + why.len();
                self.hides_records |= !bad.reasons.iter().all(|why| matches!(why, Reason::Duplicate { .. }));
                self.bad.push(SetAside { line, why });
            }
        }
    }

    fn is_full(&self) -> bool {
        self.rows.len() + self.bad.len() >= BATCH || self.bad_bytes >= BAD_BYTES
    }
}
