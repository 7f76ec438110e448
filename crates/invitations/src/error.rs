//! Why an invitation could not be issued, changed or used.

use decisions::invitation::Refusal;
use decisions::wave;
use events::invitation::NotInvited;
use events::migration::MigrationException;
use events::personal::keys::KeyError;
use events::store::{AppendError, ReadError};
use platform::PerformError;
use projections::ProjectionError;

/// Why the state of an invitation is unknown, or could not be written. It can be tried again.
#[derive(Debug, thiserror::Error)]
pub enum InvitationError {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Append(#[from] AppendError),
    #[error(transparent)]
    Projection(#[from] ProjectionError),
    #[error(transparent)]
    Keys(#[from] KeyError),
    #[error("the invitation has no code, since every code that was tried leads to another invitation: issue it again")]
    NoCode,
}

/// Why an invitation was not issued, and what to do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotIssued {
    #[error("there is no such record: it may have been removed by the undo of its import")]
    UnknownRecord,
    #[error("the owner of the record was erased, or the record was shredded: nobody can be invited")]
    RecordErased,
    #[error("the record is linked to a later enrollment: undo the link first if the device is another one")]
    AlreadyEnrolled,
    #[error("the record need not be enrolled again: end the exception first")]
    Exception(MigrationException),
    #[error(
        "the record names no owner: import the file again with an owner rule, or invite the person without the record"
    )]
    NoOwner,
    #[error(
        "several people have the values by which the record names its owner: correct them and import the file again"
    )]
    SeveralOwners,
    #[error("the account of the record's owner is disabled: make an exception of the record, or enable the account")]
    OwnerLeft,
    #[error("the record has another owner than when the invitation was issued: issue another invitation")]
    OtherOwner,
    #[error("the migration of the record's source is closed: reopen it first")]
    MigrationClosed,
    #[error("there is no such person")]
    UnknownPerson,
    #[error("the person was erased: invite the mail address instead")]
    PersonErased,
    #[error("the recipient has no mail address: hand over the link instead")]
    NoMail,
    #[error("this is no mail address: type one such as ada@example.org")]
    MailInvalid,
    #[error("the name is longer than 200 characters or has a line break: shorten it to one line")]
    NameInvalid,
    #[error(
        "no directory and no identity provider states mail addresses or user names: invite a person who has signed in"
    )]
    NoProvider,
    #[error("a Web Clip belongs to the device of an earlier record: choose a record")]
    NeedsRecord,
}

impl NotIssued {
    /// Returns the reason as a wave records it. `None`: it is not about the record.
    pub fn of_record(self) -> Option<NotInvited> {
        match self {
            NotIssued::UnknownRecord => Some(NotInvited::UnknownRecord),
            NotIssued::RecordErased => Some(NotInvited::Erased),
            NotIssued::AlreadyEnrolled => Some(NotInvited::AlreadyEnrolled),
            NotIssued::Exception(_) => Some(NotInvited::Exception),
            NotIssued::NoOwner => Some(NotInvited::NoOwner),
            NotIssued::SeveralOwners => Some(NotInvited::SeveralOwners),
            NotIssued::OwnerLeft => Some(NotInvited::OwnerLeft),
            NotIssued::NoMail => Some(NotInvited::NoMail),
            NotIssued::MigrationClosed => Some(NotInvited::MigrationClosed),
            NotIssued::UnknownPerson | NotIssued::PersonErased | NotIssued::OtherOwner => None,
            NotIssued::MailInvalid | NotIssued::NameInvalid | NotIssued::NoProvider | NotIssued::NeedsRecord => None,
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    #[error(transparent)]
    Refused(#[from] NotIssued),
    #[error(transparent)]
    Failed(#[from] InvitationError),
}

/// Why an invitation was not renewed, revoked or opened.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    #[error(transparent)]
    Refused(Refusal),
    #[error(transparent)]
    Failed(#[from] InvitationError),
}

/// Why an invitation was not sent again.
#[derive(Debug, thiserror::Error)]
pub enum AgainError {
    /// Nobody can be invited for the record now.
    #[error(transparent)]
    NotNow(NotIssued),
    #[error(transparent)]
    Change(#[from] ChangeError),
}

/// Why a wave was not begun or changed.
#[derive(Debug, thiserror::Error)]
pub enum WaveError {
    #[error(transparent)]
    Refused(wave::Refusal),
    #[error(transparent)]
    Failed(#[from] InvitationError),
}

impl From<PerformError<wave::Refusal>> for WaveError {
    fn from(error: PerformError<wave::Refusal>) -> WaveError {
        match error {
            PerformError::Refused(refusal) => WaveError::Refused(refusal),
            PerformError::Append(error) => WaveError::Failed(error.into()),
            PerformError::Read(error) => WaveError::Failed(error.into()),
        }
    }
}

impl From<ReadError> for WaveError {
    fn from(error: ReadError) -> WaveError {
        WaveError::Failed(error.into())
    }
}

impl From<PerformError<Refusal>> for ChangeError {
    fn from(error: PerformError<Refusal>) -> ChangeError {
        match error {
            PerformError::Refused(refusal) => ChangeError::Refused(refusal),
            PerformError::Append(error) => ChangeError::Failed(error.into()),
            PerformError::Read(error) => ChangeError::Failed(error.into()),
        }
    }
}

impl From<ReadError> for ChangeError {
    fn from(error: ReadError) -> ChangeError {
        ChangeError::Failed(error.into())
    }
}

impl From<ReadError> for IssueError {
    fn from(error: ReadError) -> IssueError {
        IssueError::Failed(error.into())
    }
}
