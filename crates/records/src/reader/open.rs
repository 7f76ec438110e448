//! Opens a file: its format, its delimiter and its header.

use super::{CsvFile, Format, JsonFile, Layout, MOST_NAMES, OpenError, Reader, Rows};
use crate::input::{Encoding, Input, OneRow, RowEncoding};
use crate::limits::ROW_LIMIT;
use crate::mapping::{Delimiter, Known, Mapping, Plan, resolve};
use crate::outcome::Reason;
use crate::rows::LineCounter;
use crate::rows::csv::CsvRows;
use crate::rows::json::{self, JsonLines};
use std::collections::{HashMap, HashSet, VecDeque};
use std::io::{self, Read};

/// Number of lines of JSON Lines whose names are the columns of the file.
const LINES_FOR_NAMES: usize = 32;

impl<R: Read> Reader<R> {
    /// Reads the header of a file and fits the mapping to its columns.
    ///
    /// # Errors
    /// The file cannot be read, is empty, is no text, or has no usable header; or the mapping does not fit its columns.
    pub fn open(file: R, mapping: &Mapping) -> Result<Reader<R>, OpenError> {
        let (mut input, detected) = Input::open(file, mapping.encoding)?;
        let encoding = RowEncoding::new(mapping.encoding, detected);
        let start = input.chunk()?;
        // ZIP (xlsx), OLE (xls), gzip.
        if [&b"PK\x03\x04"[..], b"\xD0\xCF\x11\xE0", b"\x1F\x8B"].iter().any(|mark| start.starts_with(mark)) {
            return Err(OpenError::Workbook);
        }
        match start.iter().find(|byte| !byte.is_ascii_whitespace()) {
            Some(b'{') => Reader::open_json(input, mapping, encoding, detected.encoding),
            Some(b'[') => Err(OpenError::JsonList),
            _ => Reader::open_csv(input, mapping, encoding, detected.encoding),
        }
    }

    fn open_csv(
        mut input: Input<R>,
        mapping: &Mapping,
        mut encoding: RowEncoding,
        found: Encoding,
    ) -> Result<Reader<R>, OpenError> {
        let mut lines = LineCounter::default();
        let mut first = first_record(&mut input)?;
        let named = named_delimiter(&first);
        if let Some((_, length)) = named {
            lines.pass(&first[..length]);
            input.unread(first.split_off(length));
            first = first_record(&mut input)?;
        }
        let delimiter = mapping.delimiter.or(named.map(|(delimiter, _)| delimiter));
        let delimiter = delimiter.unwrap_or_else(|| frequent_delimiter(&first));
        input.unread(first);
        let mut rows = CsvRows::new(input, delimiter.byte(), lines);
        let header = rows.advance()?.ok_or(OpenError::Empty)?;
        let one = encoding.of(rows.raw());
        let fault = header.fault.or((one == OneRow::Neither).then_some(Reason::NotUtf8));
        if let Some(fault) = fault {
            return Err(OpenError::Header(fault));
        }
        let name = |at: usize| one.text(rows.field(at).unwrap_or_default()).trim().to_owned();
        let names: Vec<String> = (0..rows.field_count()).map(name).collect();
        let plan = resolve(mapping, &names, Known::AllColumns)?;
        let column = |slot: &String| names.iter().position(|name| name == slot).unwrap_or_default();
        let columns = plan.slots.iter().map(column).collect();
        let named = names.iter().rposition(|name| !name.is_empty()).map_or(0, |last| last + 1);
        let header_text = one.text(rows.raw()).into_owned();
        let layout = layout(Format::Csv(delimiter), found, &plan, names, header_text);
        let file = CsvFile { rows, columns, width: layout.columns.len(), named };
        Ok(Reader::new(Rows::Csv(Box::new(file)), layout, plan, encoding))
    }

    fn open_json(
        input: Input<R>,
        mapping: &Mapping,
        encoding: RowEncoding,
        found: Encoding,
    ) -> Result<Reader<R>, OpenError> {
        let mut rows = JsonLines::new(input);
        let (mut ahead, mut names, mut known) = (VecDeque::new(), Vec::new(), HashSet::new());
        while ahead.len() < LINES_FOR_NAMES {
            let Some(line) = rows.advance()? else { break };
            if let Ok(object) = json::object(&String::from_utf8_lossy(&line.raw)) {
                json::values(&object, &mut |name, _| {
                    if names.len() < MOST_NAMES && known.insert(names::folded(name)) {
                        names.push(name.to_owned());
                    }
                });
            }
            ahead.push_back(line);
        }
        let plan = resolve(mapping, &names, Known::SomeColumns)?;
        let slots = plan.slots.iter().enumerate().map(|(slot, name)| (names::folded(name), slot)).collect();
        let layout = layout(Format::JsonLines, found, &plan, names, String::new());
        let file = JsonFile { rows, ahead, slots, spellings: HashMap::new(), raw: Vec::new() };
        Ok(Reader::new(Rows::Json(Box::new(file)), layout, plan, encoding))
    }

    fn new(rows: Rows<R>, layout: Layout, plan: Plan, encoding: RowEncoding) -> Reader<R> {
        Reader { rows, layout, plan, encoding, seen: HashMap::new(), unmapped: 0, has_failed: false }
    }
}

fn layout(format: Format, encoding: Encoding, plan: &Plan, columns: Vec<String>, header_text: String) -> Layout {
    let names = |slots: &Vec<usize>| slots.iter().map(|slot| plan.slots[*slot].clone()).collect();
    let fields = plan.fields.iter().map(|(field, slots)| (*field, names(slots))).collect();
    Layout { format, encoding, source: plan.source.clone(), preset: plan.preset, columns, fields, header_text }
}

// Reads the first row that is not blank, with the line ends before it and its own line end. The delimiter is not known
// yet, so that each quotation mark counts. A row that is too long is cut.
fn first_record<R: Read>(input: &mut Input<R>) -> io::Result<Vec<u8>> {
    let (mut record, mut is_quoted, mut is_blank) = (Vec::new(), false, true);
    loop {
        let chunk = input.chunk()?;
        if chunk.is_empty() || record.len() > ROW_LIMIT {
            return Ok(record);
        }
        let is_end = |byte: &u8| {
            is_quoted ^= *byte == b'"';
            is_blank &= matches!(byte, b'\n' | b'\r');
            !is_quoted && !is_blank && matches!(byte, b'\n' | b'\r')
        };
        let end = chunk.iter().position(is_end);
        let length = end.map_or(chunk.len(), |end| end + 1);
        record.extend_from_slice(&chunk[..length]);
        input.consume(length);
        if end.is_some() {
            return Ok(record);
        }
    }
}

// Excel's line `sep=;` before the header. Returns the delimiter and the length up to the end of the line.
fn named_delimiter(record: &[u8]) -> Option<(Delimiter, usize)> {
    let blank = record.iter().take_while(|byte| matches!(byte, b'\n' | b'\r')).count();
    let line = record[blank..].trim_ascii_end();
    // A tab at the end is no white space here.
    let [start @ .., delimiter] = record.get(blank..blank + 5)? else { return None };
    let delimiter = Delimiter::ALL.into_iter().find(|known| known.byte() == *delimiter)?;
    let is_alone = line.len() <= 5 && start.eq_ignore_ascii_case(b"sep=");
    is_alone.then_some((delimiter, blank + 5))
}

fn frequent_delimiter(header: &[u8]) -> Delimiter {
    let count = |delimiter: Delimiter| {
        let mut is_quoted = false;
        let unquoted = header.iter().filter(|byte| {
            is_quoted ^= **byte == b'"';
            !is_quoted && **byte == delimiter.byte()
        });
        unquoted.count()
    };
    // Of several with the same count, the first is chosen.
    Delimiter::ALL.into_iter().rev().max_by_key(|delimiter| count(*delimiter)).unwrap_or(Delimiter::Comma)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delimiter_is_the_most_frequent_one_outside_of_quotes() {
        for (header, delimiter) in [
            ("a,b,c", Delimiter::Comma),
            ("a;b;c", Delimiter::Semicolon),
            ("a\tb\tc", Delimiter::Tab),
            ("\"a,b,c,d\";e;f", Delimiter::Semicolon),
            ("a", Delimiter::Comma),
            ("a,b;c", Delimiter::Comma),
        ] {
            assert_eq!(frequent_delimiter(header.as_bytes()), delimiter, "{header}");
        }
    }

    #[test]
    fn excels_line_before_the_header_names_the_delimiter() {
        assert_eq!(named_delimiter(b"sep=;\r\n"), Some((Delimiter::Semicolon, 5)));
        assert_eq!(named_delimiter(b"\nSEP=\t\n"), Some((Delimiter::Tab, 6)));
        for other in ["sep=|\n", "sep=;x\n", "sep", "separator;x", ""] {
            assert_eq!(named_delimiter(other.as_bytes()), None, "{other}");
        }
    }

    #[test]
    fn the_first_record_ends_outside_of_quotes() {
        let mut input = Input::open(&b"\n\n\"two\nlines\",x\nnext"[..], None).unwrap().0;
        assert_eq!(first_record(&mut input).unwrap(), b"\n\n\"two\nlines\",x\n");
    }
}
