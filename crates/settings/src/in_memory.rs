//! The current settings in memory, advanced by the log: each question reads only the changes since the last one.
//!
//! Whoever asks after a change was acknowledged gets it, whichever process wrote it: the log is asked for more each time,
//! which costs one look-up that finds nothing.

use decisions::Aggregate;
use decisions::settings::Current;
use events::log::{Entry, Log};
use events::settings::{Settings, stream};
use events::store::ReadError;
use events::{Event, Position, Revision};
use platform::Loaded;
use std::sync::{Arc, Mutex, PoisonError};

/// The last state that was read.
#[derive(Default)]
pub(crate) struct SettingsInMemory {
    known: Mutex<Arc<Known>>,
}

#[derive(Clone, Default)]
struct Known {
    current: Current,
    /// Of the last change.
    at: Option<(Revision, Position)>,
}

impl SettingsInMemory {
    /// The current settings, and the revision of their stream.
    ///
    /// # Errors
    /// If the stream cannot be read.
    pub async fn current(&self, log: &Log) -> Result<Loaded<Current>, ReadError> {
        let known = self.advanced(log).await?;
        Ok((known.current.clone(), known.at.map(|(revision, _)| revision)))
    }

    /// The settings at a position of the log.
    ///
    /// # Errors
    /// If the stream cannot be read.
    pub async fn at(&self, log: &Log, position: Position) -> Result<Settings, ReadError> {
        let known = self.advanced(log).await?;
        if known.at.is_none_or(|(_, changed)| changed <= position) {
            return Ok(known.current.settings.clone());
        }
        // Changed since: from the first change on, up to the position.
        let entries = log.read(&stream()).await?;
        let before = entries.into_iter().take_while(|entry| entry.position <= position);
        Ok(before.fold(Known::default(), Known::then).current.settings)
    }

    async fn advanced(&self, log: &Log) -> Result<Arc<Known>, ReadError> {
        let known = Arc::clone(&self.lock());
        let next = known.at.map_or(Revision(0), |(Revision(last), _)| Revision(last + 1));
        let changes = log.read_from(&stream(), next).await?;
        if changes.is_empty() {
            return Ok(known);
        }
        let advanced = Arc::new(changes.into_iter().fold((*known).clone(), Known::then));
        let mut kept = self.lock();
        // Somebody else may have read further.
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
        // A stream of one category holds events of one aggregate: `Event::from_parts` sees to it.
        let Event::Settings(event) = entry.event else { return Known { at, ..self } };
        Known { current: self.current.evolve(&event), at }
    }
}
