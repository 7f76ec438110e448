//! The keys of records. The key of a record whose owner is known belongs to the owner, so that it is destroyed with the
//! owner's.

use crate::{AT_ONCE, ImportError, Imports, PAGE, all};
use decisions::person::{Command, Person, Refusal};
use decisions::record::{self, Record};
use events::enrollment::SignInMethodName;
use events::person::{PersonAttributes, PersonEvent, PersonId};
use events::record::{NameKey, OwnerKey, RecordId, RecordOwner};
use events::{Actor, ActorKind, Entry, Event, KeyName, Position};
use platform::PerformError;
use platform::context::Context;
use platform::secrets::Secrets;
use sign_in::name_key;
use std::collections::BTreeSet;
use std::sync::Arc;

impl Imports {
    /// Hands the key of a record to its owner, or takes it back if the owner is not known any more.
    ///
    /// # Errors
    /// Returns an error if the record cannot be read, or the keys cannot be written.
    pub async fn hand_key(&self, record: RecordId) -> Result<(), ImportError> {
        self.hand_keys(&[record]).await
    }

    pub(crate) async fn hand_keys(&self, records: &[RecordId]) -> Result<(), ImportError> {
        let works = records.iter().map(|record| async move {
            let (state, _) = self.platform.load::<Record>(&record.stream()).await?;
            let owner = state.owner.and_then(RecordOwner::person).map(|person| person.key());
            Ok::<_, ImportError>((record.key(), owner.unwrap_or_else(|| record.key())))
        });
        self.set_owners(all(works.collect(), AT_ONCE).await?).await
    }

    // A key that is its own owner belongs to nobody else.
    pub(crate) async fn set_owners(&self, owners: Vec<(KeyName, KeyName)>) -> Result<(), ImportError> {
        if owners.is_empty() {
            return Ok(());
        }
        let keys = Arc::clone(self.platform.log.keys());
        let set = tokio::task::spawn_blocking(move || keys.set_owners(&owners)).await;
        Ok(set.map_err(|error| ImportError::File(std::io::Error::other(error)))??)
    }

    /// Hands the keys of all records that name a person to that person: those that they own, and those that have or had
    /// one of their values, although the owner is not resolved, there are several, or no owner rule was given.
    /// Destroying the person's key then destroys them. Call it before the key is destroyed, and again after the
    /// person was erased: then it destroys the keys of records that were imported meanwhile.
    ///
    /// # Errors
    /// Returns an error if the person or the records cannot be read, or the keys cannot be written.
    pub async fn hand_over_records(&self, person: PersonId) -> Result<(), ImportError> {
        // The state of an erased person has neither keys nor names.
        let past = self.platform.log.read(&person.stream()).await?;
        let Noted { keys, mut names, unnoted } = Noted::of(&self.platform.secrets, past);
        self.note_names(person, unnoted.iter().cloned().collect()).await?;
        names.extend(unnoted);
        self.await_projections().await?;
        let mut after = None;
        loop {
            let projections = &self.platform.projections;
            let of = (keys.clone(), names.clone());
            let page = projections::records::naming(projections, of, person, after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = Some(*last);
            self.set_owners(page.iter().map(|record| (record.key(), person.key())).collect()).await?;
        }
    }

    // The projections clear the text of the records with these names when they read that the person was erased.
    async fn note_names(&self, person: PersonId, names: Vec<NameKey>) -> Result<(), ImportError> {
        if names.is_empty() {
            return Ok(());
        }
        let context = Context::of(Actor::new(ActorKind::System, "erasure"), None, self.platform.world.uuid());
        match self.platform.perform::<Person>(&person.stream(), &Command::NoteNames { names }, &context).await {
            Ok(_) | Err(PerformError::Refused(Refusal::Erased)) => Ok(()),
            Err(PerformError::Append(error)) => Err(PerformError::<record::Refusal>::Append(error).into()),
            Err(PerformError::Read(error)) => Err(error.into()),
        }
    }

    /// Waits until the projections have all events of the log.
    pub(crate) async fn await_projections(&self) -> Result<Option<Position>, ImportError> {
        let head = self.platform.log.store().head().await?;
        if let Some(head) = head {
            self.platform.projections.wait_for(head).await?;
        }
        Ok(head)
    }
}

/// The values of a person, by which records name them.
#[derive(Default)]
struct Noted {
    /// HMACs of the owner keys.
    keys: BTreeSet<String>,
    names: BTreeSet<NameKey>,
    /// Names that earlier versions did not store.
    unnoted: BTreeSet<NameKey>,
}

impl Noted {
    fn of(secrets: &Secrets, past: Vec<Entry>) -> Noted {
        let (mut noted, mut is_stated) = (Noted::default(), false);
        for entry in past {
            let Event::Person(event) = entry.event else { continue };
            match event {
                PersonEvent::PersonKnown { method, attributes, keys, names, .. } => {
                    // What identity providers tell may have been chosen by the person.
                    is_stated = matches!(method, SignInMethodName::Directory | SignInMethodName::LocalAccount);
                    noted.take(keys, names);
                    noted.unnoted.extend(stated(secrets, &attributes, is_stated));
                }
                PersonEvent::PersonKeysNoted { keys, names } => noted.take(keys, names),
                PersonEvent::PersonAttributesChanged { attributes } => {
                    noted.unnoted.extend(stated(secrets, &attributes, is_stated));
                }
                PersonEvent::ManagedAppleIdLearned { .. } | PersonEvent::TermsAcceptanceKept { .. } => {}
                PersonEvent::PersonRecordsResolved { .. } | PersonEvent::PersonErased {} => {}
            }
        }
        noted.unnoted.retain(|name| !noted.names.contains(name));
        noted
    }

    fn take(&mut self, keys: Vec<OwnerKey>, names: Vec<NameKey>) {
        self.keys.extend(keys.into_iter().map(|key| key.hmac));
        self.names.extend(names);
    }
}

fn stated(secrets: &Secrets, attributes: &PersonAttributes, is_stated: bool) -> Vec<NameKey> {
    let values = [&attributes.user_name, &attributes.mail].map(|value| value.as_ref()?.get());
    values.into_iter().flatten().filter(|_| is_stated).filter_map(|value| name_key(secrets, value)).collect()
}
