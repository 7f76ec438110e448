//! The values of one device, read from its current row or from the history.

use super::COLUMNS;
use rusqlite::Row;
use rusqlite::types::ValueRef;
use std::borrow::Cow;

/// The values of one device, now or at an instant.
pub(super) trait Values {
    fn id(&self) -> rusqlite::Result<Cow<'_, str>>;
    /// The name of the person as it is now.
    fn user_name(&self) -> rusqlite::Result<Option<Cow<'_, str>>>;
    fn text(&self, column: &str) -> rusqlite::Result<Option<Cow<'_, str>>>;
    fn number(&self, column: &str) -> rusqlite::Result<Option<i64>>;
}

/// Returns the columns of `d` that [`Current`] reads.
pub(super) fn columns() -> String {
    format!("d.id, d.user_name, d.{}", COLUMNS.join(", d."))
}

/// Number of columns before those of [`COLUMNS`].
const FIRST: usize = 2;

/// A row with the columns of [`columns`].
pub(super) struct Current<'a, 'b>(pub(super) &'a Row<'b>);

fn text_of(value: ValueRef<'_>) -> rusqlite::Result<Option<Cow<'_, str>>> {
    Ok(value.as_str_or_null()?.map(Cow::Borrowed))
}

impl Current<'_, '_> {
    fn value(&self, column: &str) -> rusqlite::Result<ValueRef<'_>> {
        let place = COLUMNS.iter().position(|known| *known == column);
        let place = place.ok_or_else(|| rusqlite::Error::InvalidColumnName(column.to_owned()))?;
        self.0.get_ref(FIRST + place)
    }
}

impl Values for Current<'_, '_> {
    fn id(&self) -> rusqlite::Result<Cow<'_, str>> {
        Ok(Cow::Borrowed(self.0.get_ref(0)?.as_str()?))
    }

    fn user_name(&self) -> rusqlite::Result<Option<Cow<'_, str>>> {
        text_of(self.0.get_ref(1)?)
    }

    fn text(&self, column: &str) -> rusqlite::Result<Option<Cow<'_, str>>> {
        text_of(self.value(column)?)
    }

    fn number(&self, column: &str) -> rusqlite::Result<Option<i64>> {
        Ok(self.value(column)?.as_i64_or_null()?)
    }
}
