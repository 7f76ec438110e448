//! The rows of a file, in bounded memory.

pub(crate) mod csv;
pub(crate) mod json;
mod line;

pub(crate) use line::LineCounter;
