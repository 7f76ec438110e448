//! People, known by a random id; accounts lead to them.

use crate::enrollment::{EnrollmentId, Ownership, SignInMethodName, SignInRefusal, Untold};
use crate::personal::Personal;
use crate::system::SuppressedRefusals;
use crate::{KeyName, StreamName};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use uuid::Uuid;

/// A person: random, so that the id tells nothing about them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PersonId(pub Uuid);

impl PersonId {
    pub fn stream(self) -> StreamName {
        StreamName::of("person", self.0)
    }

    /// The key of everything that is known about this person.
    pub fn key(self) -> KeyName {
        KeyName::of("person", self.0)
    }
}

impl fmt::Display for PersonId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a sign-in method tells about a person.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonAttributes {
    pub user_name: Option<Personal<String>>,
    pub display_name: Option<Personal<String>>,
    pub mail: Option<Personal<String>>,
    pub managed_apple_id: Option<Personal<String>>,
}

/// Somebody as an identity provider vouches for them, until their browser comes back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProvenAccount {
    pub issuer: String,
    pub subject: String,
    pub user_name: String,
    pub display_name: Option<String>,
    pub mail: Option<String>,
    pub managed_apple_id: Option<String>,
    pub groups: BTreeSet<String>,
    /// Further attributes that access rules may ask for, by name.
    pub claims: BTreeMap<String, BTreeSet<String>>,
    /// What the provider was asked for and did not tell. Sealed with the rest, so that no upcast reaches it: answers from before
    /// hold none.
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
    /// The sign-in method told something new; `attributes` holds all it tells now.
    PersonAttributesChanged {
        attributes: PersonAttributes,
    },
    /// The person gave their Managed Apple ID at the portal: next time it is filled in.
    ManagedAppleIdLearned {
        managed_apple_id: Personal<String>,
    },
    /// The person accepted terms of use on a visit: the same version is not asked again.
    TermsAcceptanceKept {
        ownership: Ownership,
        version: String,
        enrollment: EnrollmentId,
    },
    /// Their key is destroyed.
    PersonErased {},
}

/// Stream `account-<HMAC(method, issuer, subject)>`: reserves the account for one person at a time; for another after the
/// first was erased.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
pub enum AccountEvent {
    AccountReserved {
        person: PersonId,
    },
    /// A sign-in at the portal was refused, and its source had no share left that a visit could be opened from.
    AccountSignInRefused {
        method: SignInMethodName,
        reason: SignInRefusal,
    },
    /// Refused sign-ins at the portal under this account's name that were counted instead of written one by one.
    AccountRefusalsSuppressed(SuppressedRefusals),
}
