//! Reads a file row by row.

mod open;

use crate::assemble::{assemble, has_value};
use crate::field::Field;
use crate::input::{Encoding, OneRow, RowEncoding};
use crate::mapping::{Delimiter, MappingError, Plan, Preset};
use crate::note::{Note, NoteKind};
use crate::outcome::{BadRow, Reason, Row};
use crate::record::Record;
use crate::rows::csv::CsvRows;
use crate::rows::json::{self, JsonLine, JsonLines};
use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::hash::{DefaultHasher, Hasher as _};
use std::io::{self, Read};

/// What became of a row.
pub type Outcome = Result<Row, BadRow>;

/// The form of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Csv(Delimiter),
    JsonLines,
}

/// What was found out about a file before its first row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    pub format: Format,
    /// UTF-8 also if Windows-1252 is assumed for some rows: see [`Reader::has_assumed_windows_1252`].
    pub encoding: Encoding,
    /// Name of the product or of its instance.
    pub source: String,
    /// The preset that was named or recognized.
    pub preset: Option<Preset>,
    /// All columns of the file; in JSON Lines, the dotted names in its first lines.
    pub columns: Vec<String>,
    /// The columns of each field that is read.
    pub fields: Vec<(Field, Vec<String>)>,
    /// The header as the file writes it; empty for JSON Lines.
    pub(crate) header_text: String,
}

/// Why a file cannot be read at all.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("the file cannot be read: {0}")]
    Io(#[from] io::Error),
    #[error("the file is empty: export it again")]
    Empty,
    #[error("the file is a workbook or an archive, and not text: save it as \"CSV UTF-8\"")]
    Workbook,
    #[error("the file is a list in JSON: write one object per line (JSON Lines), as `jq -c '.[]'` does")]
    JsonList,
    #[error("the first line of the file is no usable header ({0}): write the names of the columns into it")]
    Header(Reason),
    #[error(transparent)]
    Mapping(#[from] MappingError),
}

/// Reads the rows of a file in bounded memory. As an iterator, it yields each row that has a value in a column that the
/// mapping names; after an error of the file it ends.
///
/// Of several rows with the same source id, the first one counts. A later one with the same content is yielded with a
/// note ([`Row::is_repeated`]), one with other content is a bad row. If a later row silently replaced the first, an
/// export that was merged from two instances of a product would lose records. Source ids are remembered by a hash;
/// after four million of them (about 200 MB), further rows are not compared.
pub struct Reader<R> {
    rows: Rows<R>,
    layout: Layout,
    plan: Plan,
    encoding: RowEncoding,
    seen: HashMap<u64, Seen>,
    unmapped: u64,
    has_failed: bool,
}

enum Rows<R> {
    Csv(Box<CsvFile<R>>),
    Json(Box<JsonFile<R>>),
}

struct CsvFile<R> {
    rows: CsvRows<R>,
    // The column of each slot.
    columns: Vec<usize>,
    // Number of columns, and the number up to the last one that has a name.
    width: usize,
    named: usize,
}

struct JsonFile<R> {
    rows: JsonLines<R>,
    // Lines that were read to find the names.
    ahead: VecDeque<JsonLine>,
    // The slots by folded names, and the slot of each spelling that occurred.
    slots: HashMap<String, usize>,
    spellings: HashMap<String, Option<usize>>,
    // The current line.
    raw: Vec<u8>,
}

// A source id that occurred, by its hash.
struct Seen {
    line: u64,
    content: u64,
}

// A row before it is compared with earlier ones.
struct ReadRow {
    line: u64,
    encoding: OneRow,
    // `None`: no column that the mapping names has a value.
    result: Option<Assembled>,
}

type Assembled = Result<(Record, Vec<Note>), Vec<Reason>>;

const MOST_IDS: usize = 4_000_000;

/// Maximum number of names in JSON Lines that are remembered.
const MOST_NAMES: usize = 10_000;

impl<R: Read> Reader<R> {
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Returns the number of bytes that were read from the file.
    pub fn bytes_read(&self) -> u64 {
        match &self.rows {
            Rows::Csv(file) => file.rows.input().bytes_read(),
            Rows::Json(file) => file.rows.input().bytes_read(),
        }
    }

    /// Returns whether a row so far is not UTF-8, so that Windows-1252 was assumed for it.
    pub fn has_assumed_windows_1252(&self) -> bool {
        self.encoding.is_assumed
    }

    /// Returns the number of rows so far that were skipped, because no column that the mapping names has a value. Jamf
    /// Pro writes such rows for fields with several values.
    pub fn unmapped_rows(&self) -> u64 {
        self.unmapped
    }

    fn read(&mut self) -> io::Result<Option<Outcome>> {
        let (line, encoding, result) = loop {
            let read = match &mut self.rows {
                Rows::Csv(file) => file.read(&self.plan, &mut self.encoding)?,
                Rows::Json(file) => file.read(&self.plan, &mut self.encoding)?,
            };
            match read {
                None => return Ok(None),
                Some(ReadRow { result: None, .. }) => self.unmapped += 1,
                Some(ReadRow { line, encoding, result: Some(result) }) => break (line, encoding, result),
            }
        };
        let result = result.and_then(|(record, notes)| self.compared(line, record, notes));
        Ok(Some(result.map_err(|reasons| {
            let raw = match &self.rows {
                Rows::Csv(file) => file.rows.raw(),
                Rows::Json(file) => &file.raw,
            };
            BadRow { line, text: encoding.text(raw).into_owned(), reasons }
        })))
    }

    fn compared(&mut self, line: u64, record: Record, notes: Vec<Note>) -> Result<Row, Vec<Reason>> {
        let id = hash(record.source_id.as_bytes());
        let content = hash(&record.canonical());
        if let Some(seen) = self.seen.get(&id) {
            // The notes on its values are those of the first row.
            return match seen.content == content {
                true => Ok(Row { line, record, notes: vec![Note::new(None, NoteKind::Repeated, "")] }),
                false => Err(vec![Reason::Duplicate { first: seen.line }]),
            };
        }
        if self.seen.len() < MOST_IDS {
            self.seen.insert(id, Seen { line, content });
        }
        Ok(Row { line, record, notes })
    }
}

impl<R: Read> CsvFile<R> {
    fn read(&mut self, plan: &Plan, encoding: &mut RowEncoding) -> io::Result<Option<ReadRow>> {
        loop {
            let Some(row) = self.rows.advance()? else { return Ok(None) };
            // A spreadsheet writes a blank row as delimiters.
            let is_blank = |at: usize| self.rows.field(at).is_some_and(|field| field.trim_ascii().is_empty());
            if row.fault.is_none() && (0..self.rows.field_count()).all(is_blank) {
                continue;
            }
            let one = encoding.of(self.rows.raw());
            let fault = row.fault.or_else(|| self.fault(one));
            let result = match fault {
                Some(fault) => Some(Err(vec![fault])),
                None => self.assemble(plan, one, encoding),
            };
            return Ok(Some(ReadRow { line: row.line, encoding: one, result }));
        }
    }

    fn fault(&self, encoding: OneRow) -> Option<Reason> {
        let (found, expected) = (self.rows.field_count(), self.width);
        let is_empty = |at: usize| self.rows.field(at).is_some_and(<[u8]>::is_empty);
        if encoding == OneRow::Neither {
            Some(Reason::NotUtf8)
        } else if found < self.named {
            Some(Reason::TooFewFields { found, expected })
        } else if !(expected..found).all(is_empty) {
            Some(Reason::TooManyFields { found, expected })
        } else {
            None
        }
    }

    fn assemble(&self, plan: &Plan, one: OneRow, encoding: &RowEncoding) -> Option<Assembled> {
        let cells: Vec<Option<Cow<'_, str>>> =
            self.columns.iter().map(|column| self.rows.field(*column).map(|field| one.text(field))).collect();
        has_value(&cells).then(|| Ok(with_encoding(assemble(plan, &cells)?, one, encoding)))
    }
}

impl<R: Read> JsonFile<R> {
    fn read(&mut self, plan: &Plan, encoding: &mut RowEncoding) -> io::Result<Option<ReadRow>> {
        let line = match self.ahead.pop_front() {
            Some(line) => line,
            None => match self.rows.advance()? {
                Some(line) => line,
                None => return Ok(None),
            },
        };
        self.raw = line.raw;
        let one = encoding.of(&self.raw);
        let result = match line.fault {
            Some(fault) => Some(Err(vec![fault])),
            None if one == OneRow::Neither => Some(Err(vec![Reason::NotUtf8])),
            None => self.assemble(plan, one, encoding),
        };
        Ok(Some(ReadRow { line: line.line, encoding: one, result }))
    }

    fn assemble(&mut self, plan: &Plan, one: OneRow, encoding: &RowEncoding) -> Option<Assembled> {
        let object = match json::object(&one.text(&self.raw)) {
            Ok(object) => object,
            Err(reason) => return Some(Err(vec![reason])),
        };
        let mut cells: Vec<Option<Cow<'_, str>>> = vec![None; plan.slots.len()];
        let mut joined = BTreeSet::new();
        json::values(&object, &mut |name, value| {
            let Some(slot) = slot(&self.slots, &mut self.spellings, name) else { return };
            match &mut cells[slot] {
                Some(cell) => {
                    cell.to_mut().push_str(", ");
                    cell.to_mut().push_str(&value);
                    joined.insert(slot);
                }
                empty => *empty = Some(Cow::Owned(value)),
            }
        });
        has_value(&cells).then(|| {
            let (record, mut notes) = assemble(plan, &cells)?;
            notes.extend(joined_notes(plan, &cells, &joined));
            Ok(with_encoding((record, notes), one, encoding))
        })
    }
}

// A device has several of the identifiers in IMEI and MEID.
fn joined_notes(plan: &Plan, cells: &[Option<Cow<'_, str>>], joined: &BTreeSet<usize>) -> Vec<Note> {
    let single = plan.fields.iter().filter(|(field, _)| !matches!(field, Field::Imei | Field::Meid));
    let cell = |(field, slots): (&Field, &Vec<usize>)| {
        let slot = slots.iter().find(|slot| joined.contains(slot))?;
        Some(Note::new(*field, NoteKind::Joined, cells[*slot].as_deref().unwrap_or_default()))
    };
    single.filter_map(cell).collect()
}

// Folding a name takes longer than finding its spelling.
fn slot(slots: &HashMap<String, usize>, spellings: &mut HashMap<String, Option<usize>>, name: &str) -> Option<usize> {
    if let Some(slot) = spellings.get(name) {
        return *slot;
    }
    let slot = slots.get(&names::folded(name)).copied();
    if spellings.len() < MOST_NAMES {
        spellings.insert(name.to_owned(), slot);
    }
    slot
}

fn with_encoding((record, mut notes): (Record, Vec<Note>), one: OneRow, encoding: &RowEncoding) -> (Record, Vec<Note>) {
    if one == OneRow::Windows1252 && encoding.is_assumed {
        notes.push(Note::new(None, NoteKind::EncodingAssumed, ""));
    }
    (record, notes)
}

impl<R: Read> Iterator for Reader<R> {
    type Item = io::Result<Outcome>;

    fn next(&mut self) -> Option<io::Result<Outcome>> {
        if self.has_failed {
            return None;
        }
        let next = self.read().transpose();
        self.has_failed = matches!(next, Some(Err(_)));
        next
    }
}

fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(bytes);
    hasher.finish()
}
