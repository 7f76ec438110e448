//! Why an answer of an identity provider is rejected, for OpenID Connect and SAML alike.

use std::fmt;

/// The reason is recorded; the person sees the same message in each case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// The provider reported an error, or the person cancelled there.
    ProviderRefused,
    /// The provider cannot be reached.
    ProviderUnavailable,
    /// The answer matches no pending request of this browser: the request is unknown, used, expired, or began in
    /// another browser.
    Unsolicited,
    Replayed,
    NotUnderstood,
    /// The answer contains forbidden content: a document type, entity, comment, foreign transform or foreign
    /// reference.
    ForbiddenContent,
    Unsigned,
    SignatureInvalid,
    AlgorithmRefused,
    WrongIssuer,
    WrongAudience,
    WrongRecipient,
    WrongDestination,
    OutsideValidity,
    /// Conditions, status or subject confirmation is missing.
    Incomplete,
    WrongNonce,
    /// The person authenticated at the provider too long ago, or with a method that is too weak.
    StaleAuthentication,
    EncryptionRefused,
    SubjectMissing,
}

/// A rejected answer of an identity provider: the fault, and a sentence for the administrator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disbelief {
    pub fault: Fault,
    /// What is wrong and, if the cause is at the provider, how to correct it there. Contains nothing about the
    /// person.
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
