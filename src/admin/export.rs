//! Writes records as files: CSV (RFC 4180) that a spreadsheet treats as text, or JSON lines.

use super::problem::Problem;
use super::query::filled;
use super::record::Record;
use actix_web::HttpResponse;
use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use actix_web::web::Bytes;
use events::Timestamp;
use events::staff::ExportFormat;
use futures_util::stream::{self, Stream, StreamExt as _, TryStreamExt as _};
use serde::Deserialize;
use std::fmt::Display;

/// Query parameters of an export besides the filters of the page.
#[derive(Deserialize)]
pub(crate) struct Wanted {
    format: Option<String>,
}

impl Wanted {
    /// Returns the requested format; the default is CSV.
    ///
    /// # Errors
    /// Returns an error if the format is unknown.
    pub(crate) fn format(&self) -> Result<ExportFormat, Problem> {
        match filled(self.format.as_deref()) {
            None | Some("csv") => Ok(ExportFormat::Csv),
            Some("jsonl") => Ok(ExportFormat::Jsonl),
            Some(_) => Err(Problem::Bad("The format must be csv or jsonl.").of("format")),
        }
    }
}

/// Starts a response that the browser saves as a file; the caller adds the body.
pub(crate) fn file(what: &str, format: ExportFormat, at: Timestamp) -> actix_web::HttpResponseBuilder {
    let (kind, end) = match format {
        ExportFormat::Csv => ("text/csv; charset=utf-8; header=present", "csv"),
        ExportFormat::Jsonl => ("application/jsonl; charset=utf-8", "jsonl"),
    };
    let name = format!("muster-{what}-{}.{end}", at.day());
    let mut response = HttpResponse::Ok();
    response.insert_header((CONTENT_TYPE, kind));
    response.insert_header((CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")));
    response
}

/// Returns the header line of the file: column names for CSV, nothing for JSON lines.
pub(crate) fn head<R: Record>(format: ExportFormat) -> Bytes {
    match format {
        ExportFormat::Csv => Bytes::from(line(R::COLUMNS.iter().copied())),
        ExportFormat::Jsonl => Bytes::new(),
    }
}

/// Formats records as lines of the file.
pub(crate) fn lines<R: Record>(format: ExportFormat, records: impl IntoIterator<Item = R>) -> Bytes {
    let mut text = String::new();
    for record in records {
        match format {
            ExportFormat::Csv => text.push_str(&line(record.cells().iter().map(String::as_str))),
            ExportFormat::Jsonl => {
                text.push_str(&serde_json::to_string(&record).unwrap_or_default());
                text.push('\n');
            }
        }
    }
    Bytes::from(text)
}

/// Returns the file in chunks: its header, then the records of each page. `page` returns the records after a place, and
/// the place to go on from.
pub(crate) fn streamed<R, P, F, Q, E>(
    format: ExportFormat,
    first: Option<P>,
    page: F,
) -> impl Stream<Item = Result<Bytes, E>>
where
    R: Record,
    F: Fn(P) -> Q,
    Q: Future<Output = Result<(Vec<R>, Option<P>), E>>,
    E: Display,
{
    let head = stream::iter([Ok(head::<R>(format))]);
    let rest = stream::try_unfold((first, page), move |(next, page)| async move {
        let Some(place) = next else { return Ok(None) };
        let found = page(place).await;
        let (records, next) = found.inspect_err(|error| tracing::error!(%error, "an export is aborted"))?;
        Ok(Some((lines(format, records), (next, page))))
    });
    // Skips empty chunks, because an empty chunk would end the body.
    head.chain(rest).try_filter(|bytes| std::future::ready(!bytes.is_empty()))
}

fn line<'a>(cells: impl Iterator<Item = &'a str>) -> String {
    let cells: Vec<String> = cells.map(cell).collect();
    format!("{}\r\n", cells.join(","))
}

// Quotes a cell. A device's name is untrusted text, and spreadsheets execute a cell that begins like a formula, even
// if it is quoted. A leading apostrophe makes it text (OWASP, CSV Injection).
fn cell(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    let text = text.replace('"', "\"\"");
    if formula { format!("\"'{text}\"") } else { format!("\"{text}\"") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Serialize;

    #[derive(Serialize)]
    struct Pair {
        a: String,
        b: String,
    }

    impl Record for Pair {
        const COLUMNS: &'static [&'static str] = &["a", "b"];

        fn cells(&self) -> Vec<String> {
            vec![self.a.clone(), self.b.clone()]
        }
    }

    fn pair(a: &str, b: &str) -> Pair {
        Pair { a: a.into(), b: b.into() }
    }

    #[test]
    fn a_cell_that_a_spreadsheet_would_run_is_text() {
        for formula in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1"] {
            assert_eq!(cell(formula), format!("\"'{formula}\""));
        }
        assert_eq!(cell("a=b"), "\"a=b\"");
    }

    #[test]
    fn quotes_commas_and_line_ends_stay_within_their_cell() {
        let bytes = lines(ExportFormat::Csv, [pair("say \"hi\", ada", "two\r\nlines")]);
        assert_eq!(bytes, "\"say \"\"hi\"\", ada\",\"two\r\nlines\"\r\n".as_bytes());
        assert_eq!(head::<Pair>(ExportFormat::Csv), "\"a\",\"b\"\r\n".as_bytes());
    }

    #[test]
    fn json_lines_keep_values_as_they_are() {
        let bytes = lines(ExportFormat::Jsonl, [pair("=1", "two\nlines"), pair("", "ü")]);
        assert_eq!(bytes, "{\"a\":\"=1\",\"b\":\"two\\nlines\"}\n{\"a\":\"\",\"b\":\"ü\"}\n".as_bytes());
        assert!(head::<Pair>(ExportFormat::Jsonl).is_empty());
    }
}
