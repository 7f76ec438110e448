//! Keeps the current settings in memory and updates them from the log: each query reads only the changes since the last
//! one.
//!
//! A query after a change was acknowledged returns that change, also if another process wrote it. Each query therefore
//! reads the log, which usually is one lookup that finds nothing.

use decisions::Aggregate;
use decisions::settings::Current;
use events::log::{Entry, Log};
use events::settings::{Settings, stream};
use events::store::ReadError;
use events::{Event, Position, Revision};
use platform::Loaded;
use std::sync::{Arc, Mutex, PoisonError};

/// The latest state that was read.
#[derive(Default)]
pub(crate) struct SettingsInMemory {
    known: Mutex<Arc<Known>>,
}

#[derive(Clone, Default)]
struct Known {
    current: Arc<Current>,
    /// Revision and position of the last change.
    at: Option<(Revision, Position)>,
}

impl SettingsInMemory {
    /// Returns the current settings and the revision of their stream.
    ///
    /// # Errors
    /// Returns an error if the stream of settings cannot be read.
    pub(crate) async fn current(&self, log: &Log) -> Result<Loaded<Current>, ReadError> {
        let known = self.advanced(log).await?;
        Ok((Arc::clone(&known.current), known.at.map(|(revision, _)| revision)))
    }

    /// Returns the settings at a position of the log.
    ///
    /// # Errors
    /// Returns an error if the stream of settings cannot be read.
    pub(crate) async fn at(&self, log: &Log, position: Position) -> Result<Settings, ReadError> {
        let known = self.advanced(log).await?;
        if known.at.is_none_or(|(_, changed)| changed <= position) {
            return Ok(known.current.settings.clone());
        }
        // The settings changed after `position`: apply all changes up to it.
        let entries = log.read(&stream()).await?;
        let before = entries.into_iter().take_while(|entry| entry.position <= position);
        Ok(before.fold(Known::default(), Known::then).current.settings.clone())
    }

    async fn advanced(&self, log: &Log) -> Result<Arc<Known>, ReadError> {
        let known = Arc::clone(&self.lock());
        let newest = log.store().stream_head(&stream()).await?.map(|head| head.revision);
        if newest == known.at.map(|(revision, _)| revision) {
            return Ok(known);
        }
        let next = known.at.map_or(Revision(0), |(Revision(last), _)| Revision(last + 1));
        let changes = log.read_from(&stream(), next).await?;
        if changes.is_empty() {
            return Ok(known);
        }
        let advanced = Arc::new(changes.into_iter().fold((*known).clone(), Known::then));
        let mut kept = self.lock();
        // Another task may have read further.
        if kept.at < advanced.at {
            *kept = Arc::clone(&advanced);
        }
        Ok(advanced)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Arc<Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn then(self, entry: Entry) -> Known {
        let at = Some((entry.revision, entry.position));
        // Always a settings event: `Event::from_parts` rejects other events in this stream.
        let Event::Settings(event) = entry.event else { return Known { at, ..self } };
        Known { current: Arc::new(Arc::unwrap_or_clone(self.current).evolve(&event)), at }
    }
}
