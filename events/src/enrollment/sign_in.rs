//! Sign-in methods, reasons for refused sign-ins, and the permissions of a person who signed in.

use super::Ownership;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// How a person proves their identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignInMethodName {
    LocalAccount,
    /// A directory (LDAP), with name and password.
    Directory,
    OpenIdConnect,
    Saml,
}

impl SignInMethodName {
    pub const ALL: [SignInMethodName; 4] = [
        SignInMethodName::LocalAccount,
        SignInMethodName::Directory,
        SignInMethodName::OpenIdConnect,
        SignInMethodName::Saml,
    ];

    /// Returns the word that events, rows and the names of `account-` streams use.
    pub fn as_str(self) -> &'static str {
        match self {
            SignInMethodName::LocalAccount => "local_account",
            SignInMethodName::Directory => "directory",
            SignInMethodName::OpenIdConnect => "open_id_connect",
            SignInMethodName::Saml => "saml",
        }
    }

    /// Parses the word of [`SignInMethodName::as_str`]; `None` for any other text.
    pub fn parse(word: &str) -> Option<SignInMethodName> {
        SignInMethodName::ALL.into_iter().find(|method| method.as_str() == word)
    }

    /// Returns the name in plain English, without an article.
    pub fn label(self) -> &'static str {
        match self {
            SignInMethodName::LocalAccount => "local account",
            SignInMethodName::Directory => "directory account",
            SignInMethodName::OpenIdConnect => "single sign-on (OpenID Connect)",
            SignInMethodName::Saml => "single sign-on (SAML)",
        }
    }

    /// Returns [`SignInMethodName::label`] as it follows "signed in with": accounts have an article.
    pub fn with_article(self) -> String {
        match self {
            SignInMethodName::LocalAccount | SignInMethodName::Directory => format!("a {}", self.label()),
            SignInMethodName::OpenIdConnect | SignInMethodName::Saml => self.label().to_owned(),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignInRefusal {
    UnknownName,
    WrongPassword,
    /// The account lacks the required privilege: user-initiated enrollment at the portal, or a staff role at the
    /// console.
    NotEntitled,
    AccountDisabled,
    /// The directory reports that the account is locked after wrong passwords.
    AccountLocked,
    /// The directory reports that the account has expired.
    AccountExpired,
    /// The directory reports, after a correct password, that the password has expired.
    PasswordExpired,
    /// The directory reports, after a correct password, that the password must be changed before it can be used.
    PasswordMustBeChanged,
    /// The directory reports that sign-in is not permitted at this time.
    OutsideLogonHours,
    /// The directory reports that sign-in is only permitted at other computers.
    WorkstationNotPermitted,
    Throttled,
    /// The directory cannot be reached: the sign-in is refused and not counted as a failed attempt.
    DirectoryUnavailable,
    /// An enrolled device asked its person to sign in again, and another person did.
    AnotherPerson,
}

/// Why a response of an identity provider was rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SingleSignOnFault {
    /// The provider refused the sign-in, or the person cancelled it there.
    ProviderRefused,
    /// The provider cannot be reached (discovery, keys, token endpoint).
    ProviderUnavailable,
    /// The response does not match a pending request of this browser: unknown, already used, too old, or begun in
    /// another browser.
    Unsolicited,
    Replayed,
    NotUnderstood,
    /// The response contains forbidden content: a document type, an entity, a comment, a foreign transform or
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
    /// Conditions, status or subject confirmation are missing.
    Incomplete,
    WrongNonce,
    /// The person's authentication at the provider is too old or not strong enough.
    StaleAuthentication,
    EncryptionRefused,
    SubjectMissing,
}

/// The decision of the access rules about a person, made once, at sign-in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Access {
    /// The provider of the groups: `local`, or the name of a directory or identity provider in the configuration.
    pub provider: String,
    /// Name of the rule that decided; `None` if no rule matches this person.
    pub rule: Option<String>,
    /// Ownership kinds of devices that the person may enroll through the portal.
    pub offered: BTreeSet<Ownership>,
    /// Whether the person may enroll from Settings, by account.
    pub account_driven: bool,
    /// Whether the terms of use have to be accepted.
    pub terms_required: bool,
    /// Maximum number of devices at a time; `None`: no limit.
    pub devices_per_person: Option<u32>,
    /// Attributes that are unknown and would have changed the decision: then nothing is granted. Empty if the rules
    /// decided.
    pub untold: Vec<Untold>,
}

/// An attribute that the provider was asked for and did not state: it is unknown, not empty.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Untold {
    pub attribute: AttributeName,
    pub why: Absence,
}

/// An attribute that access rules use.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttributeName {
    Groups,
    /// A claim, by its name in the configuration.
    Claim(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Absence {
    /// The provider did not state it, or its value cannot be parsed.
    Silent,
    /// The provider referred to another place for the values, since there are too many for one response (Entra's group
    /// overage; OpenID Connect Core §5.6.2).
    Elsewhere,
}

/// Groups and claims as received from the provider.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceivedAttributes {
    /// Groups as the provider names them.
    pub groups: BTreeSet<String>,
    /// Values of the claims, by the name of the claim in the configuration.
    pub claims: BTreeMap<String, BTreeSet<String>>,
    /// Number of groups and claim values that were omitted because they exceed the limit of an event.
    pub left_out: u64,
    pub untold: Vec<Untold>,
}

/// Maximum number of bytes of group names and claim values in one event.
const MOST_BYTES: usize = 32 * 1024;

impl ReceivedAttributes {
    /// Returns as many groups and claim values as one event can hold, in the order of their names. Claims come first,
    /// since they are few.
    pub fn bounded(
        groups: &BTreeSet<String>,
        claims: &BTreeMap<String, BTreeSet<String>>,
        untold: Vec<Untold>,
    ) -> ReceivedAttributes {
        let (mut room, mut left_out) = (MOST_BYTES, 0);
        let mut fits = |text: &str| match room.checked_sub(text.len()) {
            Some(left) => {
                room = left;
                true
            }
            None => {
                left_out += 1;
                false
            }
        };
        let claims = claims
            .iter()
            .map(|(name, values)| (name.clone(), values.iter().filter(|value| fits(value)).cloned().collect()))
            .collect();
        let groups = groups.iter().filter(|group| fits(group)).cloned().collect();
        ReceivedAttributes { groups, claims, left_out, untold }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_holds_a_bounded_part_of_what_arrived_and_says_how_much_is_missing() {
        let groups: BTreeSet<String> = (0..1_000).map(|nth| format!("{nth:064}")).collect();
        let claims = BTreeMap::from([("department".to_owned(), BTreeSet::from(["Physics".to_owned()]))]);
        let received = ReceivedAttributes::bounded(&groups, &claims, vec![]);
        assert_eq!((received.groups.len(), received.left_out, received.claims), (511, 489, claims));
        let few: BTreeSet<String> = BTreeSet::from(["staff".to_owned()]);
        let received = ReceivedAttributes::bounded(&few, &BTreeMap::new(), vec![]);
        assert_eq!((received.groups, received.left_out), (few, 0));
    }
}
