//! The lines of a file with bad rows, in which an administrator corrects them and which is imported again. It has the
//! form of the original file; the reasons are in a first column, so that a row with too few fields stays as it is.

use crate::outcome::BadRow;
use crate::reader::{Format, Layout};
use std::borrow::Cow;

/// Name of the column with the reasons.
pub const ERROR_COLUMN: &str = "Import error";

impl Layout {
    /// Returns whether the file is one of rows that were set aside: it has only a part of an export.
    pub fn is_bad_file(&self) -> bool {
        self.columns.iter().any(|column| column.trim().eq_ignore_ascii_case(ERROR_COLUMN))
    }

    /// Returns the first line of the file with bad rows, with its line end; empty for JSON Lines. It begins with a byte
    /// order mark, without which Excel does not read UTF-8.
    pub fn bad_file_header(&self) -> String {
        match self.format {
            Format::Csv(delimiter) => {
                format!("\u{feff}{ERROR_COLUMN}{}{}\r\n", char::from(delimiter.byte()), self.header_text)
            }
            Format::JsonLines => String::new(),
        }
    }

    /// Returns the line of a bad row, with its line end. In CSV, a cell that a spreadsheet would execute begins with an
    /// apostrophe.
    pub fn bad_file_line(&self, bad: &BadRow) -> String {
        let reasons = bad.why();
        match self.format {
            Format::Csv(delimiter) => {
                let delimiter = char::from(delimiter.byte());
                let (reasons, row) = (reasons.replace('"', "\"\""), without_formulas(&bad.text, delimiter));
                format!("\"{reasons}\"{delimiter}{row}\r\n")
            }
            // A line that is no object stays as it is.
            Format::JsonLines => match bad.text.trim_start().strip_prefix('{') {
                Some(rest) => {
                    let separator = if rest.trim_start().starts_with('}') { "" } else { "," };
                    format!("{{\"{ERROR_COLUMN}\":{}{separator}{rest}\n", serde_json::Value::from(reasons))
                }
                None => format!("{}\n", bad.text),
            },
        }
    }
}

// Puts an apostrophe before the text of each cell that begins like a formula. Spreadsheets execute such a cell, even if
// it is quoted; after an apostrophe it is text (OWASP, CSV Injection). The row may be one that cannot be divided into
// cells, so every delimiter and line break counts as the end of a cell.
fn without_formulas(row: &str, delimiter: char) -> Cow<'_, str> {
    let mut safe = String::new();
    let (mut is_start, mut copied) = (true, 0);
    for (at, letter) in row.char_indices() {
        if is_start && letter != delimiter && is_formula(&row[at..], delimiter) {
            safe.push_str(&row[copied..at]);
            safe.push('\'');
            copied = at;
        }
        let is_first_quote = is_start && letter == '"' && !row[..at].ends_with('"');
        is_start = is_first_quote || letter == delimiter || matches!(letter, '\r' | '\n');
    }
    match safe.is_empty() {
        true => Cow::Borrowed(row),
        false => Cow::Owned(safe + &row[copied..]),
    }
}

// Dashes alone are no formula: exports write them for an absent value. A constant text in a formula, ="0123", does no
// harm, and keeps the zeros of an identifier.
fn is_formula(text: &str, delimiter: char) -> bool {
    const BEGINNINGS: [char; 9] = ['=', '+', '-', '@', '\t', '＝', '＋', '－', '＠'];
    let cell = text.split([delimiter, '\r', '\n']).next().unwrap_or_default();
    let constant = cell.strip_prefix("=\"").map(|constant| constant.trim_matches('"'));
    let is_harmless = cell.trim_end_matches('"').chars().all(|letter| letter == '-')
        || constant.is_some_and(|constant| constant.chars().all(|letter| letter.is_ascii_alphanumeric()));
    text.starts_with(BEGINNINGS) && !is_harmless
}

#[cfg(test)]
mod tests {
    use super::without_formulas;

    #[test]
    fn a_cell_that_a_spreadsheet_would_execute_begins_with_an_apostrophe() {
        for (row, safe) in [
            ("=1+1;b", "'=1+1;b"),
            ("a;\"=cmd|'/c calc'!A0\";b", "a;\"'=cmd|'/c calc'!A0\";b"),
            ("a;+49;-2+3;@SUM(A1)", "a;'+49;'-2+3;'@SUM(A1)"),
            ("a;\"two\n=1\"", "a;\"two\n'=1\""),
            ("＝1;\t=1", "'＝1;'\t=1"),
            ("\"not closed;=1", "\"not closed;'=1"),
        ] {
            assert_eq!(without_formulas(row, ';'), safe);
        }
        for harmless in ["a;b=c;x-y", "-;--;\"---\"", "=\"0123\";\"=\"\"0123\"\"\"", ";;", "", "\"\""] {
            assert_eq!(without_formulas(harmless, ';'), harmless);
        }
        assert_eq!(without_formulas("a\t\t=1", '\t'), "a\t\t'=1", "an empty cell between tabs is no formula");
    }
}
