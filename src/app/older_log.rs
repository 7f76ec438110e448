//! Whether the log is at least what the key store saw of it, at the start; and what an operator accepts who has no newer one.
//!
//! A start with an older log is a fork: its next events take the places of those that are missing, and the newer log cannot be put
//! back any more. Decision record 21.

use crate::app::App;
use crate::app::assemble::{StartError, unusable_keys};
use events::Position;
use events::log::Log;
use events::personal::keys::SqliteKeyStore;
use events::store::Expected;
use events::system::{LogEvent, log_stream};
use platform::context::operator_draft;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use world::World;

/// How often it is written down how far the log is: so much of it can be set back after a crash without being noticed.
const KEEP_EVERY: Duration = Duration::from_secs(30);

/// Keeps how far the log is, as long as the server runs.
pub async fn keep_on(app: App) {
    loop {
        tokio::time::sleep(KEEP_EVERY).await;
        keep(&app).await;
    }
}

/// Keeps how far the log is. Nothing is written where it got no further.
pub async fn keep(app: &App) {
    let keys = Arc::clone(&app.keys);
    let kept = tokio::task::spawn_blocking(move || keys.keep_log_seen()).await;
    // A commit that fails ends the process, as one of a key does.
    if let Ok(Err(error)) = kept {
        tracing::error!(%error, "how far the log is was not kept");
    }
}

/// Refuses a log that ends before what the key store saw of it. With `accept`, notes in the log what is missing instead.
///
/// # Errors
/// `OlderLog`, or that log or keys cannot be used.
pub(super) async fn check(
    log: &Log,
    keys: &Arc<SqliteKeyStore>,
    world: &World,
    accept: bool,
) -> Result<(), StartError> {
    let older = match refuse(log, keys).await {
        Err(older @ StartError::OlderLog { .. }) => older,
        done => return done,
    };
    let StartError::OlderLog { last, seen, .. } = older else { return Err(older) };
    if !accept {
        return Err(older);
    }
    tracing::warn!(last, seen, "an older log is accepted: the events after it are lost");
    let accepted = LogEvent::OlderLogAccepted { last: Position(last), seen: Position(seen) };
    let draft = operator_draft(world, world.uuid(), accepted.into());
    log.append(&log_stream(), Expected::Any, vec![draft]).await?;
    // After the event: a crash in between asks again.
    let head = head(log).await?;
    let store = Arc::clone(keys);
    let done = tokio::task::spawn_blocking(move || store.accept_log(head)).await;
    done.map_err(|error| StartError::Io(std::io::Error::other(error)))?
        .map_err(|why| unusable_keys(directory(keys), why))
}

/// Refuses a log that ends before what the key store saw of it; changes nothing.
///
/// # Errors
/// As [`check`].
pub(super) async fn refuse(log: &Log, keys: &SqliteKeyStore) -> Result<(), StartError> {
    let (last, seen) = (head(log).await?, keys.log_seen());
    if last >= seen {
        return Ok(());
    }
    Err(StartError::OlderLog { directory: directory(keys).to_owned(), last, seen })
}

async fn head(log: &Log) -> Result<u64, StartError> {
    Ok(log.store().head().await?.map_or(0, |head| head.0))
}

fn directory(keys: &SqliteKeyStore) -> &Path {
    keys.path().parent().unwrap_or(keys.path())
}
