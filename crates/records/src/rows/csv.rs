//! Rows of CSV. The parser writes into buffers of a fixed size, so that no quotation mark can make a row grow without
//! bound.

use super::line::{LineCounter, cut, is_line_end, line_end};
use crate::input::Input;
use crate::limits::ROW_LIMIT;
use crate::outcome::Reason;
use csv_core::{ReadRecordResult, ReaderBuilder};
use std::io::{self, Read};

/// Maximum number of fields in a row.
const MOST_FIELDS: usize = 4096;

/// How often a row that is too long is taken apart at its first line break. Each time, up to [`ROW_LIMIT`] bytes are
/// parsed again; without a bound, a file full of open quotation marks would take quadratic time.
const RECOVERIES: u32 = 100;

pub(crate) struct CsvRows<R> {
    input: Input<R>,
    core: csv_core::Reader,
    lines: LineCounter,
    recoveries: u32,
    // The current row: its original bytes, its unquoted fields one after another, and their ends.
    raw: Vec<u8>,
    fields: Box<[u8]>,
    ends: Box<[usize]>,
    count: usize,
}

/// A row whose fields are in [`CsvRows`].
pub(crate) struct CsvRow {
    /// Number of the line on which the row begins.
    pub(crate) line: u64,
    pub(crate) fault: Option<Reason>,
}

enum Parsed {
    Row,
    TooLong,
    QuoteNotClosed,
    EndOfFile,
}

impl<R: Read> CsvRows<R> {
    pub(crate) fn new(input: Input<R>, delimiter: u8, lines: LineCounter) -> CsvRows<R> {
        CsvRows {
            input,
            core: ReaderBuilder::new().delimiter(delimiter).build(),
            lines,
            recoveries: 0,
            raw: Vec::new(),
            // The unquoted fields are never longer than the row.
            fields: vec![0; ROW_LIMIT + 8].into_boxed_slice(),
            ends: vec![0; MOST_FIELDS].into_boxed_slice(),
            count: 0,
        }
    }

    pub(crate) fn input(&self) -> &Input<R> {
        &self.input
    }

    /// Reads the next row that is not blank; `None` at the end of the file.
    pub(crate) fn advance(&mut self) -> io::Result<Option<CsvRow>> {
        let parsed = self.parse()?;
        let blank = self.raw.iter().take_while(|byte| is_line_end(**byte)).count();
        self.lines.pass(&self.raw[..blank]);
        self.raw.drain(..blank);
        let line = self.lines.current();
        let fault = match parsed {
            Parsed::EndOfFile => return Ok(None),
            Parsed::Row => None,
            Parsed::TooLong => Some(Reason::RowTooLong),
            Parsed::QuoteNotClosed => Some(Reason::QuoteNotClosed),
        };
        match fault {
            None => self.lines.pass(&self.raw),
            Some(_) => self.recover()?,
        }
        let end = self.raw.iter().rposition(|byte| !is_line_end(*byte)).map_or(0, |last| last + 1);
        self.raw.truncate(end);
        Ok(Some(CsvRow { line, fault }))
    }

    /// The original bytes of the row without its line end.
    pub(crate) fn raw(&self) -> &[u8] {
        &self.raw
    }

    pub(crate) fn field_count(&self) -> usize {
        self.count
    }

    /// Returns a field without its quotation marks.
    pub(crate) fn field(&self, at: usize) -> Option<&[u8]> {
        let ends = &self.ends[..self.count];
        let start = if at == 0 { 0 } else { *ends.get(at - 1)? };
        self.fields.get(start..*ends.get(at)?)
    }

    fn parse(&mut self) -> io::Result<Parsed> {
        self.raw.clear();
        self.count = 0;
        let mut written = 0;
        loop {
            let chunk = self.input.chunk()?;
            let is_at_end = chunk.is_empty();
            if is_at_end && self.raw.iter().all(|byte| is_line_end(*byte)) {
                return Ok(Parsed::EndOfFile);
            }
            // At the end of the file, a line end completes the row, unless it is within quotation marks.
            let room = (ROW_LIMIT + 1).saturating_sub(self.raw.len());
            let chunk = if is_at_end { b"\n" } else { &chunk[..chunk.len().min(room)] };
            let (result, read, wrote, ended) =
                self.core.read_record(chunk, &mut self.fields[written..], &mut self.ends[self.count..]);
            written += wrote;
            self.count += ended;
            if !is_at_end {
                self.raw.extend_from_slice(&chunk[..read]);
                self.input.consume(read);
            }
            match result {
                ReadRecordResult::Record => return Ok(Parsed::Row),
                ReadRecordResult::InputEmpty if is_at_end => return Ok(Parsed::QuoteNotClosed),
                ReadRecordResult::InputEmpty if self.raw.len() <= ROW_LIMIT => {}
                ReadRecordResult::InputEmpty
                | ReadRecordResult::OutputFull
                | ReadRecordResult::OutputEndsFull
                | ReadRecordResult::End => return Ok(Parsed::TooLong),
            }
        }
    }

    // Goes on after the first line break within a row that cannot be read: most likely one of its quotation marks is
    // no quote. A row without line break is skipped to its end.
    fn recover(&mut self) -> io::Result<()> {
        self.core.reset();
        self.count = 0;
        match line_end(&self.raw).filter(|_| self.recoveries < RECOVERIES) {
            Some(end) => {
                self.recoveries += 1;
                self.input.unread(self.raw.split_off(end));
                self.lines.pass(&self.raw);
            }
            None => {
                self.lines.pass(&self.raw);
                self.skip_line()?;
                cut(&mut self.raw, ROW_LIMIT);
            }
        }
        Ok(())
    }

    fn skip_line(&mut self) -> io::Result<()> {
        loop {
            let chunk = self.input.chunk()?;
            let end = line_end(chunk);
            let length = end.unwrap_or(chunk.len());
            self.lines.pass(&chunk[..length]);
            let is_at_end = chunk.is_empty();
            self.input.consume(length);
            if end.is_some() || is_at_end {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Each row as its line and its fields, or its original text if it is bad.
    fn rows(bytes: &[u8], delimiter: u8) -> Vec<(u64, Result<Vec<String>, String>)> {
        let (input, _) = Input::open(bytes, None).unwrap();
        let mut rows = CsvRows::new(input, delimiter, LineCounter::default());
        let mut found = Vec::new();
        while let Some(row) = rows.advance().unwrap() {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            let fields = (0..rows.field_count()).map(|at| text(rows.field(at).unwrap())).collect();
            found.push((row.line, if row.fault.is_some() { Err(text(rows.raw())) } else { Ok(fields) }));
        }
        found
    }

    fn fields(fields: &[&str]) -> Result<Vec<String>, String> {
        Ok(fields.iter().map(|field| (*field).to_owned()).collect())
    }

    #[test]
    fn rows_end_with_lf_crlf_or_cr_and_blank_lines_are_skipped() {
        for end in ["\n", "\r\n", "\r"] {
            let text = ["", "a,b", "", "c,d", "", ""].join(end);
            assert_eq!(rows(text.as_bytes(), b','), [(2, fields(&["a", "b"])), (4, fields(&["c", "d"]))], "{end:?}");
        }
        assert_eq!(rows(b"a,b", b','), [(1, fields(&["a", "b"]))], "without a line end");
        assert_eq!(rows(b"", b','), []);
        assert_eq!(rows(b"\r\n\r\n", b','), []);
    }

    #[test]
    fn quoted_fields_contain_delimiters_quotes_and_line_breaks() {
        let text = b"\"a;b\";\"say \"\"hi\"\"\"\r\n\"two\r\nlines\";x\r\nlast;y\r\n";
        let expected =
            [(1, fields(&["a;b", "say \"hi\""])), (2, fields(&["two\r\nlines", "x"])), (4, fields(&["last", "y"]))];
        assert_eq!(rows(text, b';'), expected);
        assert_eq!(rows(b"a \"b\"\tc", b'\t'), [(1, fields(&["a \"b\"", "c"]))], "a quote within a field");
    }

    #[test]
    fn after_a_quote_that_is_not_closed_reading_goes_on_with_the_next_line() {
        let text = b"a,b\n1,\"open\n2,x\n3,y";
        let expected = [
            (1, fields(&["a", "b"])),
            (2, Err("1,\"open".to_owned())),
            (3, fields(&["2", "x"])),
            (4, fields(&["3", "y"])),
        ];
        assert_eq!(rows(text, b','), expected);
        assert_eq!(rows(b"a\n\"", b','), [(1, fields(&["a"])), (2, Err("\"".to_owned()))]);
    }

    #[test]
    fn a_row_over_the_limit_is_bad_and_reading_goes_on_after_it() {
        let long = "x".repeat(3 * ROW_LIMIT);
        let found = rows(format!("a\n{long}\nb\n").as_bytes(), b',');
        assert_eq!((&found[0], &found[2]), (&(1, fields(&["a"])), &(3, fields(&["b"]))));
        let (line, Err(text)) = &found[1] else { panic!("a bad row") };
        assert_eq!((*line, text.len()), (2, ROW_LIMIT));

        let quoted = format!("a\n\"{}\nb\n", "x\n".repeat(ROW_LIMIT));
        let found = rows(quoted.as_bytes(), b',');
        assert_eq!(found.len(), ROW_LIMIT + 2, "each line of the open quote is a row of its own");
        assert_eq!(found.last(), Some(&(ROW_LIMIT as u64 + 3, fields(&["b"]))));

        let delimiters = format!("a\n{}\nb\n", ",".repeat(MOST_FIELDS * 2));
        let found = rows(delimiters.as_bytes(), b',');
        assert!(found[1].1.is_err(), "too many fields");
        assert_eq!(found[2], (3, fields(&["b"])));
    }

    #[test]
    fn a_file_full_of_open_quotes_is_read_in_linear_time() {
        // Within quotes, the line ends within quotes again.
        let lines = "x\"y,\"\n".repeat(500_000);
        let found = rows(lines.as_bytes(), b',');
        assert!(found.len() > RECOVERIES as usize && found.len() < 1_000, "{}", found.len());
        assert!(found.iter().all(|(_, row)| row.is_err()));
    }
}
