//! The keys of records. The key of a record whose owner is known belongs to the owner, so that it is destroyed with the
//! owner's.

use crate::{AT_ONCE, ImportError, Imports, PAGE, all};
use decisions::record::Record;
use events::person::{PersonEvent, PersonId};
use events::record::{RecordId, RecordOwner};
use events::{Event, KeyName, Position};
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
            let owner = match state.owner {
                Some(RecordOwner::Unique { person }) => person.key(),
                Some(RecordOwner::Unknown {} | RecordOwner::Several {} | RecordOwner::Left {}) | None => record.key(),
            };
            Ok::<_, ImportError>((record.key(), owner))
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
    /// one of their keys, although the owner is not resolved or there are several. Destroying the person's key then
    /// destroys them. Call it before the key is destroyed, and again after the person was erased: then it destroys the
    /// keys of records that were imported meanwhile.
    ///
    /// # Errors
    /// Returns an error if the person or the records cannot be read, or the keys cannot be written.
    pub async fn hand_over_records(&self, person: PersonId) -> Result<(), ImportError> {
        // The state of an erased person has no keys.
        let past = self.platform.log.read(&person.stream()).await?;
        let noted = past.into_iter().filter_map(|entry| {
            let Event::Person(PersonEvent::PersonKeysNoted { keys }) = entry.event else { return None };
            Some(keys)
        });
        let hmacs: BTreeSet<_> = noted.flatten().map(|key| key.hmac).collect();
        self.await_projections().await?;
        let mut after = None;
        loop {
            let projections = &self.platform.projections;
            let page = projections::records::carrying(projections, hmacs.clone(), after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = Some(*last);
            self.set_owners(page.iter().map(|record| (record.key(), person.key())).collect()).await?;
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
