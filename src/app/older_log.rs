//! Checks at startup that the log reaches the position that the key store has recorded. An operator without a newer log
//! can accept the loss.
//!
//! A start with an older log is a fork: its next events take the positions of the missing ones, and the newer log
//! cannot be restored afterwards. See decision record 21.

use crate::app::App;
use crate::app::start_error::{StartError, unusable_keys};
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

/// Interval at which the position of the log's end is recorded. After a crash, an older log that lacks no more than the
/// events since the last recording is not detected.
const KEEP_EVERY: Duration = Duration::from_secs(30);

/// Records the position of the log's end periodically while the server runs.
pub(crate) async fn keep_on(app: App) {
    loop {
        tokio::time::sleep(KEEP_EVERY).await;
        keep(&app).await;
    }
}

/// Records the position of the log's end. Writes nothing if it has not changed.
pub async fn keep(app: &App) {
    let keys = Arc::clone(&app.keys);
    let kept = tokio::task::spawn_blocking(move || keys.keep_log_seen()).await;
    // A failed commit ends the process, like the failed commit of a key.
    if let Ok(Err(error)) = kept {
        tracing::error!(%error, "the position of the log's end could not be recorded in keys.db");
    }
}

/// Rejects a log that ends before the position that the key store has recorded. With `accept`, instead records in the
/// log which positions are missing.
///
/// # Errors
/// Returns `OlderLog` if the log is older, or an error if the log or the key store cannot be read or written.
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
    // Done after the event is written: after a crash in between, the next start asks the operator again.
    let head = head(log).await?;
    let store = Arc::clone(keys);
    let done = tokio::task::spawn_blocking(move || store.accept_log(head)).await;
    done.map_err(|error| StartError::Io(std::io::Error::other(error)))?
        .map_err(|why| unusable_keys(directory(keys), why))
}

/// Rejects a log that ends before the position that the key store has recorded. Changes nothing.
///
/// # Errors
/// Returns the errors of [`check`].
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
