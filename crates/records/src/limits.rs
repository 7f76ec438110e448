//! Limits of memory.

/// Maximum length of a row in bytes, in UTF-8.
pub const ROW_LIMIT: usize = 256 * 1024;

/// Maximum length in bytes of a value that the mapping names. Other columns are limited by the row.
pub const FIELD_LIMIT: usize = 1024;
