//! Finds who has the values of records: the known people, the accounts of directories, and local accounts.

use super::Value;
use crate::{AT_ONCE, ImportError, Imports, all};
use decisions::person::{self, Person};
use decisions::record::{Found, Holder, Search, Sought, Who, owner};
use events::StreamName;
use events::enrollment::SignInMethodName;
use events::record::{OwnerAttribute, OwnerKey};
use identity::ldap::Listed;
use identity::{Account, LOCAL};
use sign_in::{account_name, holders, identifier_of, owner_keys};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Number of values that a directory is asked for at once.
const VALUES: usize = 50;
/// Number of searches in a directory at the same time.
const SEARCHES: usize = 4;
/// A directory that failed for this number of batches in a row is not asked again during an import.
const FAILURES: u32 = 2;

/// Who owns a record.
#[derive(Debug, Clone)]
pub(crate) enum Outcome {
    Unique(Owner),
    Unknown,
    Several,
    Left,
    /// It cannot be said now.
    Unresolved,
}

#[derive(Debug, Clone)]
pub(crate) struct Owner {
    pub(crate) who: Who,
    /// The account in a directory, if it has keys that are not known of the person, or belongs to no person.
    pub(crate) account: Option<Box<Account>>,
}

/// What is known about the providers that are asked.
#[derive(Default)]
pub(crate) struct Sources {
    /// Directories that do not answer: how many batches failed in a row.
    failures: HashMap<String, u32>,
    /// The local accounts, read at their first use.
    pub(super) local: Option<LocalAccounts>,
}

/// The local accounts, each with its keys.
pub(super) enum LocalAccounts {
    Known(Vec<(Listed, Vec<OwnerKey>)>),
    TooMany,
}

/// What is known about the keys of a batch.
#[derive(Default)]
pub(super) struct Keys {
    /// By HMAC.
    holders: HashMap<String, BTreeSet<Who>>,
    pub(super) searched: HashMap<String, Search>,
    about: BTreeMap<Who, Holder>,
    /// Accounts of directories that have keys which are not known of their person, or belong to no person.
    accounts: BTreeMap<Who, Box<Account>>,
}

impl Imports {
    /// Returns the owner of each record, by its values. A record without values belongs to nobody.
    pub(crate) async fn search(
        &self,
        records: &[&[Value]],
        sources: &mut Sources,
    ) -> Result<Vec<Outcome>, ImportError> {
        let mut keys = Keys::default();
        self.known_people(records, &mut keys).await?;
        self.directories(records, &mut keys, sources).await?;
        self.local_accounts(records, &mut keys, sources).await?;
        Ok(records.iter().map(|values| keys.outcome(values)).collect())
    }

    async fn known_people(&self, records: &[&[Value]], keys: &mut Keys) -> Result<(), ImportError> {
        let hmacs = records.iter().copied().flatten().map(|value| value.key.hmac.clone()).collect();
        for (person, held) in projections::records::known_people(&self.platform.projections, hmacs).await? {
            keys.add(Who::Person(person), Holder { keys: held, is_disabled: false });
        }
        Ok(())
    }

    async fn directories(
        &self,
        records: &[&[Value]],
        keys: &mut Keys,
        sources: &mut Sources,
    ) -> Result<(), ImportError> {
        let mut wanted: BTreeMap<(&str, OwnerAttribute), BTreeMap<&str, &str>> = BTreeMap::new();
        for Value { key, text } in records.iter().copied().flatten() {
            if self.sign_in.directories.named(&key.provider).is_some() {
                wanted.entry((&key.provider, key.attribute)).or_default().insert(&key.hmac, text);
            }
        }
        let mut failed: BTreeMap<&str, bool> = BTreeMap::new();
        for ((directory, attribute), values) in wanted {
            let is_down = sources.failures.get(directory).is_some_and(|failures| *failures >= FAILURES);
            let has_failed = self.directory(directory, attribute, &values, is_down, keys).await?;
            *failed.entry(directory).or_default() |= has_failed;
        }
        for (directory, has_failed) in failed {
            let failures = sources.failures.entry(directory.to_owned()).or_default();
            *failures = if has_failed { *failures + 1 } else { 0 };
        }
        Ok(())
    }

    // Returns whether a search failed. `values`: by HMAC.
    async fn directory(
        &self,
        directory: &str,
        attribute: OwnerAttribute,
        values: &BTreeMap<&str, &str>,
        is_down: bool,
        keys: &mut Keys,
    ) -> Result<bool, ImportError> {
        let values: Vec<(&str, &str)> = values.iter().map(|(hmac, text)| (*hmac, *text)).collect();
        let searches = values.chunks(VALUES).map(|chunk| async move {
            let texts: Vec<String> = chunk.iter().map(|(_, text)| (*text).to_owned()).collect();
            let listed = match is_down {
                true => None,
                false => holders(&self.sign_in, directory, identifier_of(attribute), &texts).await,
            };
            Ok::<_, ImportError>((chunk, listed))
        });
        let mut has_failed = false;
        for (chunk, listed) in all(searches.collect(), SEARCHES).await? {
            let search = if listed.is_some() { Search::Complete } else { Search::Failed };
            has_failed |= listed.is_none();
            keys.searched.extend(chunk.iter().map(|(hmac, _)| ((*hmac).to_owned(), search)));
            self.take(listed.unwrap_or_default(), keys).await?;
        }
        Ok(has_failed)
    }

    pub(super) async fn take(&self, listed: Vec<Listed>, keys: &mut Keys) -> Result<(), ImportError> {
        let works = listed.into_iter().map(|listed| async move {
            let who = self.who(&listed.account).await?;
            Ok::<_, ImportError>((who, listed))
        });
        for (who, Listed { account, is_disabled }) in all(works.collect(), AT_ONCE).await? {
            let holds = owner_keys(&self.platform.secrets, &account).into_iter().collect();
            let is_known = |known: &Holder| known.keys.is_superset(&holds);
            if !matches!(who, Who::Person(_)) || !keys.about.get(&who).is_some_and(is_known) {
                keys.accounts.insert(who.clone(), Box::new(account));
            }
            keys.add(who, Holder { keys: holds, is_disabled });
        }
        Ok(())
    }

    // Returns the person of an account, as a sign-in would find them.
    async fn who(&self, account: &Account) -> Result<Who, ImportError> {
        let is_local = account.provider == LOCAL;
        let method = if is_local { SignInMethodName::LocalAccount } else { SignInMethodName::Directory };
        let name = account_name(&self.platform.secrets, method, &account.issuer, &account.subject);
        let (reserved, _) = self.platform.load::<person::Account>(&StreamName::of("account", &name)).await?;
        let Some(person) = reserved.person else { return Ok(Who::Account(name)) };
        let (known, _) = self.platform.load::<Person>(&person.stream()).await?;
        Ok(if known.erased { Who::Account(name) } else { Who::Person(person) })
    }
}

impl Keys {
    fn add(&mut self, who: Who, holder: Holder) {
        for key in &holder.keys {
            self.holders.entry(key.hmac.clone()).or_default().insert(who.clone());
        }
        let about = self.about.entry(who).or_default();
        about.keys.extend(holder.keys);
        about.is_disabled |= holder.is_disabled;
    }

    fn outcome(&self, values: &[Value]) -> Outcome {
        let nobody = BTreeSet::new();
        let sought = values.iter().map(|Value { key, .. }| Sought {
            key,
            holders: self.holders.get(&key.hmac).unwrap_or(&nobody),
            search: self.searched.get(&key.hmac).copied().unwrap_or(Search::KnownPeople),
        });
        match owner(&sought.collect::<Vec<_>>(), &self.about) {
            Found::Unique(who) => Outcome::Unique(Owner { who: who.clone(), account: self.accounts.get(who).cloned() }),
            Found::Unknown => Outcome::Unknown,
            Found::Several => Outcome::Several,
            Found::Left => Outcome::Left,
            Found::Unresolved => Outcome::Unresolved,
        }
    }
}
