//! Mails, as events about them name what became of them.

use serde::{Deserialize, Serialize};

/// Why a mail was not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MailFailure {
    /// The mail server refused the mail for good.
    Refused,
    /// The mail server asked to try later.
    RefusedForNow,
    /// The mail server does not answer, or not in time.
    Unreachable,
    /// The connection could not be encrypted, or the certificate of the mail server is not trusted.
    NotSecure,
    /// The mail server refused the credentials.
    CredentialsRefused,
    /// The address of the recipient is missing or is no mail address.
    AddressInvalid,
    /// The configuration has no mail server.
    NotConfigured,
}

impl MailFailure {
    /// Returns the word that events and rows use.
    pub fn as_str(self) -> &'static str {
        match self {
            MailFailure::Refused => "refused",
            MailFailure::RefusedForNow => "refused_for_now",
            MailFailure::Unreachable => "unreachable",
            MailFailure::NotSecure => "not_secure",
            MailFailure::CredentialsRefused => "credentials_refused",
            MailFailure::AddressInvalid => "address_invalid",
            MailFailure::NotConfigured => "not_configured",
        }
    }
}
