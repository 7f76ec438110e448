//! Faults in the words of the log.

use events::enrollment::SingleSignOnFault as Recorded;
use identity::Fault;

/// The same fault as it is written down: the library does not know the log.
pub fn recorded(fault: Fault) -> Recorded {
    match fault {
        Fault::ProviderRefused => Recorded::ProviderRefused,
        Fault::ProviderUnavailable => Recorded::ProviderUnavailable,
        Fault::Unsolicited => Recorded::Unsolicited,
        Fault::Replayed => Recorded::Replayed,
        Fault::NotUnderstood => Recorded::NotUnderstood,
        Fault::ForbiddenContent => Recorded::ForbiddenContent,
        Fault::Unsigned => Recorded::Unsigned,
        Fault::SignatureInvalid => Recorded::SignatureInvalid,
        Fault::AlgorithmRefused => Recorded::AlgorithmRefused,
        Fault::WrongIssuer => Recorded::WrongIssuer,
        Fault::WrongAudience => Recorded::WrongAudience,
        Fault::WrongRecipient => Recorded::WrongRecipient,
        Fault::WrongDestination => Recorded::WrongDestination,
        Fault::OutsideValidity => Recorded::OutsideValidity,
        Fault::Incomplete => Recorded::Incomplete,
        Fault::WrongNonce => Recorded::WrongNonce,
        Fault::StaleAuthentication => Recorded::StaleAuthentication,
        Fault::EncryptionRefused => Recorded::EncryptionRefused,
        Fault::SubjectMissing => Recorded::SubjectMissing,
    }
}
