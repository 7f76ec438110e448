//! The form fields of a command, as a staff member filled them in.

use super::upload::BadProfile;
use std::collections::BTreeMap;

/// Field values by name, and the uploaded file.
#[derive(Debug, Clone, Default)]
pub struct Input {
    fields: BTreeMap<&'static str, String>,
    file: Option<Vec<u8>>,
}

/// Why the fields were not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadInput {
    /// A sentence for the staff member.
    #[error("{0}")]
    Wrong(&'static str),
    #[error(transparent)]
    Profile(#[from] BadProfile),
}

impl Input {
    /// Creates the input. `fields`: values without surrounding white space, not empty. `file`: the uploaded bytes, not
    /// empty.
    pub fn new(fields: BTreeMap<&'static str, String>, file: Option<Vec<u8>>) -> Input {
        Input { fields, file }
    }

    /// Returns the value of a field, if it was filled in.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(String::as_str)
    }

    /// Returns all fields that were filled in, with their values.
    pub fn fields(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.fields.iter().map(|(name, value)| (*name, value.as_str()))
    }

    pub fn file(&self) -> Option<&[u8]> {
        self.file.as_deref()
    }

    /// Returns the value of a field that must be filled in.
    ///
    /// # Errors
    /// Returns `wrong` if the field was not filled in.
    pub fn needed(&self, name: &str, wrong: &'static str) -> Result<&str, BadInput> {
        self.text(name).ok_or(BadInput::Wrong(wrong))
    }
}
