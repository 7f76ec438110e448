//! Maps faults of single sign-on to their recorded form.

use events::enrollment::SingleSignOnFault as Recorded;
use identity::Fault;

/// Returns the recorded form of `fault`. The crate `identity` does not depend on `events`.
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
