//! How somebody signs in, why they do not, and what they may do then.

use super::Ownership;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

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
    /// The directory says: locked after wrong passwords.
    AccountLocked,
    /// The directory says: the account has ended.
    AccountExpired,
    /// The directory says, after a right password: it is too old.
    PasswordExpired,
    /// The directory says, after a right password: it has to be replaced before it is used.
    PasswordMustBeChanged,
    /// The directory says: not at this time.
    OutsideLogonHours,
    /// The directory says: only at other computers.
    WorkstationNotPermitted,
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
    /// What is not known and would have made a difference: then nothing is granted. Empty where the rules decided.
    pub untold: Vec<Untold>,
}

/// Something about a person that their provider was asked for and did not tell: it is unknown, not empty.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Untold {
    pub attribute: AttributeName,
    pub why: Absence,
}

/// What access rules ask for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttributeName {
    Groups,
    /// By the name of the configuration.
    Claim(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Absence {
    /// The provider said nothing of it, or nothing that can be read.
    Silent,
    /// It pointed to another place for it: there are too many for one answer (Entra's group overage; OpenID Connect Core §5.6.2).
    Elsewhere,
}

/// Groups and claims as they arrived.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceivedAttributes {
    pub groups: BTreeSet<String>,
    pub claims: BTreeMap<String, BTreeSet<String>>,
    /// So many groups and values were more than an event holds.
    pub left_out: u64,
    pub untold: Vec<Untold>,
}

/// So many bytes of names an event holds.
const MOST_BYTES: usize = 32 * 1024;

impl ReceivedAttributes {
    /// As much as an event holds, in the order of the names; claims first, since they are few.
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
