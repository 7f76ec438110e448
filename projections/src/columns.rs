//! Values of columns that are stored as text. A text that cannot be read is an error that names the column.

use rusqlite::Row;
use rusqlite::types::Type;
use std::error::Error;
use uuid::Uuid;

pub(crate) fn uuid(row: &Row<'_>, column: usize) -> rusqlite::Result<Uuid> {
    Uuid::parse_str(&row.get::<_, String>(column)?).map_err(|error| unreadable(column, error))
}

/// Returns `None` for NULL.
pub(crate) fn maybe_uuid(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Uuid>> {
    let text: Option<String> = row.get(column)?;
    text.map(|text| Uuid::parse_str(&text).map_err(|error| unreadable(column, error))).transpose()
}

pub(crate) fn unreadable(column: usize, error: impl Error + Send + Sync + 'static) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(error))
}

/// Returns the error of a text that is none of the words that the column may have.
pub(crate) fn unknown(column: usize, word: &str) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, format!("unknown word {word}").into())
}
