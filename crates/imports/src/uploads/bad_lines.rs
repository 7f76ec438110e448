//! The file of the rows that were set aside, and its first rows as a page shows them.

use records::{Format, Layout};
use std::io;
use std::path::Path;
use tokio::fs::File;
use tokio::io::{AsyncWriteExt as _, BufWriter};

/// Maximum size of the file in bytes. A file of the wrong kind would be set aside whole, with a reason for each line.
const LARGEST: u64 = 64 * 1024 * 1024;

/// Maximum number of characters of a row that a page shows.
const SHOWN: usize = 200;

/// A row that was set aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadLine {
    /// The line and the reasons.
    pub reasons: String,
    /// The beginning of the row as it is in the file.
    pub text: String,
}

/// The file while it is written.
pub(super) struct BadLines {
    file: BufWriter<File>,
    size: u64,
}

impl BadLines {
    pub(super) async fn create(path: &Path, layout: &Layout) -> io::Result<BadLines> {
        let file = File::options().write(true).create(true).truncate(true).mode(0o600).open(path).await?;
        let mut lines = BadLines { file: BufWriter::new(file), size: 0 };
        lines.write(&layout.bad_file_header()).await?;
        Ok(lines)
    }

    /// Returns whether the line was written: `false` if the file would be too large.
    pub(super) async fn write(&mut self, line: &str) -> io::Result<bool> {
        let size = self.size + line.len() as u64;
        if size > LARGEST {
            return Ok(false);
        }
        self.size = size;
        self.file.write_all(line.as_bytes()).await?;
        Ok(true)
    }

    pub(super) async fn finish(mut self) -> io::Result<()> {
        self.file.flush().await
    }
}

/// Returns a line of the file as a page shows it. `why`: its reasons.
pub(super) fn read_back(line: &str, why: String, format: Format) -> BadLine {
    let text = match format {
        Format::Csv(_) => of_csv(line),
        Format::JsonLines => of_json(line),
    };
    BadLine { reasons: why, text: text.trim_end().chars().take(SHOWN).collect() }
}

// Returns the row after the reasons, which are the first cell, in quotation marks.
fn of_csv(line: &str) -> &str {
    let cell = line.strip_prefix('"').unwrap_or(line);
    let mut at = 0;
    while let Some(mark) = cell[at..].find('"') {
        at += mark + 1;
        match cell[at..].strip_prefix('"') {
            Some(_) => at += 1,
            None => break,
        }
    }
    // Every delimiter is one byte.
    cell.get(at + 1..).unwrap_or_default()
}

// Returns the members after the reasons, which are the first value of the object. A line that is no object has none.
fn of_json(line: &str) -> &str {
    let value = line.strip_prefix("{\"").and_then(|rest| rest.split_once("\":")).map(|(_, rest)| rest);
    let mut values = serde_json::Deserializer::from_str(value.unwrap_or_default()).into_iter::<String>();
    match values.next() {
        Some(Ok(_)) => {
            let rest = value.and_then(|value| value.get(values.byte_offset()..)).unwrap_or_default();
            rest.strip_prefix(',').unwrap_or(rest)
        }
        _ => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use records::Delimiter;

    #[test]
    fn the_row_of_a_line_is_shown_without_its_reasons() {
        let row = |line: &str, format| read_back(line, "line 3: why".into(), format).text;
        let csv = Format::Csv(Delimiter::Semicolon);
        assert_eq!(row("\"line 3: source_id \"\"x\"\" is; unusable\";a;\"b\"\r\n", csv), "a;\"b\"");
        let line = "{\"Import error\":\"line 2: a \\\"b\\\"\",\"id\":1}\n";
        assert_eq!(row(line, Format::JsonLines), "\"id\":1}");
        let lone = read_back("[1]\n", "line 3: why".into(), Format::JsonLines);
        assert_eq!((lone.reasons.as_str(), lone.text.as_str()), ("line 3: why", "[1]"), "it names the line");
        for odd in ["", "\"", "\"\"", "a", "{\"", "{\"Import error\":"] {
            row(odd, csv);
            row(odd, Format::JsonLines);
        }
    }
}
