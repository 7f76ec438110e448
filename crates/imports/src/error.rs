//! Errors that end an import or an undo.

use crate::owners::WrongRule;
use decisions::record::{ImportRefusal, Refusal};
use events::personal::keys::KeyError;
use events::store::ReadError;
use platform::PerformError;
use projections::ProjectionError;
use records::{ERROR_COLUMN, OpenError};
use sign_in::SignInError;

/// Why an import ended early. What it has done stays, and the same import can be repeated.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error(transparent)]
    Open(OpenError),
    #[error(
        "the file has no records, so that a complete import would mark all records of its source as missing: check the \
         export"
    )]
    NoRecords,
    #[error(
        "the file has the column \"{ERROR_COLUMN}\": it has rows that were set aside, and is no complete export. Import \
         its corrected rows without marking others as missing; for the marks, import the whole corrected export"
    )]
    NotComplete,
    #[error(
        "the source {known} is known, and {source_name} differs from it only in capitals: use {known}, so that its \
         records are found again"
    )]
    SimilarSource { source_name: String, known: String },
    #[error("another import runs: repeat this when it has ended")]
    Busy,
    #[error("the file cannot be read: {0}")]
    File(#[from] std::io::Error),
    #[error(transparent)]
    Record(#[from] PerformError<Refusal>),
    #[error(transparent)]
    Import(#[from] PerformError<ImportRefusal>),
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Projection(#[from] ProjectionError),
    #[error(transparent)]
    OwnerRule(#[from] WrongRule),
    #[error("the person of a directory account cannot be recorded: {0}")]
    Person(#[from] SignInError),
    #[error(transparent)]
    Keys(#[from] KeyError),
}

impl From<OpenError> for ImportError {
    fn from(error: OpenError) -> ImportError {
        match error {
            OpenError::Io(error) => ImportError::File(error),
            error => ImportError::Open(error),
        }
    }
}
