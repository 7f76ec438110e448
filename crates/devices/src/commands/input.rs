//! The fields that a staff member filled in for a command.

use super::upload::BadProfile;
use std::collections::BTreeMap;

/// Field values by name, and the uploaded file.
#[derive(Debug, Clone, Default)]
pub struct Input {
    fields: BTreeMap<&'static str, String>,
    file: Option<Vec<u8>>,
}

/// Why the fields are not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadInput {
    /// A sentence for the staff member.
    #[error("{0}")]
    Wrong(&'static str),
    #[error(transparent)]
    Profile(#[from] BadProfile),
}

impl Input {
    /// `fields`: values without white space around them, not empty. `file`: the uploaded file, not empty.
    pub fn new(fields: BTreeMap<&'static str, String>, file: Option<Vec<u8>>) -> Input {
        Input { fields, file }
    }

    /// The value of a field, if it was filled in.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(String::as_str)
    }

    /// All filled in fields.
    pub fn fields(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.fields.iter().map(|(name, value)| (*name, value.as_str()))
    }

    pub fn file(&self) -> Option<&[u8]> {
        self.file.as_deref()
    }

    /// The value of a field that must be filled in.
    ///
    /// # Errors
    /// Returns `wrong` if it is not.
    pub fn needed(&self, name: &str, wrong: &'static str) -> Result<&str, BadInput> {
        self.text(name).ok_or(BadInput::Wrong(wrong))
    }
}
