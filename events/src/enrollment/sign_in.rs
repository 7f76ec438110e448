//! How somebody signs in, why they do not, and what they may do then.

use super::Ownership;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// How somebody proves who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignInMethodName {
    LocalAccount,
    /// A directory (LDAP), by name and password.
    Directory,
    OpenIdConnect,
    Saml,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignInRefusal {
    UnknownName,
    WrongPassword,
    /// The account lacks the privilege asked for: user-initiated enrollment at the portal, a staff role at the console.
    NotEntitled,
    AccountDisabled,
    Throttled,
    /// The directory cannot be asked: nobody is let in and nobody is blamed.
    DirectoryUnavailable,
    /// An enrolled device asked its person to sign in again, and another one did.
    AnotherPerson,
}

/// Why an answer of an identity provider was not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SingleSignOnFault {
    /// The provider itself says no, or the person cancelled there.
    ProviderRefused,
    /// The provider cannot be asked (discovery, keys, token endpoint).
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

/// What the access rules say about somebody, looked up once, at sign-in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Access {
    /// Who told the groups: `local`, or the name of a directory or identity provider in the configuration.
    pub provider: String,
    /// Name of the rule that decided; `None` where no rule is about this person.
    pub rule: Option<String>,
    /// Kinds of device that they may enroll through the portal.
    pub offered: BTreeSet<Ownership>,
    /// May enroll from Settings, by account.
    pub account_driven: bool,
    pub terms_required: bool,
    pub devices_per_person: Option<u32>,
}
