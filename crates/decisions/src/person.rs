//! A person and the accounts that belong to them: streams `person-<id>` and `account-<hmac>`.

#[cfg(test)]
mod tests;

use crate::Aggregate;
use events::enrollment::{EnrollmentId, Ownership, SignInMethodName};
use events::person::{AccountEvent, PersonAttributes, PersonEvent, PersonId};
use events::personal::Personal;
use events::record::{OwnerKey, RecordId};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Maximum number of keys of a person. People who can change an attribute at their provider could otherwise add a key
/// at each sign-in.
pub const MOST_KEYS: usize = 100;

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Person {
    pub known: bool,
    pub attributes: PersonAttributes,
    /// The value that the person last entered at the portal. It takes precedence over the value in the directory.
    pub learned_managed_apple_id: Option<Personal<String>>,
    /// The newest terms of use that the person accepted, by ownership.
    pub accepted_terms: BTreeMap<Ownership, String>,
    /// Those of present and of earlier values.
    pub keys: BTreeSet<OwnerKey>,
    pub erased: bool,
}

#[derive(Debug, Clone)]
pub enum Command {
    /// A sign-in method identified the person.
    Know {
        method: SignInMethodName,
        account: String,
        attributes: PersonAttributes,
    },
    LearnManagedAppleId {
        managed_apple_id: Personal<String>,
    },
    KeepTermsAcceptance {
        ownership: Ownership,
        version: String,
        enrollment: EnrollmentId,
    },
    /// The provider stated the values of these keys.
    NoteKeys {
        keys: Vec<OwnerKey>,
    },
    /// The owners of the records with the person's keys were resolved up to this record, and there are more.
    GoOnAfter {
        record: RecordId,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("the person was erased")]
    Erased,
}

impl Aggregate for Person {
    const FOLD: u32 = 2;

    type Whole = Self;
    type Event = PersonEvent;
    type Command = Command;
    type Refusal = Refusal;

    fn decide(&self, command: &Command) -> Result<Vec<PersonEvent>, Refusal> {
        if self.erased {
            return Err(Refusal::Erased);
        }
        Ok(match command {
            Command::Know { method, account, attributes } if !self.known => {
                vec![PersonEvent::PersonKnown {
                    method: *method,
                    account: account.clone(),
                    attributes: attributes.clone(),
                }]
            }
            Command::Know { attributes, .. } if *attributes != self.attributes => {
                vec![PersonEvent::PersonAttributesChanged { attributes: attributes.clone() }]
            }
            Command::LearnManagedAppleId { managed_apple_id } if self.managed_apple_id() != Some(managed_apple_id) => {
                vec![PersonEvent::ManagedAppleIdLearned { managed_apple_id: managed_apple_id.clone() }]
            }
            Command::KeepTermsAcceptance { ownership, version, enrollment }
                if self.accepted_terms.get(ownership) != Some(version) =>
            {
                vec![PersonEvent::TermsAcceptanceKept {
                    ownership: *ownership,
                    version: version.clone(),
                    enrollment: *enrollment,
                }]
            }
            Command::NoteKeys { keys } => self.note(keys),
            Command::GoOnAfter { record } => vec![PersonEvent::PersonRecordsResolved { up_to: *record }],
            Command::Know { .. } | Command::LearnManagedAppleId { .. } | Command::KeepTermsAcceptance { .. } => vec![],
        })
    }

    fn evolve(mut self, event: &PersonEvent) -> Person {
        match event {
            PersonEvent::PersonKnown { attributes, .. } => {
                self.known = true;
                self.attributes = attributes.clone();
            }
            PersonEvent::PersonAttributesChanged { attributes } => self.attributes = attributes.clone(),
            PersonEvent::ManagedAppleIdLearned { managed_apple_id } => {
                self.learned_managed_apple_id = Some(managed_apple_id.clone());
            }
            PersonEvent::TermsAcceptanceKept { ownership, version, .. } => {
                self.accepted_terms.insert(*ownership, version.clone());
            }
            PersonEvent::PersonKeysNoted { keys } => self.keys.extend(keys.iter().cloned()),
            PersonEvent::PersonRecordsResolved { .. } => {}
            PersonEvent::PersonErased {} => self = Person { erased: true, ..Person::default() },
        }
        self
    }
}

impl Person {
    fn note(&self, keys: &[OwnerKey]) -> Vec<PersonEvent> {
        let new: BTreeSet<_> = keys.iter().filter(|key| !self.keys.contains(key)).cloned().collect();
        let room = MOST_KEYS.saturating_sub(self.keys.len());
        let new: Vec<_> = new.into_iter().take(room).collect();
        if new.is_empty() { vec![] } else { vec![PersonEvent::PersonKeysNoted { keys: new }] }
    }

    /// Returns the value that the Managed Apple ID step is filled in with.
    pub fn managed_apple_id(&self) -> Option<&Personal<String>> {
        self.learned_managed_apple_id.as_ref().or(self.attributes.managed_apple_id.as_ref())
    }
}

/// The person that an account belongs to.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Account {
    pub person: Option<PersonId>,
}

/// Reserves the account for a person, if it is free or held by `in_place_of`, a person who was erased. The state
/// contains the holder.
#[derive(Debug, Clone)]
pub struct ReserveAccount {
    pub person: PersonId,
    pub in_place_of: Option<PersonId>,
}

impl Aggregate for Account {
    const FOLD: u32 = 1;

    type Whole = Self;
    type Event = AccountEvent;
    type Command = ReserveAccount;
    type Refusal = std::convert::Infallible;

    fn decide(&self, command: &ReserveAccount) -> Result<Vec<AccountEvent>, Self::Refusal> {
        let reserved = self.person.is_some() && self.person != command.in_place_of;
        Ok(if reserved { vec![] } else { vec![AccountEvent::AccountReserved { person: command.person }] })
    }

    fn evolve(self, event: &AccountEvent) -> Account {
        match event {
            AccountEvent::AccountReserved { person } => Account { person: Some(*person) },
            AccountEvent::AccountSignInRefused { .. } | AccountEvent::AccountRefusalsSuppressed(_) => self,
        }
    }
}
