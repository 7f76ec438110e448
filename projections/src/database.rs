//! The files of the projections of one log, and the connections for queries.

use crate::disposable::{self, Damage, SetAside};
use crate::files::{DIRECTORY, create_directory, remove, remove_useless};
use crate::last_seen::LastSeen;
use crate::progress::{Health, Progress};
use crate::readers::Readers;
use crate::unit::Unit;
use crate::{ALL, ProjectionError, common, files};
use events::background::Lane;
use events::side_files::remove_database;
use events::{KeyName, Position};
use rusqlite::Connection;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::watch;

/// The projections of one log. Cheap to clone.
#[derive(Clone)]
pub struct Projections {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    directory: PathBuf,
    pub(crate) units: Vec<Unit>,
    common: Mutex<Connection>,
    common_damage: Damage,
    pub(crate) readers: Readers,
    /// Up to where events were given to every projection that has a file. Held while they are folded, and while a
    /// rebuilt file takes its place.
    pub(crate) delivered: tokio::sync::Mutex<Option<Position>>,
    /// Held by the rebuild that runs.
    pub(crate) building: tokio::sync::Mutex<()>,
    pub(crate) progress: Progress,
    pub(crate) last_seen: LastSeen,
    was_ahead: Option<Position>,
    /// Whether a damaged file is searched for.
    is_searched: AtomicBool,
}

/// Number of events up to which a projection without rows folds the log in place. A longer log is folded into a file
/// beside, which is faster.
pub(crate) const FEW_EVENTS: u64 = 20_000;

impl Projections {
    /// Opens the files in the directory `projections` in `store`, or creates them. A damaged file is set aside. If a
    /// file is ahead of the log, all are replaced: they were folded from another log, or from events that the log lost,
    /// and the next events of this log would be skipped. `head`: the position of the log's last event.
    ///
    /// # Errors
    /// Returns an error if a file cannot be used.
    pub fn open(store: &Path, head: Option<Position>) -> Result<(Projections, Vec<SetAside>), ProjectionError> {
        let directory = store.join(DIRECTORY);
        let mut opened = Opened::new(store, &directory, head)?;
        let was_ahead = opened.furthest()?.filter(|furthest| Some(*furthest) > head);
        if was_ahead.is_some() {
            drop(opened);
            remove(store).map_err(crate::unusable)?;
            opened = Opened::new(store, &directory, head)?;
        }
        let Opened { units, common, aside } = opened;
        let progress = Progress::of(&units);
        let inner = Inner {
            directory,
            units,
            common: Mutex::new(common),
            common_damage: Damage::default(),
            readers: Readers::default(),
            delivered: tokio::sync::Mutex::new(None),
            building: tokio::sync::Mutex::default(),
            progress,
            last_seen: LastSeen::new(),
            was_ahead,
            is_searched: AtomicBool::new(false),
        };
        Ok((Projections { inner: Arc::new(inner) }, aside))
    }

    /// Begins every projection from the first event if a key that was damaged when rows were folded is intact again.
    /// Call this before [`Projections::run`].
    ///
    /// # Errors
    /// Returns an error if a file cannot be used.
    pub async fn fold_anew_if(
        &self,
        is_whole: impl Fn(&KeyName) -> bool + Send + 'static,
    ) -> Result<bool, ProjectionError> {
        // No event is folded meanwhile.
        let mut delivered = self.inner.delivered.lock().await;
        let inner = Arc::clone(&self.inner);
        let begun = move || -> Result<bool, ProjectionError> {
            let common = inner.common();
            if !common::is_any_whole(&common, is_whole)? {
                return Ok(false);
            }
            inner.units.iter().try_for_each(|unit| unit.begin_again(true))?;
            common::forget_damaged_keys(&common)?;
            Ok(true)
        };
        let begun = blocking(Lane::Usual, begun).await?;
        if begun {
            *delivered = None;
            self.inner.progress.begin_again(&self.inner.units);
        }
        Ok(begun)
    }

    /// Returns which file is damaged and what is wrong with it, if damage was found.
    pub fn damage(&self) -> Option<(String, String)> {
        let of_units = self.inner.units.iter().map(|unit| (unit.name(), &unit.damage));
        let mut all = of_units.chain([("common", &self.inner.common_damage)]);
        all.find_map(|(name, damage)| Some((format!("{DIRECTORY}/{name}"), damage.found()?)))
    }

    /// Returns the furthest position that the files had reached when they were opened, if it was ahead of the log. Such
    /// files were replaced.
    pub fn was_ahead(&self) -> Option<Position> {
        self.inner.was_ahead
    }

    /// Returns the path of the current file of a projection; `None` if it has none, or there is no such projection.
    pub fn path_of(&self, projection: &str) -> Option<PathBuf> {
        let unit = self.inner.units.iter().find(|unit| unit.name() == projection)?;
        Some(unit.file()?.path.clone())
    }

    /// Returns the path of the file with what belongs to no projection.
    pub fn common_path(&self) -> PathBuf {
        self.inner.directory.join(files::COMMON)
    }

    /// Removes all damaged files that were set aside. Called when a person was erased, whose name they may contain.
    ///
    /// # Errors
    /// Returns an error if one cannot be removed.
    pub fn forget_set_aside(&self) -> std::io::Result<()> {
        for file in std::fs::read_dir(&self.inner.directory)? {
            let path = file?.path();
            if disposable::is_set_aside(&path) {
                remove_database(&path)?;
            }
        }
        Ok(())
    }

    /// Returns the progress of the projections and whether one stopped.
    pub fn health(&self) -> Health {
        self.inner.progress.health()
    }

    /// Subscribes to changes of the health.
    pub fn watch(&self) -> watch::Receiver<Health> {
        self.inner.progress.watch()
    }

    /// Runs a query on the tables of a projection, of those that it joins, and of the common file.
    pub(crate) async fn read_of<T: Send + 'static>(
        &self,
        projection: &'static str,
        query: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, ProjectionError> {
        // After it stopped, its rows would appear complete although they are not.
        if let Some(stopped) = self.inner.progress.stopped_alone(projection) {
            return Err(stopped);
        }
        let inner = Arc::clone(&self.inner);
        blocking(Lane::Usual, move || {
            let units = inner.joined(projection);
            let files = units.iter().map(|unit| unit.file().ok_or_else(|| inner.progress.building(unit.name())));
            let files = files.collect::<Result<Vec<_>, _>>()?;
            let read = || -> Result<T, ProjectionError> {
                let reader = inner.readers.take(files, &inner.directory.join(files::COMMON))?;
                let result = query(&reader.connection);
                inner.readers.put_back(reader);
                Ok(result?)
            };
            read().inspect_err(|error| {
                if matches!(error, ProjectionError::Damaged(_)) {
                    find_damage(Arc::clone(&inner), projection, error.clone());
                }
            })
        })
        .await
    }

    /// Runs a query on the common file.
    pub(crate) async fn read_common<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, ProjectionError> {
        let inner = Arc::clone(&self.inner);
        blocking(Lane::Usual, move || {
            let read = || -> Result<T, ProjectionError> {
                let reader = inner.readers.take(Vec::new(), &inner.directory.join(files::COMMON))?;
                let result = query(&reader.connection);
                inner.readers.put_back(reader);
                Ok(result?)
            };
            read().inspect_err(|error| inner.note_common(error))
        })
        .await
    }

    /// Runs `work` on the connection that writes the common file.
    pub(crate) async fn write_common<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, ProjectionError> + Send + 'static,
    ) -> Result<T, ProjectionError> {
        let inner = Arc::clone(&self.inner);
        blocking(Lane::Usual, move || work(&mut inner.common()).inspect_err(|error| inner.note_common(error))).await
    }
}

impl Inner {
    fn common(&self) -> std::sync::MutexGuard<'_, Connection> {
        self.common.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note_common(&self, error: &ProjectionError) {
        if let ProjectionError::Damaged(why) = error {
            self.common_damage.note(&self.directory.join(files::COMMON), why);
        }
    }

    /// Returns whether any projection has rows.
    pub(crate) fn has_rows(&self) -> bool {
        self.units.iter().any(|unit| unit.file().is_some())
    }

    /// Stores up to where each projection has folded the log.
    ///
    /// # Errors
    /// Returns an error if a file cannot be written.
    pub(crate) fn store_checkpoints(&self) -> Result<(), ProjectionError> {
        let each = |unit: &Unit| unit.live().as_mut().map_or(Ok(()), |live| Ok(live.store_checkpoint()?));
        self.units.iter().try_for_each(each)
    }

    /// Copies the write-ahead logs into the files and truncates them. Until then they contain pages with text that was
    /// cleared from rows.
    ///
    /// # Errors
    /// Returns an error if a file cannot be written.
    pub(crate) fn empty_write_ahead_logs(&self) -> Result<(), ProjectionError> {
        let each = |unit: &Unit| unit.live().as_mut().map_or(Ok(()), |live| live.store());
        self.units.iter().try_for_each(each)
    }

    // The projection and those that its queries join.
    fn joined(&self, projection: &str) -> Vec<&Unit> {
        let found = self.units.iter().find(|unit| unit.name() == projection);
        let joins = found.map_or(&[][..], |unit| unit.projection.joins());
        let others = joins.iter().filter_map(|name| self.units.iter().find(|unit| unit.name() == *name));
        found.into_iter().chain(others).collect()
    }
}

// The error of a query does not say which of its files is damaged. Reading them takes a while, which no request waits
// for.
fn find_damage(inner: Arc<Inner>, projection: &'static str, error: ProjectionError) {
    if inner.is_searched.swap(true, Ordering::Relaxed) {
        return;
    }
    let search = move || {
        let units = inner.joined(projection);
        let files: Vec<_> = units.iter().filter_map(|unit| Some((*unit, unit.file()?))).collect();
        let damaged: Vec<_> = files.iter().filter(|(_, file)| !disposable::is_sound(&file.path)).collect();
        // Damage that cannot be found again may be in any of them.
        let noted = if damaged.is_empty() { files.iter().collect() } else { damaged };
        noted.into_iter().for_each(|(unit, file)| unit.note(&file.path, &error));
        inner.is_searched.store(false, Ordering::Relaxed);
    };
    drop(Lane::Background.spawn_blocking(search));
}

/// Runs `work` on the threads `lane`.
pub(crate) async fn blocking<T: Send + 'static>(
    lane: Lane,
    work: impl FnOnce() -> Result<T, ProjectionError> + Send + 'static,
) -> Result<T, ProjectionError> {
    lane.spawn_blocking(work).await.map_err(|error| ProjectionError::Database(error.to_string()))?
}

/// All files, just opened.
struct Opened {
    units: Vec<Unit>,
    common: Connection,
    aside: Vec<SetAside>,
}

impl Opened {
    fn new(store: &Path, directory: &Path, head: Option<Position>) -> Result<Opened, ProjectionError> {
        create_directory(directory)?;
        remove_useless(directory)?;
        let (mut common, aside) = common::open(directory)?;
        common::take_over(&mut common, store)?;
        let mut opened = Opened { units: Vec::with_capacity(ALL.len()), common, aside: Vec::from_iter(aside) };
        let creates = head.is_none_or(|head| head.0 <= FEW_EVENTS);
        for projection in ALL {
            let (unit, aside) = Unit::open(*projection, directory, creates)?;
            opened.units.push(unit);
            opened.aside.extend(aside);
        }
        Ok(opened)
    }

    // The greatest position that a projection or a follower has reached.
    fn furthest(&self) -> Result<Option<Position>, ProjectionError> {
        let reached = |unit: &Unit| unit.live().as_ref().and_then(|live| live.checkpoint.position);
        let of_units = self.units.iter().filter_map(reached).max();
        Ok(of_units.max(common::furthest_follower(&self.common)?))
    }
}
