//! The place where a page of a list ends, if the list is ordered by a time and an id.

use events::Timestamp;
use std::fmt;
use std::str::FromStr;
use uuid::Uuid;

/// A row as it stood in a list: the time and the id that the list is ordered by, so that it stays valid if the row
/// changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    pub(crate) at: Timestamp,
    pub(crate) id: Uuid,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.at.0, self.id)
    }
}

/// The text is no cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoCursor;

impl FromStr for Cursor {
    type Err = NoCursor;

    fn from_str(text: &str) -> Result<Cursor, NoCursor> {
        let (at, id) = text.split_once('.').ok_or(NoCursor)?;
        let at = Timestamp(at.parse().map_err(|_| NoCursor)?);
        Ok(Cursor { at, id: Uuid::parse_str(id).map_err(|_| NoCursor)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_as_it_was_written_and_no_other_text_is_one() {
        let cursor = Cursor { at: Timestamp(-5), id: Uuid::from_u128(7) };
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
        for text in ["", "1", "1.2", &format!("{cursor}.1"), &format!("x.{}", cursor.id), &format!(".{}", cursor.id)] {
            assert_eq!(text.parse::<Cursor>(), Err(NoCursor), "{text}");
        }
    }
}
