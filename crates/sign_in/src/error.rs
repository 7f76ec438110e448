//! Errors that prevent a sign-in from being decided.

use events::store::{AppendError, ReadError};
use identity::Unavailable;
use platform::PerformError;

#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    #[error(transparent)]
    Append(#[from] AppendError),
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error("{0}")]
    Refused(String),
}

impl SignInError {
    /// Returns whether the cause is a damaged stream or encryption key.
    pub fn is_damage(&self) -> bool {
        match self {
            SignInError::Append(error) => error.is_damage(),
            SignInError::Read(error) => error.is_damage(),
            SignInError::Unavailable(_) | SignInError::Refused(_) => false,
        }
    }
}

impl<R: std::error::Error> From<PerformError<R>> for SignInError {
    fn from(error: PerformError<R>) -> SignInError {
        match error {
            PerformError::Refused(refusal) => SignInError::Refused(refusal.to_string()),
            PerformError::Append(error) => SignInError::Append(error),
            PerformError::Read(error) => SignInError::Read(error),
        }
    }
}
