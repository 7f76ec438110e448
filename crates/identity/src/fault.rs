//! Why an answer of an identity provider is not believed, whatever language it speaks.

use std::fmt;

/// For the record; the person is told the same in each case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// The provider itself says no, or the person cancelled there.
    ProviderRefused,
    /// The provider cannot be asked.
    ProviderUnavailable,
    /// It answers no request of this browser's: unknown, used, too old, or begun elsewhere.
    Unsolicited,
    Replayed,
    NotUnderstood,
    /// Something that has no business in it: a document type, an entity, a comment, a foreign transform or reference.
    ForbiddenContent,
    Unsigned,
    SignatureInvalid,
    AlgorithmRefused,
    WrongIssuer,
    WrongAudience,
    WrongRecipient,
    WrongDestination,
    OutsideValidity,
    /// Conditions, status or subject confirmation are missing.
    Incomplete,
    WrongNonce,
    /// The person proved themselves too long ago, or not strongly enough.
    StaleAuthentication,
    EncryptionRefused,
    SubjectMissing,
}

/// An answer that is not believed: why, in a word and in a sentence for the administrator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disbelief {
    pub fault: Fault,
    /// What is wrong and, where it can be mended at the provider, how. Tells nothing about the person.
    pub detail: String,
}

impl Disbelief {
    pub fn new(fault: Fault, detail: impl Into<String>) -> Disbelief {
        Disbelief { fault, detail: detail.into() }
    }
}

impl fmt::Display for Disbelief {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}
