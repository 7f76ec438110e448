//! Builds projections beside their current files from the first event, while the server serves, and swaps them in.
//!
//! A file that is built has no journal, since it is thrown away if anything fails, and no index that only queries need:
//! these are made at the end. It gets its final name when it is complete.

use crate::checkpoints::{self, Checkpoint};
use crate::database::{Inner, blocking};
use crate::digest::Snapshot;
use crate::files::{BUILDING, DIRECTORY, builds_of, create_directory, path_of};
use crate::opened::{Part, Readable, open};
use crate::progress::{Building, Health, Standing};
use crate::unit::{Folded, Live, fold_entries};
use crate::{ALL, Projection, ProjectionError, Projections, common, corrupt};
use events::background::Lane;
use events::log::{Delivery, Log, Next, Viewed};
use events::side_files::remove_database;
use events::sqlite::plan_once;
use events::{Entry, KeyName, Position};
use rusqlite::Connection;
use std::collections::BTreeSet;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// Number of events that are folded at a time.
const BATCH: usize = 4_000;

/// Number of opened batches that wait to be folded.
const AHEAD: usize = 1;

/// Memory for the pages of all files that are built, in KiB. A projection uses only what its tables need.
const CACHE: usize = 256 * 1024;

/// Maximum number of threads that fold.
const MOST_FOLDING: usize = 4;

/// What a build led to.
pub(crate) struct Built {
    /// Number of events folded.
    pub(crate) events: u64,
    /// Projections that could not be built. Their current files are kept.
    pub(crate) failed: Vec<(&'static str, ProjectionError)>,
    /// The rows before and after of each projection, if both are at the same position.
    pub(crate) snapshots: Vec<Option<(Snapshot, Snapshot)>>,
}

/// A projection that is built.
struct Site {
    projection: &'static dyn Projection,
    path: PathBuf,
    state: Mutex<State>,
}

enum State {
    /// The bulk is folded, in one transaction.
    Bulk(Box<Bulk>),
    /// The file has its final name; newer events are folded as in a current one.
    Complete(Box<Live>),
    Failed(ProjectionError),
    /// The file took its place.
    Swapped,
}

struct Bulk {
    rows: Connection,
    checkpoint: Checkpoint,
}

/// Events for all sites.
enum Step {
    Events(Vec<Part>, BTreeSet<KeyName>),
    /// The end of the log is reached.
    CaughtUp,
    /// The log cannot be read further, or is closed.
    Ended(ProjectionError),
}

impl Projections {
    /// Builds the projections `names` from the first event of `log`, and replaces their current files. `compares`: also
    /// takes snapshots of the rows before and after.
    ///
    /// # Errors
    /// Returns an error at a corrupt event, or if the log cannot be read; then all current files are kept.
    pub(crate) async fn build(
        &self,
        log: &Log,
        names: &[&'static str],
        compares: bool,
    ) -> Result<Built, ProjectionError> {
        let _alone = self.inner.building.lock().await;
        let of = log.store().head().await.map_err(|error| corrupt(&error))?.map_or(1, |head| head.0.max(1));
        let built = self.build_alone(log, names, compares, of).await;
        self.tell(names, None);
        built
    }

    async fn build_alone(
        &self,
        log: &Log,
        names: &[&'static str],
        compares: bool,
        of: u64,
    ) -> Result<Built, ProjectionError> {
        let units = self.inner.units.iter().filter(|unit| names.contains(&unit.name()));
        let files =
            units.map(|unit| Ok((unit.projection, unit.next_path()?))).collect::<Result<_, ProjectionError>>()?;
        let mut work = Work::begin(log.clone(), files)?;
        work.fold_the_log(|reached| self.tell(names, Some(Building { reached, of }))).await?;
        let snapshots = self.swap_in(&mut work, compares).await?;
        Ok(Built { events: work.events, failed: work.failed(), snapshots })
    }

    fn tell(&self, names: &[&'static str], building: Option<Building>) {
        self.inner.progress.change(|health| {
            for (_, one) in health.each.iter_mut().filter(|(name, _)| names.contains(*name)) {
                (one.building, one.progressed) = (building, Instant::now());
            }
        });
    }

    // Puts complete files in the place of the current ones. Meanwhile no events are given to the current ones, so that
    // none is missed.
    async fn swap_in(
        &self,
        work: &mut Work,
        compares: bool,
    ) -> Result<Vec<Option<(Snapshot, Snapshot)>>, ProjectionError> {
        let mut delivered = self.inner.delivered.lock().await;
        while let Some(at) = complete_at(&work.sites)
            && at < *delivered
        {
            work.fold_page(at).await?;
        }
        if compares && let Some(at) = complete_at(&work.sites) {
            // The new files may have events that the current ones do not have yet.
            *delivered = self.fold_up_to(&work.log, *delivered, at).await?;
        }
        let damaged = std::mem::take(&mut work.damaged);
        if !damaged.is_empty() {
            // Stored before the rows can be read, so that they are folded again when the keys are intact.
            self.write_common(move |common| common::keep_damaged_keys(common, &damaged)).await?;
        }
        let (inner, sites) = (Arc::clone(&self.inner), Arc::clone(&work.sites));
        blocking(Lane::Usual, move || {
            let swapped = sites.iter().map(|site| inner.swap(site, compares));
            swapped.collect()
        })
        .await
    }

    // Folds events into the current files if these have the events before. Returns up to where they are folded.
    async fn fold_up_to(
        &self,
        log: &Log,
        mut delivered: Option<Position>,
        at: Option<Position>,
    ) -> Result<Option<Position>, ProjectionError> {
        while delivered.is_some() && delivered < at {
            let recorded = log.store().read_all(delivered, BATCH).await.map_err(|error| corrupt(&error))?;
            let recorded: Vec<_> = recorded.into_iter().take_while(|event| Some(event.position) <= at).collect();
            let Viewed { entries, error, .. } = log.view(recorded).await;
            if let Some(error) = error {
                return Err(corrupt(&error));
            }
            let Some(last) = entries.last().map(|entry| entry.position) else { break };
            self.fold_entries(entries).await?;
            delivered = Some(last);
        }
        Ok(delivered)
    }
}

/// A build that runs.
struct Work {
    log: Log,
    sites: Arc<Vec<Site>>,
    events: u64,
    /// Keys of fields that read as damaged.
    damaged: BTreeSet<KeyName>,
}

impl Work {
    /// `files`: the projections, each with the path of its complete file.
    fn begin(log: Log, files: Vec<(&'static dyn Projection, PathBuf)>) -> Result<Work, ProjectionError> {
        let cache = CACHE / files.len().max(1);
        let sites = files.into_iter().map(|(projection, path)| Site::new(projection, path, cache));
        let sites = Arc::new(sites.collect::<Result<Vec<_>, _>>()?);
        Ok(Work { log, sites, events: 0, damaged: BTreeSet::new() })
    }

    /// Folds the log up to its end and completes the files. `tell` gets the position that was reached.
    async fn fold_the_log(&mut self, mut tell: impl FnMut(u64)) -> Result<(), ProjectionError> {
        let (sender, mut steps) = mpsc::channel(AHEAD);
        // Ends with this function, also if it is given up.
        let mut source = JoinSet::new();
        source.spawn(read(self.log.clone(), sender));
        loop {
            match steps.recv().await {
                Some(Step::Events(parts, damaged)) => {
                    self.damaged.extend(damaged);
                    let (count, reached) = fold_batch(Arc::clone(&self.sites), parts).await?;
                    self.events += count;
                    tell(reached);
                }
                Some(Step::CaughtUp) => break,
                Some(Step::Ended(error)) => return Err(error),
                None => return Err(ProjectionError::Log("it is closed".into())),
            }
        }
        drop(source);
        each(Arc::clone(&self.sites), Site::finish).await?;
        // What was appended while the indexes were made.
        while let Some(at) = complete_at(&self.sites)
            && self.fold_page(at).await? == BATCH
        {}
        Ok(())
    }

    // Folds the next events into complete files. Returns their number.
    async fn fold_page(&mut self, after: Option<Position>) -> Result<usize, ProjectionError> {
        let recorded = self.log.store().read_all(after, BATCH).await.map_err(|error| corrupt(&error))?;
        let Viewed { entries, damaged, error } = self.log.view(recorded).await;
        if let Some(error) = error {
            return Err(corrupt(&error));
        }
        self.damaged.extend(damaged);
        let (count, entries) = (entries.len(), Arc::new(entries));
        each(Arc::clone(&self.sites), move |site| site.fold(&entries.iter().collect::<Vec<_>>())).await?;
        self.events += count as u64;
        Ok(count)
    }

    fn failed(&self) -> Vec<(&'static str, ProjectionError)> {
        let failed = |site: &Site| match &*site.state() {
            State::Failed(error) => Some((site.projection.name(), error.clone())),
            State::Bulk(_) | State::Complete(_) | State::Swapped => None,
        };
        self.sites.iter().filter_map(failed).collect()
    }
}

/// Builds files for the projections that have none of their version in the directory `store`, while an earlier release
/// serves. The next start finds them complete, except for the events since. `tell` gets the position that was reached
/// and that of the log's last event.
///
/// # Errors
/// Returns an error at a corrupt event, or if the log or a file cannot be used. Then no file is left.
pub async fn build_ahead(
    store: &Path,
    log: &Log,
    mut tell: impl FnMut(u64, u64),
) -> Result<Vec<&'static str>, ProjectionError> {
    let directory = store.join(DIRECTORY);
    create_directory(&directory)?;
    let mut files = Vec::new();
    for projection in ALL {
        if builds_of(*projection, &directory)?.is_empty() {
            files.push((*projection, path_of(*projection, &directory, 1)));
        }
    }
    if files.is_empty() {
        return Ok(Vec::new());
    }
    let of = log.store().head().await.map_err(|error| corrupt(&error))?.map_or(1, |head| head.0.max(1));
    let mut work = Work::begin(log.clone(), files)?;
    work.fold_the_log(|reached| tell(reached, of)).await?;
    if let Some((_, error)) = work.failed().into_iter().next() {
        return Err(error);
    }
    if !work.damaged.is_empty() {
        common::keep_damaged_keys(&mut common::open(&directory)?.0, &work.damaged)?;
    }
    let mut built = Vec::new();
    for site in work.sites.iter() {
        if let State::Complete(mut live) = std::mem::replace(&mut *site.state(), State::Swapped) {
            live.store()?;
            built.push(site.projection.name());
        }
    }
    Ok(built)
}

impl Inner {
    fn swap(&self, site: &Site, compares: bool) -> Result<Option<(Snapshot, Snapshot)>, ProjectionError> {
        let Some(unit) = self.units.iter().find(|unit| unit.name() == site.projection.name()) else { return Ok(None) };
        let mut live = match std::mem::replace(&mut *site.state(), State::Swapped) {
            State::Complete(live) => *live,
            other => {
                *site.state() = other;
                return Ok(None);
            }
        };
        live.store()?;
        let position = live.checkpoint.position;
        let before = match unit.live().as_mut() {
            Some(current) if compares && current.checkpoint.position == position => {
                current.store()?;
                Some(Arc::clone(current.file()))
            }
            _ => None,
        };
        let snapshots = match before {
            Some(before) => Some((
                Snapshot::take(site.projection, before)?,
                Snapshot::take(site.projection, Arc::clone(live.file()))?,
            )),
            None => None,
        };
        let replaced = unit.file();
        unit.put(Some(live));
        replaced.iter().for_each(|file| self.readers.close_replaced(file));
        self.progress.change(|health: &mut Health| {
            health.stopped_alone.remove(unit.name());
            let standing = Standing { position, progressed: Instant::now(), building: None, has_rows: true };
            health.each.insert(unit.name(), standing);
        });
        Ok(snapshots)
    }
}

// Reads and opens the log ahead of what is folded.
async fn read(log: Log, steps: mpsc::Sender<Step>) {
    let mut follower = log.follow(None);
    loop {
        let step = match follower.next().await {
            Ok(Next::Events(first)) => {
                let mut deliveries = vec![first];
                let count = |deliveries: &[Delivery]| deliveries.iter().map(|one| one.recorded().len()).sum::<usize>();
                while count(&deliveries) < BATCH
                    && let Some(more) = follower.ready()
                {
                    deliveries.push(more);
                }
                match open(&log, &deliveries, false).await {
                    Ok(Readable { parts, damaged, error: None }) => Step::Events(parts, damaged),
                    Ok(Readable { error: Some(error), .. }) | Err(error) => Step::Ended(error),
                }
            }
            Ok(Next::CaughtUp) => Step::CaughtUp,
            Ok(Next::Unreadable(error, _)) | Err(error) => Step::Ended(corrupt(&error)),
            Ok(Next::Closed) => Step::Ended(ProjectionError::Log("it is closed".into())),
        };
        let has_ended = matches!(step, Step::Ended(_));
        if steps.send(step).await.is_err() || has_ended {
            return;
        }
    }
}

// Returns the number of events and the position of the last one.
async fn fold_batch(sites: Arc<Vec<Site>>, parts: Vec<Part>) -> Result<(u64, u64), ProjectionError> {
    let entries: usize = parts.iter().map(|part| part.entries().count()).sum();
    let last = parts.iter().flat_map(Part::entries).last().map_or(0, |entry| entry.position.0);
    let parts = Arc::new(parts);
    each(sites, move |site| {
        let entries: Vec<&Entry> = parts.iter().flat_map(Part::entries).collect();
        site.fold(&entries);
    })
    .await?;
    Ok((entries as u64, last))
}

/// Returns the position that every complete file has reached; `None` if there is no complete file.
fn complete_at(sites: &[Site]) -> Option<Option<Position>> {
    sites.iter().filter_map(Site::complete_at).min()
}

// Does `work` for each site, on several threads of low priority.
async fn each(sites: Arc<Vec<Site>>, work: impl Fn(&Site) + Send + Sync + 'static) -> Result<(), ProjectionError> {
    let threads = std::thread::available_parallelism().map_or(1, NonZero::get).clamp(1, MOST_FOLDING);
    let (work, next) = (Arc::new(work), Arc::new(AtomicUsize::new(0)));
    let tasks = (0..threads).map(|_| {
        let (sites, work, next) = (Arc::clone(&sites), Arc::clone(&work), Arc::clone(&next));
        Lane::Background.spawn_blocking(move || {
            while let Some(site) = sites.get(next.fetch_add(1, Ordering::Relaxed)) {
                work(site);
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.map_err(|error| ProjectionError::Database(error.to_string()))?;
    }
    Ok(())
}

impl Site {
    fn new(projection: &'static dyn Projection, path: PathBuf, cache: usize) -> Result<Site, ProjectionError> {
        let building = path.with_extension(BUILDING);
        remove_database(&building).map_err(crate::unusable)?;
        let rows = crate::disposable::connect_to(&building)?;
        rows.set_prepared_statement_cache_capacity(64);
        rows.pragma_update(None, "journal_mode", "OFF")?;
        rows.pragma_update(None, "synchronous", "OFF")?;
        rows.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
        rows.pragma_update(None, "cache_size", -i64::try_from(cache).unwrap_or(2_000))?;
        plan_once(&rows)?;
        rows.execute_batch("BEGIN")?;
        rows.execute_batch(checkpoints::TABLE)?;
        rows.execute_batch(projection.schema())?;
        let bulk = Bulk { rows, checkpoint: Checkpoint::default() };
        Ok(Site { projection, path, state: Mutex::new(State::Bulk(Box::new(bulk))) })
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn complete_at(&self) -> Option<Option<Position>> {
        match &*self.state() {
            State::Complete(live) => Some(live.checkpoint.position),
            State::Bulk(_) | State::Failed(_) | State::Swapped => None,
        }
    }

    fn fold(&self, entries: &[&Entry]) {
        let mut state = self.state();
        let folded = match &mut *state {
            State::Bulk(bulk) => bulk.fold(self.projection, entries),
            State::Complete(live) => live.fold(entries).and_then(|Folded { stopped, .. }| match stopped {
                Some(error) => Err(error),
                None => Ok(()),
            }),
            State::Failed(_) | State::Swapped => return,
        };
        if let Err(error) = folded {
            self.fail(&mut state, error);
        }
    }

    fn fail(&self, state: &mut State, error: ProjectionError) {
        *state = State::Failed(error);
        self.remove();
    }

    fn remove(&self) {
        for path in [self.path.with_extension(BUILDING), self.path.clone()] {
            if let Err(error) = remove_database(&path) {
                tracing::warn!(file = %path.display(), %error, "an unfinished file of a projection cannot be removed; the next start removes it");
            }
        }
    }

    fn finish(&self) {
        let mut state = self.state();
        let bulk = match std::mem::replace(&mut *state, State::Swapped) {
            State::Bulk(bulk) => bulk,
            other => {
                *state = other;
                return;
            }
        };
        match bulk.finish(self) {
            Ok(live) => *state = State::Complete(Box::new(live)),
            Err(error) => self.fail(&mut state, error),
        }
    }
}

impl Drop for Site {
    // A build that was given up leaves no file.
    fn drop(&mut self) {
        let state = std::mem::replace(&mut *self.state(), State::Swapped);
        let is_unfinished = matches!(state, State::Bulk(_) | State::Complete(_));
        drop(state);
        if is_unfinished {
            self.remove();
        }
    }
}

impl Bulk {
    fn fold(&mut self, projection: &dyn Projection, entries: &[&Entry]) -> Result<(), ProjectionError> {
        let folded = fold_entries(&self.rows, projection, entries, &mut self.checkpoint);
        folded.map_err(|(nth, failure)| match failure {
            Ok(why) => {
                let event = entries.get(nth).map_or_else(String::new, |entry| entry.id.to_string());
                ProjectionError::Stopped { projection: projection.name(), event, why }
            }
            Err(error) => error,
        })
    }

    // Makes the indexes for queries, writes everything to the disk and gives the file its final name.
    fn finish(self, site: &Site) -> Result<Live, ProjectionError> {
        self.rows.execute_batch(site.projection.indexes())?;
        checkpoints::keep(&self.rows, site.projection, self.checkpoint)?;
        self.rows.execute_batch("COMMIT")?;
        drop(self.rows);
        let building = site.path.with_extension(BUILDING);
        let synced = std::fs::File::open(&building).and_then(|file| file.sync_all());
        synced.and_then(|()| std::fs::rename(&building, &site.path)).map_err(crate::unusable)?;
        Live::open(site.projection, site.path.clone())
    }
}
