//! Whether the key store is that of the log, at the start; and what an operator accepts who has no newer one.
//!
//! The log keeps the highest sequence of the key store that its events were sealed with. A key store with a lower one is older: it
//! lacks keys, and has keys again that were destroyed. Decision record 21.

use crate::app::assemble::StartError;
use crate::world::World;
use events::enrollment::EnrollmentId;
use events::envelope::{Actor, ActorKind, Recorded};
use events::log::{Draft, Log};
use events::person::PersonId;
use events::personal::keys::{KeyError, KeyStore as _, SqliteKeyStore};
use events::personal::sealed_keys;
use events::store::{AppendError, Expected, ReadError};
use events::system::{LogEvent, log_stream};
use events::{KeyName, Position};
use projections::disposable;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use uuid::Uuid;

/// Names in one event: a list of this length is far below what an append may hold.
const NAMES: usize = 2_000;
const PAGE: usize = 1_000;

/// Refuses keys that are older than the log. With `accept`, notes the missing ones as lost instead, in the log and in the key
/// store, and destroys the keys of erased people that the older store has again.
///
/// # Errors
/// `OlderKeys`, or that log or keys cannot be used.
pub(super) async fn check(
    log: &Log,
    keys: &Arc<SqliteKeyStore>,
    world: &World,
    accept: bool,
) -> Result<(), StartError> {
    let (found, needed) = (keys.sequence(), log.store().key_sequence().await?);
    // A log that never kept a sequence is compared name by name, once.
    if needed.is_some_and(|needed| found >= needed) {
        return Ok(());
    }
    let named = scan(log).await?;
    let missing = missing(keys, named.keys.clone()).await?;
    if missing.is_empty() && needed.is_none() {
        return Ok(());
    }
    if !accept {
        let needed = needed.unwrap_or(found + missing.len() as u64);
        return Err(StartError::OlderKeys { path: keys.path().to_owned(), found, needed, missing: missing.len() });
    }
    tracing::warn!(
        lost = missing.len(),
        found,
        ?needed,
        "lost keys are accepted: what they sealed can never be read again"
    );
    let untold: Vec<KeyName> = missing.iter().filter(|name| !named.lost.contains(name)).cloned().collect();
    tell(log, world, &untold).await?;
    give_up(keys, missing, needed.unwrap_or(0), named.of_erased_people()).await?;
    // What the projections hold in plain is lost in the log: folded anew, they say what it says.
    Ok(disposable::remove(&keys.path().with_file_name(projections::FILE))?)
}

/// Destroys what is there of the keys of erased people: also where another copy of the key store brought them back.
///
/// # Errors
/// If the key store cannot be used.
pub async fn destroy_again(keys: &Arc<SqliteKeyStore>, names: Vec<KeyName>) -> Result<(), KeyError> {
    let keys = Arc::clone(keys);
    let destroy = move || {
        for name in &names {
            if keys.key(name)?.is_there() {
                tracing::warn!(key = name.0, "the key of an erased person was there again; it is destroyed");
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

/// What the log says about keys, read as it is stored: the fields themselves cannot be opened.
#[derive(Default)]
struct Named {
    keys: BTreeSet<KeyName>,
    /// Accepted as lost before.
    lost: BTreeSet<KeyName>,
    erased: BTreeSet<PersonId>,
    /// Visits, each with the person who signed in: the visit's key was handed over to them.
    visits: Vec<(EnrollmentId, PersonId)>,
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
            "UserSignedIn" => {
                let person = serde_json::from_value(recorded.event.data["person"].clone());
                self.visits.extend(person.map(|person| (EnrollmentId(id), person)));
            }
            _ => {}
        }
    }

    fn of_erased_people(&self) -> Vec<KeyName> {
        let people = self.erased.iter().map(|person| person.key());
        let theirs = self.visits.iter().filter(|(_, person)| self.erased.contains(person));
        people.chain(theirs.map(|(visit, _)| visit.visit_key())).collect()
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

// The log first: after a crash in between the same names are missing still.
async fn tell(log: &Log, world: &World, names: &[KeyName]) -> Result<(), AppendError> {
    let correlation = world.uuid();
    for names in names.chunks(NAMES) {
        let draft = Draft {
            id: world.event_id(),
            at: world.now(),
            actor: Actor::new(ActorKind::Operator, "command-line"),
            source: None,
            correlation,
            causation: None,
            event: LogEvent::KeysLost { names: names.to_vec() }.into(),
        };
        log.append(&log_stream(), Expected::Any, vec![draft]).await?;
    }
    Ok(())
}

async fn give_up(
    keys: &Arc<SqliteKeyStore>,
    missing: Vec<KeyName>,
    sequence: u64,
    erased: Vec<KeyName>,
) -> Result<(), StartError> {
    let store = Arc::clone(keys);
    let given_up = tokio::task::spawn_blocking(move || store.give_up(&missing, sequence)).await;
    let given_up = given_up.map_err(|error| StartError::Io(std::io::Error::other(error)))?;
    given_up.map_err(|why| unusable(keys.path(), why))?;
    destroy_again(keys, erased).await.map_err(|why| unusable(keys.path(), why))
}

fn unusable(path: &Path, why: KeyError) -> StartError {
    StartError::Keys { directory: path.parent().unwrap_or(path).to_owned(), why }
}
