//! Reads exports of device records of other MDM products and yields typed rows. It has no network, no database and no
//! clock.
//!
//! [`Reader`] reads CSV or JSON Lines of any size in bounded memory. A [`Mapping`] says which column contains which
//! [`Field`]; the presets are the documented columns of Jamf Pro, Intune, Fleet and Mosyle. Each line of the file is a
//! [`Row`] or a [`BadRow`]: a row has a [`Record`] and [`Note`]s about what was repaired or left out, and a bad row has
//! the original text and its reasons. Nothing is guessed: a value that may be wrong is left out and reported.
//!
//! Modules, in the order of the data: `input` (bytes, encodings), `rows` (CSV, JSON Lines), `mapping` (columns to
//! fields), `assemble` (texts to a record; with `excel`, `absent`, `identifiers`, `dates`), `reader`.

mod absent;
mod assemble;
mod bad_file;
mod dates;
mod excel;
mod field;
mod identifiers;
mod input;
mod limits;
mod mapping;
mod note;
mod outcome;
mod reader;
mod record;
mod rows;
mod summary;

pub use bad_file::ERROR_COLUMN;
pub use dates::{DateOrder, ExcelDates, Zone};
pub use field::Field;
pub use identifiers::{Imei, MacAddress, Meid, ProductName, SerialNumber, Udid};
pub use input::Encoding;
pub use limits::{FIELD_LIMIT, ROW_LIMIT};
pub use mapping::{Columns, Delimiter, Fallback, Mapping, MappingError, Preset};
pub use note::{LeftOut, Note, NoteKind};
pub use outcome::{BadRow, Reason, Row};
pub use reader::{Format, Layout, OpenError, Outcome, Reader};
pub use record::{Kind, Record, changes};
pub use summary::Summary;

#[cfg(test)]
mod tests;
