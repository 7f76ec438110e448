//! Checks at startup that the key store is not older than the log. An operator without a newer key store can accept the
//! loss.
//!
//! The log stores the highest sequence number of the key store with which its events were sealed. A key store with a
//! lower number is older: it lacks keys, and it contains keys that were destroyed since. See decision record 21.

use crate::app::start_error::{StartError, unusable_keys};
use events::enrollment::EnrollmentId;
use events::envelope::Recorded;
use events::log::Log;
use events::person::PersonId;
use events::personal::keys::{KeyError, KeyStore, SqliteKeyStore};
use events::personal::sealed_keys;
use events::record::RecordId;
use events::store::{AppendError, Expected, ReadError};
use events::system::{LogEvent, log_stream};
use events::{KeyName, Position};
use platform::context::operator_draft;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use uuid::Uuid;
use world::World;

/// Maximum number of key names in one event. A list of this length is far below the limit of an append.
const NAMES: usize = 2_000;
const PAGE: usize = 1_000;

/// Differences between the keys that the log names and those in the key store.
#[derive(Default)]
struct Older {
    found: u64,
    needed: Option<u64>,
    /// Keys that do not exist in this store and do not belong to an erased person; also damaged keys, if the loss is
    /// accepted.
    missing: Vec<KeyName>,
    /// Keys of `missing` that the log does not record as lost yet.
    untold: Vec<KeyName>,
    /// Keys of erased people, to be destroyed again.
    erased: BTreeSet<KeyName>,
}

impl Older {
    // Damaged keys are given up like missing ones.
    fn with(mut self, damaged: Vec<KeyName>) -> Older {
        self.untold.extend(damaged.iter().cloned());
        self.missing.extend(damaged);
        self
    }

    fn is_lost(&self) -> bool {
        self.needed.is_some() || !self.missing.is_empty()
    }

    fn refusal(&self, keys: &SqliteKeyStore) -> StartError {
        let missing = self.missing.len();
        let needed = self.needed.unwrap_or(self.found + missing as u64);
        StartError::OlderKeys { path: keys.path().to_owned(), found: self.found, needed, missing }
    }
}

/// Rejects a key store that is older than the log. With `accept`, instead records the missing and the damaged keys as
/// lost in the log and in the key store, and destroys the keys of erased people that the older store contains.
///
/// # Errors
/// Returns `OlderKeys` if the key store is older, or an error if the log or the key store cannot be read or written.
pub(super) async fn check(
    log: &Log,
    keys: &Arc<SqliteKeyStore>,
    world: &World,
    accept: bool,
) -> Result<(), StartError> {
    let needed = log.store().key_sequence().await?;
    let damaged = if accept { damaged(keys).await? } else { Vec::new() };
    let older = match examine(log, keys, needed).await? {
        Some(older) => older.with(damaged),
        None if damaged.is_empty() => return Ok(()),
        None => Older::default().with(damaged),
    };
    if older.is_lost() {
        if !accept {
            return Err(older.refusal(keys));
        }
        let (lost, found) = (older.missing.len(), older.found);
        tracing::warn!(
            lost,
            found,
            ?needed,
            "lost keys are accepted: data sealed with them can never be read again; local accounts whose keys are lost need a new password \
             (`muster user set-password NAME`)"
        );
    }
    record_lost_keys(log, world, &older.untold).await?;
    // The projections contain in plain text what is lost or erased in the log. They are deleted and rebuilt, so that
    // they match the log. This happens before the commit after which the next start finds nothing to do.
    projections::remove(&keys.path().with_file_name(""))?;
    give_up(keys, older.missing, older.erased, needed.unwrap_or(0)).await
}

/// Rejects a key store that is older than a log with the sequence number `needed`. Changes nothing.
///
/// # Errors
/// Returns the errors of [`check`].
pub(super) async fn refuse_older(log: &Log, keys: &Arc<SqliteKeyStore>, needed: Option<u64>) -> Result<(), StartError> {
    match examine(log, keys, needed).await?.filter(Older::is_lost) {
        Some(older) => Err(older.refusal(keys)),
        None => Ok(()),
    }
}

async fn examine(log: &Log, keys: &Arc<SqliteKeyStore>, needed: Option<u64>) -> Result<Option<Older>, StartError> {
    let found = keys.sequence();
    // A log without a sequence number is compared by the name of each key.
    if needed.is_some_and(|needed| found >= needed) {
        return Ok(None);
    }
    let named = scan(log).await?;
    let (erased, others) = named.erased_and_others();
    let missing = missing(keys, others).await?;
    let untold = missing.iter().filter(|name| !named.lost.contains(name)).cloned().collect();
    let older = Older { found, needed, missing, untold, erased };
    Ok(Some(older).filter(|older| older.is_lost() || !older.erased.is_empty()))
}

/// Destroys the keys of erased people that exist, for example because an older copy of the key store was restored.
///
/// # Errors
/// Returns an error if the key store cannot be read or written.
pub(crate) async fn destroy_again(keys: &Arc<dyn KeyStore>, names: Vec<KeyName>) -> Result<(), KeyError> {
    let keys = Arc::clone(keys);
    let destroy = move || {
        for name in &names {
            if keys.key(name)?.is_there() {
                tracing::warn!(key = name.0, "the key of an erased person exists again and is destroyed");
                keys.destroy(name)?;
            }
        }
        Ok(())
    };
    match tokio::task::spawn_blocking(destroy).await {
        Ok(done) => done,
        Err(error) => Err(KeyError::Unavailable(error.to_string())),
    }
}

/// Keys that the log names. They are read from the stored form of the events, because sealed fields cannot be opened.
#[derive(Default)]
struct Named {
    keys: BTreeSet<KeyName>,
    /// Keys accepted as lost before.
    lost: BTreeSet<KeyName>,
    erased: BTreeSet<PersonId>,
    /// Previous records whose keys were destroyed after their migration was closed.
    shredded: BTreeSet<RecordId>,
    /// Enrollments, each with the person who signed in. From then on the enrollment's key belongs to that person.
    enrollments: Vec<(EnrollmentId, PersonId)>,
}

impl Named {
    fn take(&mut self, recorded: &Recorded) {
        let mut names = Vec::new();
        sealed_keys(&recorded.event.data, &mut names);
        sealed_keys(&recorded.event.source, &mut names);
        self.keys.extend(names);
        let Ok(id) = Uuid::parse_str(recorded.stream.id()) else {
            if recorded.event.event_type == "KeysLost" {
                self.lost.extend(
                    serde_json::from_value::<Vec<KeyName>>(recorded.event.data["names"].clone()).unwrap_or_default(),
                );
            }
            return;
        };
        match recorded.event.event_type.as_str() {
            "PersonErased" => {
                self.erased.insert(PersonId(id));
            }
            "PreviousRecordShredded" => {
                self.shredded.insert(RecordId(id));
            }
            "UserSignedIn" => {
                let person = serde_json::from_value(recorded.event.data["person"].clone());
                self.enrollments.extend(person.map(|person| (EnrollmentId(id), person)));
            }
            _ => {}
        }
    }

    /// Returns the keys of erased people and shredded records, and all other keys. The first set includes the keys of
    /// the people's enrollments and the successors of lost keys. A key of an erased person never counts as lost: also a
    /// store that never had it reports it as erased.
    fn erased_and_others(&self) -> (BTreeSet<KeyName>, BTreeSet<KeyName>) {
        let people = self.erased.iter().map(|person| person.key());
        let theirs = self.enrollments.iter().filter(|(_, person)| self.erased.contains(person));
        let records = self.shredded.iter().map(|record| record.key());
        let mut erased: BTreeSet<KeyName> =
            people.chain(theirs.map(|(enrollment, _)| enrollment.enrollment_key())).chain(records).collect();
        let (successors, others) = self.keys.iter().cloned().partition(|name| erased.contains(&name.first()));
        let successors: BTreeSet<KeyName> = successors;
        erased.extend(successors);
        (erased, others)
    }
}

async fn scan(log: &Log) -> Result<Named, ReadError> {
    let (mut named, mut after) = (Named::default(), None::<Position>);
    loop {
        let page = log.store().read_all(after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(named) };
        after = Some(last.position);
        page.iter().for_each(|recorded| named.take(recorded));
    }
}

async fn missing(keys: &Arc<SqliteKeyStore>, names: BTreeSet<KeyName>) -> Result<Vec<KeyName>, StartError> {
    let store = Arc::clone(keys);
    let missing = tokio::task::spawn_blocking(move || store.missing(&names)).await;
    let missing = missing.map_err(|error| StartError::Io(std::io::Error::other(error)))?;
    missing.map_err(|why| unusable(keys.path(), why))
}

async fn damaged(keys: &Arc<SqliteKeyStore>) -> Result<Vec<KeyName>, StartError> {
    let store = Arc::clone(keys);
    let damaged = tokio::task::spawn_blocking(move || store.damaged()).await;
    let damaged = damaged.map_err(|error| StartError::Io(std::io::Error::other(error)))?;
    damaged.map_err(|why| unusable(keys.path(), why))
}

// The log is written first: after a crash before the key store is written, the same names are still missing.
async fn record_lost_keys(log: &Log, world: &World, names: &[KeyName]) -> Result<(), AppendError> {
    let correlation = world.uuid();
    for names in names.chunks(NAMES) {
        let lost = LogEvent::KeysLost { names: names.to_vec() };
        let draft = operator_draft(world, correlation, lost.into());
        log.append(&log_stream(), Expected::Any, vec![draft]).await?;
    }
    Ok(())
}

async fn give_up(
    keys: &Arc<SqliteKeyStore>,
    missing: Vec<KeyName>,
    erased: BTreeSet<KeyName>,
    sequence: u64,
) -> Result<(), StartError> {
    let store = Arc::clone(keys);
    let given_up = tokio::task::spawn_blocking(move || store.give_up(&missing, &erased, sequence)).await;
    let given_up = given_up.map_err(|error| StartError::Io(std::io::Error::other(error)))?;
    given_up.map_err(|why| unusable(keys.path(), why))
}

fn unusable(path: &Path, why: KeyError) -> StartError {
    unusable_keys(path.parent().unwrap_or(path), why)
}
