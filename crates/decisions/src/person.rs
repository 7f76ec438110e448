//! A person and the accounts that belong to them: streams `person-<id>` and `account-<hmac>`.

#[cfg(test)]
mod tests;

use crate::Aggregate;
use events::enrollment::{EnrollmentId, Ownership, SignInMethodName};
use events::person::{AccountEvent, PersonAttributes, PersonEvent, PersonId};
use events::personal::Personal;
use events::record::{NameKey, OwnerKey, RecordId};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Maximum number of keys of a person, and of names. People who can change an attribute at their provider could
/// otherwise add a key at each sign-in.
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
    /// Those of present and of earlier values: records that name the person by one of them are erased with the person.
    pub names: BTreeSet<NameKey>,
    pub erased: bool,
}

#[derive(Debug, Clone)]
pub enum Command {
    /// A sign-in method identified the person, and stated the values of these keys and names.
    Know {
        method: SignInMethodName,
        account: String,
        attributes: Box<PersonAttributes>,
        keys: Vec<OwnerKey>,
        names: Vec<NameKey>,
    },
    LearnManagedAppleId {
        managed_apple_id: Personal<String>,
    },
    KeepTermsAcceptance {
        ownership: Ownership,
        version: String,
        enrollment: EnrollmentId,
    },
    /// The provider stated values with these names, and the log did not store it then.
    NoteNames {
        names: Vec<NameKey>,
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
    const FOLD: u32 = 3;

    type Whole = Self;
    type Event = PersonEvent;
    type Command = Command;
    type Refusal = Refusal;

    fn decide(&self, command: &Command) -> Result<Vec<PersonEvent>, Refusal> {
        if self.erased {
            return Err(Refusal::Erased);
        }
        Ok(match command {
            Command::Know { method, account, attributes, keys, names } if !self.known => {
                vec![PersonEvent::PersonKnown {
                    method: *method,
                    account: account.clone(),
                    attributes: (**attributes).clone(),
                    keys: new(&self.keys, keys),
                    names: new(&self.names, names),
                }]
            }
            Command::Know { attributes, keys, names, .. } => {
                let changed = PersonEvent::PersonAttributesChanged { attributes: (**attributes).clone() };
                let changed = (**attributes != self.attributes).then_some(changed);
                changed.into_iter().chain(self.note(keys, names)).collect()
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
            Command::NoteNames { names } => self.note(&[], names).into_iter().collect(),
            Command::GoOnAfter { record } => vec![PersonEvent::PersonRecordsResolved { up_to: *record }],
            Command::LearnManagedAppleId { .. } | Command::KeepTermsAcceptance { .. } => vec![],
        })
    }

    fn evolve(mut self, event: &PersonEvent) -> Person {
        match event {
            PersonEvent::PersonKnown { attributes, keys, names, .. } => {
                self.known = true;
                self.attributes = attributes.clone();
                self.take(keys, names);
            }
            PersonEvent::PersonAttributesChanged { attributes } => self.attributes = attributes.clone(),
            PersonEvent::ManagedAppleIdLearned { managed_apple_id } => {
                self.learned_managed_apple_id = Some(managed_apple_id.clone());
            }
            PersonEvent::TermsAcceptanceKept { ownership, version, .. } => {
                self.accepted_terms.insert(*ownership, version.clone());
            }
            PersonEvent::PersonKeysNoted { keys, names } => self.take(keys, names),
            PersonEvent::PersonRecordsResolved { .. } => {}
            PersonEvent::PersonErased {} => self = Person { erased: true, ..Person::default() },
        }
        self
    }
}

impl Person {
    fn note(&self, keys: &[OwnerKey], names: &[NameKey]) -> Option<PersonEvent> {
        let (keys, names) = (new(&self.keys, keys), new(&self.names, names));
        (!keys.is_empty() || !names.is_empty()).then_some(PersonEvent::PersonKeysNoted { keys, names })
    }

    fn take(&mut self, keys: &[OwnerKey], names: &[NameKey]) {
        self.keys.extend(keys.iter().cloned());
        self.names.extend(names.iter().cloned());
    }

    /// Returns the value that the Managed Apple ID step is filled in with.
    pub fn managed_apple_id(&self) -> Option<&Personal<String>> {
        self.learned_managed_apple_id.as_ref().or(self.attributes.managed_apple_id.as_ref())
    }
}

// Returns those that are not known yet, as far as there is room for them.
fn new<T: Ord + Clone>(known: &BTreeSet<T>, told: &[T]) -> Vec<T> {
    let new: BTreeSet<_> = told.iter().filter(|told| !known.contains(told)).cloned().collect();
    new.into_iter().take(MOST_KEYS.saturating_sub(known.len())).collect()
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
