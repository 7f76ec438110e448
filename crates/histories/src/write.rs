//! Writes appends through the real store: keys in batches, sealed on a thread of its own, many appends in flight.
//!
//! Three threads pass batches on: the first plays the scenes, the second makes the keys and seals, the third hands the
//! appends to the store in the order of time. The store's writer puts up to a thousand of them into one commit.

use crate::histories::Histories;
use crate::plan::Plan;
use crate::room::expect_room;
use crate::scene::Append;
use crate::secrets::Secrets;
use anyhow::{Context as _, bail};
use events::envelope::{EventId, NewEvent};
use events::personal::keys::{KeyStore, MasterKey, SqliteKeyStore};
use events::personal::seal;
use events::settings::{Settings, SettingsEvent};
use events::store::sqlite::SqliteStore;
use events::store::{EventStore, Expected, StoreLifecycle};
use events::system::{LogEvent, LogFingerprints, log_stream};
use events::{Actor, ActorKind, Draft, Event, KeyName, Log, Revision, StreamName, Timestamp};
use futures_util::StreamExt as _;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::mpsc;
use uuid::Uuid;
use world::{Disks, World};

/// Number of appends in a batch.
const BATCH: usize = 2_000;

/// Number of batches between two threads.
const AHEAD: usize = 3;

/// Number of appends that the store has at once: as many as wait for its writer at most. With more, one that waits for
/// a place could be overtaken by the next, which is of the same stream perhaps.
const IN_FLIGHT: usize = 1_024;

/// The most events that a log may have before it is written to: those of `muster init`.
const NEW: usize = 100;

/// A log and its keys.
pub struct Installation {
    data: PathBuf,
    store: Arc<SqliteStore>,
    keys: Arc<SqliteKeyStore>,
    secrets: Secrets,
    settings: Settings,
    /// The public URL of the server, which devices keep.
    server: String,
    /// The next revision of each stream.
    revisions: HashMap<StreamName, u64>,
}

/// What was written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Written {
    pub appends: u64,
    pub events: u64,
}

impl Installation {
    /// Opens the installation that `muster init` made in a directory. The server must not run.
    ///
    /// # Errors
    /// Returns an error if there is none, if another process writes its log, or if it has histories already.
    pub async fn open(directory: &Path) -> anyhow::Result<Installation> {
        let master = MasterKey::read_file(&directory.join("master.key"))
            .with_context(|| format!("{} is no installation: run `muster init` first", directory.display()))?;
        let data = directory.join("data");
        let secrets = Secrets::derive(&master);
        let keys = SqliteKeyStore::open(&data.join("keys.db"), master, World::fill)?;
        let server = public_url(&directory.join("muster.toml"))?;
        Installation::with(data.clone(), SqliteStore::open(&data)?, keys, (secrets, server)).await
    }

    /// Makes a new log with keys in a directory: for tests that need no server. The master key is always the same, so
    /// that the same plan leads to the same events.
    ///
    /// # Errors
    /// Returns an error if there is a log already, or it cannot be written.
    pub async fn create(data: &Path) -> anyhow::Result<Installation> {
        let master = MasterKey::from_bytes([7; 32]);
        let (secrets, master_key) = (Secrets::derive(&master), master.fingerprint());
        let store = Arc::new(SqliteStore::create(data)?);
        let keys = Arc::new(SqliteKeyStore::create(&data.join("keys.db"), master, World::fill)?);
        let log = Log::new(Arc::clone(&store) as _, Arc::clone(&keys) as _);
        let fingerprints =
            LogFingerprints { identity_ca: "00".repeat(32), registration_authority: "00".repeat(32), master_key };
        let created = LogEvent::LogCreated { log: Uuid::from_u128(1), fingerprints };
        log.append(&log_stream(), Expected::NoStream, vec![first(1, created.into())]).await?;
        let settings = Settings { organization: "Example School".to_owned(), ..Settings::default() };
        let named = SettingsEvent::between(&Settings::default(), &settings, None);
        log.append(&events::settings::stream(), Expected::NoStream, vec![first(2, named.into())]).await?;
        drop(log);
        let revisions = HashMap::from([(log_stream(), 1), (events::settings::stream(), 1)]);
        let server = "https://mdm.example.org".to_owned();
        Ok(Installation { data: data.to_owned(), store, keys, secrets, settings, server, revisions })
    }

    async fn with(
        data: PathBuf,
        store: SqliteStore,
        keys: SqliteKeyStore,
        (secrets, server): (Secrets, String),
    ) -> anyhow::Result<Installation> {
        let (store, keys) = (Arc::new(store), Arc::new(keys));
        let log = Log::new(Arc::clone(&store) as _, Arc::clone(&keys) as _);
        let entries = log.page(None, NEW + 1).await?;
        if entries.len() > NEW {
            bail!("the log in {} has histories already: use a new installation", data.display());
        }
        let (mut settings, mut revisions) = (Settings::default(), HashMap::new());
        for entry in entries {
            revisions.insert(entry.stream, entry.revision.0 + 1);
            if let Event::Settings(SettingsEvent::SettingsChanged { whole, changes, .. }) = entry.event {
                settings = whole.map_or_else(|| changes.applied_to(settings), |whole| *whole);
            }
        }
        Ok(Installation { data, store, keys, secrets, settings, server, revisions })
    }

    /// The directory of the log.
    pub fn data(&self) -> &Path {
        &self.data
    }

    pub fn store(&self) -> &Arc<SqliteStore> {
        &self.store
    }

    pub fn keys(&self) -> &Arc<SqliteKeyStore> {
        &self.keys
    }

    /// Returns the typed log.
    pub fn log(&self) -> Log {
        Log::new(Arc::clone(&self.store) as _, Arc::clone(&self.keys) as _)
    }

    /// Closes the log: everything is in its file, and the next process can open it.
    pub async fn close(self) {
        self.store.close().await;
    }
}

// The server refuses to start if its devices have another address.
fn public_url(config: &Path) -> anyhow::Result<String> {
    let text = std::fs::read_to_string(config).with_context(|| format!("{} cannot be read", config.display()))?;
    let url = text.lines().find_map(|line| line.strip_prefix("public_url = \"")?.strip_suffix('"'));
    url.map(str::to_owned)
        .with_context(|| format!("{} has no public_url, as `muster init` writes it", config.display()))
}

fn first(nth: u128, event: Event) -> Draft {
    let actor = Actor::new(ActorKind::Operator, "command-line");
    let (id, at) = (EventId(Uuid::from_u128(nth)), Timestamp(crate::plan::START * 1_000_000));
    Draft { id, at, actor, source: None, correlation: Uuid::from_u128(1), causation: None, event }
}

/// Writes the histories of a plan into a directory that `muster init` has just made, if its disk has room for them.
/// Returns what was written, and the directory of the log.
///
/// # Errors
/// Returns an error if the disk has too little space: then nothing is written. Otherwise as [`Installation::open`] and
/// [`write()`].
pub async fn fill(
    directory: &Path,
    plan: Plan,
    disks: &dyn Disks,
    progress: impl FnMut(Written, f64),
) -> anyhow::Result<(Written, PathBuf)> {
    expect_room(disks, directory, &plan)?;
    let mut installation = Installation::open(directory).await?;
    let data = installation.data().to_owned();
    let written = write(&mut installation, plan, progress).await?;
    installation.close().await;
    Ok((written, data))
}

/// Writes the histories of a plan. `progress` gets what was written so far and the share of the three years, from 0 to
/// 1, now and then.
///
/// # Errors
/// Returns an error if the log or the keys cannot be written. The log then has a part of the histories.
pub async fn write(
    installation: &mut Installation,
    plan: Plan,
    mut progress: impl FnMut(Written, f64),
) -> anyhow::Result<Written> {
    let Installation { secrets, settings, server, .. } = &*installation;
    let histories = (plan, secrets.clone(), settings.clone(), server.clone());
    let (to_seal, played) = std::sync::mpsc::sync_channel(AHEAD);
    let (to_store, mut sealed) = mpsc::channel::<(Vec<Sealed>, f64)>(AHEAD);
    let playing = std::thread::spawn(move || {
        let (plan, secrets, settings, server) = histories;
        play(Histories::new(plan, secrets, settings, server), &to_seal);
    });
    let (keys, revisions) = (Arc::clone(&installation.keys), std::mem::take(&mut installation.revisions));
    let sealing = std::thread::spawn(move || seal_batches(keys.as_ref(), revisions, &played, &to_store));
    let (store, keys) = (Arc::clone(&installation.store), Arc::clone(&installation.keys));
    let mut written = Written::default();
    let mut done = 0.0;
    // Appends that wait for the index are woken in any order.
    store.indexed().await;
    // The budget of a task would let appends overtake each other.
    tokio::task::unconstrained(async {
        let batches = futures_util::stream::poll_fn(|context| sealed.poll_recv(context));
        let appends = batches.flat_map(|(batch, share)| {
            let last = batch.len() - 1;
            let appends = batch.into_iter().enumerate();
            futures_util::stream::iter(appends.map(move |(nth, sealed)| (sealed, (nth == last).then_some(share))))
        });
        let mut appends = appends.map(|(sealed, share)| append(&store, sealed, share)).buffered(IN_FLIGHT);
        while let Some(appended) = appends.next().await {
            let (events, position, share) = appended?;
            keys.log_reached(position);
            written.appends += 1;
            written.events += events;
            if let Some(share) = share {
                done = share;
                progress(written, done);
            }
        }
        anyhow::Ok(())
    })
    .await?;
    drop(sealed);
    let joined = tokio::task::spawn_blocking(move || (playing.join(), sealing.join())).await?;
    match joined {
        (Ok(()), Ok(sealed)) => sealed?,
        _ => bail!("a thread that prepares the events panicked"),
    }
    Ok(written)
}

async fn append(
    store: &Arc<SqliteStore>,
    Sealed { stream, expected, events, keys }: Sealed,
    share: Option<f64>,
) -> anyhow::Result<(u64, u64, Option<f64>)> {
    let count = events.len() as u64;
    let appended = store.append_sealed(&stream, expected, events, keys).await?;
    Ok((count, appended.position.0, share))
}

fn play(mut histories: Histories, to: &std::sync::mpsc::SyncSender<(Vec<Append>, f64)>) {
    loop {
        let batch: Vec<Append> = histories.by_ref().take(BATCH).collect();
        // Without a receiver, the next thread has failed, and says why.
        if batch.is_empty() || to.send((batch, histories.progress())).is_err() {
            return;
        }
    }
}

struct Sealed {
    stream: StreamName,
    expected: Expected,
    events: Vec<NewEvent>,
    /// Sequence of the key store.
    keys: u64,
}

fn seal_batches(
    keys: &SqliteKeyStore,
    revisions: HashMap<StreamName, u64>,
    from: &std::sync::mpsc::Receiver<(Vec<Append>, f64)>,
    to: &mpsc::Sender<(Vec<Sealed>, f64)>,
) -> anyhow::Result<()> {
    let mut revisions = Revisions::after(revisions);
    while let Ok((batch, share)) = from.recv() {
        make_keys(keys, &batch)?;
        let sealed: anyhow::Result<Vec<Sealed>> =
            batch.into_iter().map(|append| seal_append(keys, &mut revisions, append)).collect();
        if to.blocking_send((sealed?, share)).is_err() {
            return Ok(());
        }
    }
    Ok(())
}

// In one commit for the whole batch: each commit is synced.
fn make_keys(keys: &SqliteKeyStore, batch: &[Append]) -> anyhow::Result<()> {
    let names = batch.iter().flat_map(|append| &append.keys);
    let mut names: Vec<KeyName> = names.filter(|name| !keys.is_ready(name)).cloned().collect();
    names.sort();
    names.dedup();
    keys.ensure(&names)?;
    let handed: Vec<(KeyName, KeyName)> = batch.iter().flat_map(|append| append.handed.iter().cloned()).collect();
    if !handed.is_empty() {
        keys.set_owners(&handed)?;
    }
    Ok(())
}

fn seal_append(keys: &SqliteKeyStore, revisions: &mut Revisions, append: Append) -> anyhow::Result<Sealed> {
    let Append { stream, drafts, destroys, .. } = append;
    let expected = revisions.take(&stream, drafts.len() as u64);
    let mut events: Vec<NewEvent> = drafts.into_iter().map(NewEvent::from).collect();
    for event in &mut events {
        seal(keys, event.id, "/data", &mut event.data).with_context(|| format!("{stream}: {}", event.event_type))?;
        if !event.source.is_null() {
            seal(keys, event.id, "/source", &mut event.source)?;
        }
    }
    if let Some(name) = destroys {
        keys.destroy(&name)?;
    }
    Ok(Sealed { stream, expected, events, keys: keys.sequence() })
}

/// The next revision of each stream. A stream is known by 64 bits of the hash of its name: two of ten million are the
/// same with a probability of one in 400,000, and then an append fails.
struct Revisions(HashMap<u64, u32>);

impl Revisions {
    fn after(revisions: HashMap<StreamName, u64>) -> Revisions {
        Revisions(revisions.iter().map(|(stream, next)| (hash(stream), *next as u32)).collect())
    }

    fn take(&mut self, stream: &StreamName, count: u64) -> Expected {
        let next = self.0.entry(hash(stream)).or_default();
        let expected = next.checked_sub(1).map_or(Expected::NoStream, |last| Expected::Exact(Revision(last.into())));
        *next += count as u32;
        expected
    }
}

fn hash(stream: &StreamName) -> u64 {
    stream.as_str().as_bytes().chunks(8).fold(0, |state, bytes| {
        let mut eight = [0; 8];
        eight[..bytes.len()].copy_from_slice(bytes);
        crate::dice::mix(state, u64::from_le_bytes(eight))
    })
}
