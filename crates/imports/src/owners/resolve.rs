//! Resolves the owners of records that were imported before.

use super::rules::values_of;
use super::{Outcome, Owner, Sources, Value};
use crate::{AT_ONCE, ImportError, Imports, PAGE, all};
use decisions::record::{Command, Record, Refusal, Who};
use events::Position;
use events::enrollment::SignInMethodName;
use events::person::PersonId;
use events::record::{OwnerKey, RecordId, RecordOwner};
use identity::LOCAL;
use platform::PerformError;
use platform::context::Context;
use sign_in::{Proof, find_or_create_person};
use std::collections::{BTreeMap, BTreeSet};

/// Number of records that are resolved because of one event.
const RECORDS: u32 = 100;

/// Result of resolving the records with the keys of a person.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Resolved {
    /// There may be more records after this one.
    pub more_after: Option<RecordId>,
    /// Number of records that stay unresolved, since a directory did not answer or cannot be asked.
    pub unresolved: usize,
}

/// A record whose owner is sought.
struct Asked {
    record: RecordId,
    keys: BTreeSet<OwnerKey>,
    values: Vec<Value>,
}

impl Imports {
    /// Resolves the owners of records with these keys of a person, a bounded number of them in order of their ids
    /// after `after`. A record of somebody else with the same key belongs to nobody any more. `context` returns the
    /// context of the events of a record.
    ///
    /// # Errors
    /// Returns an error if records or people cannot be read, or the log cannot be written.
    pub async fn resolve_of(
        &self,
        person: PersonId,
        keys: &[OwnerKey],
        after: Option<RecordId>,
        context: impl Fn(RecordId) -> Context,
    ) -> Result<Resolved, ImportError> {
        let hmacs: BTreeSet<String> = keys.iter().map(|key| key.hmac.clone()).collect();
        let projections = &self.platform.projections;
        let page = projections::records::to_resolve(projections, hmacs, person, after, RECORDS).await?;
        let more_after = page.last().copied().filter(|_| page.len() == RECORDS as usize);
        let unresolved = self.resolve(&page, context).await?;
        Ok(Resolved { more_after, unresolved })
    }

    /// Resolves the owners of records with these keys of a person who signs in: as many as [`Imports::resolve_of`],
    /// which an effect does for new keys. Records whose owner an earlier sign-in has found out are left out. Returns
    /// whether there was any.
    ///
    /// # Errors
    /// Same as [`Imports::resolve_of`].
    pub async fn resolve_at_sign_in(
        &self,
        person: PersonId,
        keys: &[OwnerKey],
        context: impl Fn(RecordId) -> Context,
    ) -> Result<bool, ImportError> {
        let hmacs = keys.iter().map(|key| key.hmac.clone()).collect();
        let projections = &self.platform.projections;
        let page = projections::records::to_resolve_again(projections, hmacs, person, RECORDS).await?;
        self.resolve(&page, context).await?;
        Ok(!page.is_empty())
    }

    /// Resolves the records with keys of people who were noted after `since`: the batches of an import may have read
    /// the known people before that, and the effect of those events may have read the records before the import had
    /// them.
    pub(crate) async fn resolve_noted_since(
        &self,
        since: Option<Position>,
        context: &Context,
    ) -> Result<(), ImportError> {
        self.await_projections().await?;
        let mut after = None;
        loop {
            let projections = &self.platform.projections;
            let page = projections::records::noted_since(projections, since, after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = Some(*last);
            self.resolve(&page, |_| context.clone()).await?;
        }
    }

    /// Resolves the owners of these records. Returns how many stay unresolved.
    pub(crate) async fn resolve(
        &self,
        records: &[RecordId],
        context: impl Fn(RecordId) -> Context,
    ) -> Result<usize, ImportError> {
        if records.is_empty() {
            return Ok(0);
        }
        // One after the other, so that an older result never replaces a newer one.
        let _turn = self.resolving.lock().await;
        self.await_projections().await?;
        let asked = self.asked(records).await?;
        let values: Vec<&[Value]> = asked.iter().map(|asked| asked.values.as_slice()).collect();
        let outcomes = self.search(&values, &mut Sources::default()).await?;
        let unresolved = outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Unresolved)).count();
        let owners: Vec<_> =
            asked.iter().zip(&outcomes).filter_map(|(asked, outcome)| Some((asked, owner(outcome)?))).collect();
        let unique = owners.iter().filter_map(|(asked, owner)| Some((asked.record.key(), owner.person()?.key())));
        self.set_owners(unique.collect()).await?;
        let works = owners.iter().map(|(asked, owner)| self.record_owner(asked, *owner, context(asked.record)));
        all(works.collect(), AT_ONCE).await?;
        let others = owners.iter().filter(|(_, owner)| owner.person().is_none());
        self.set_owners(others.map(|(asked, _)| (asked.record.key(), asked.record.key())).collect()).await?;
        Ok(unresolved)
    }

    async fn record_owner(&self, asked: &Asked, owner: RecordOwner, context: Context) -> Result<(), ImportError> {
        let command = Command::ResolveOwner { keys: asked.keys.clone(), owner };
        match self.platform.perform::<Record>(&asked.record.stream(), &command, &context).await {
            // Undone or erased meanwhile.
            Ok(_) | Err(PerformError::Refused(Refusal::Unknown | Refusal::Erased)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    // Records that were undone or erased, or that have no keys, are left out.
    async fn asked(&self, records: &[RecordId]) -> Result<Vec<Asked>, ImportError> {
        let works = records.iter().map(|record| async move {
            let (state, _) = self.platform.load::<Record>(&record.stream()).await?;
            let details = state.details.as_ref().and_then(|details| details.personal.get());
            let Some(details) = details.filter(|_| !state.owner_keys.is_empty()) else { return Ok(None) };
            let keys = state.owner_keys.clone();
            let values = values_of(&self.platform.secrets, details, &keys);
            Ok::<_, ImportError>(Some(Asked { record: *record, keys, values }))
        });
        Ok(all(works.collect(), AT_ONCE).await?.into_iter().flatten().collect())
    }

    /// Notes the keys of known people that their directory states and that they have not signed in with.
    pub(crate) async fn note_keys(&self, outcomes: &[Outcome], context: &Context) -> Result<(), ImportError> {
        let mut accounts = BTreeMap::new();
        for outcome in outcomes {
            if let Outcome::Unique(Owner { who: Who::Person(person), account: Some(account) }) = outcome
                && account.provider != LOCAL
            {
                accounts.entry(*person).or_insert(account);
            }
        }
        let works = accounts.into_values().map(|account| async move {
            let proof = Proof { method: SignInMethodName::Directory, account: (**account).clone(), local: None };
            Ok::<_, ImportError>(find_or_create_person(&self.platform, &proof, |_| context.clone()).await?)
        });
        all(works.collect(), AT_ONCE).await.map(drop)
    }
}

/// Returns what is recorded about the owner. `None`: nothing, since it cannot be said now.
pub(crate) fn owner(outcome: &Outcome) -> Option<RecordOwner> {
    match outcome {
        Outcome::Unique(Owner { who: Who::Person(person), .. }) => Some(RecordOwner::Unique { person: *person }),
        // No person is made of an account that nobody has signed in with: most owners of old records never do.
        Outcome::Unique(Owner { who: Who::Account(_), .. }) => Some(RecordOwner::Account {}),
        Outcome::Unknown => Some(RecordOwner::Unknown {}),
        Outcome::Several => Some(RecordOwner::Several {}),
        Outcome::Left => Some(RecordOwner::Left {}),
        Outcome::Unresolved => None,
    }
}
