//! Events of people and their accounts. A person has a random id; accounts refer to it.

use crate::enrollment::{EnrollmentId, Ownership, SignInMethodName, SignInRefusal, Untold};
use crate::personal::Personal;
use crate::system::SuppressedRefusals;
use crate::{KeyName, StreamName};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use uuid::Uuid;

/// Id of a person. It is random and reveals nothing about them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PersonId(pub Uuid);

impl PersonId {
    pub fn stream(self) -> StreamName {
        StreamName::of("person", self.0)
    }

    /// Returns the name of the key for all data about this person.
    pub fn key(self) -> KeyName {
        KeyName::of("person", self.0)
    }
}

impl fmt::Display for PersonId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Attributes of a person that a sign-in method provides.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonAttributes {
    pub user_name: Option<Personal<String>>,
    pub display_name: Option<Personal<String>>,
    pub mail: Option<Personal<String>>,
    pub managed_apple_id: Option<Personal<String>>,
}

/// An account that an identity provider vouched for, kept until the person's browser returns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProvenAccount {
    pub issuer: String,
    pub subject: String,
    pub user_name: String,
    pub display_name: Option<String>,
    pub mail: Option<String>,
    pub managed_apple_id: Option<String>,
    pub groups: BTreeSet<String>,
    /// Further attributes that access rules can use, by name.
    pub claims: BTreeMap<String, BTreeSet<String>>,
    /// Attributes that the provider was asked for and did not state. Sealed with the other fields, so no upcast can
    /// change it: older responses have an empty list.
    #[serde(default)]
    pub untold: Vec<Untold>,
}

/// Stream `person-<id>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
pub enum PersonEvent {
    PersonKnown {
        method: SignInMethodName,
        account: String,
        attributes: PersonAttributes,
    },
    /// The sign-in method provided new attributes; `attributes` holds all that it provides now.
    PersonAttributesChanged {
        attributes: PersonAttributes,
    },
    /// The person entered their Managed Apple ID at the portal: it is filled in the next time.
    ManagedAppleIdLearned {
        managed_apple_id: Personal<String>,
    },
    /// The person accepted terms of use on a visit: the same version is not requested again.
    TermsAcceptanceKept {
        ownership: Ownership,
        version: String,
        enrollment: EnrollmentId,
    },
    /// The person was erased and their key destroyed.
    PersonErased {},
}

/// Stream `account-<HMAC(method, issuer, subject)>`: reserves the account for one person at a time. It can be reserved
/// for another person after the first was erased.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
pub enum AccountEvent {
    AccountReserved {
        person: PersonId,
    },
    /// A sign-in at the portal was refused. The source had exceeded its share of visits, so no visit was opened for it.
    AccountSignInRefused {
        method: SignInMethodName,
        reason: SignInRefusal,
    },
    /// Refused sign-ins at the portal with this account's name that were counted instead of recorded one by one.
    AccountRefusalsSuppressed(SuppressedRefusals),
}
