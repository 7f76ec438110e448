//! The platform of the services: log, keys, clock, projections and health of one installation, and the one way in which anything
//! comes to be: [`Platform::perform`].

pub mod access;
pub mod aside;
pub mod backoff;
pub mod budgets;
pub mod context;
pub mod disk;
mod following;
pub mod health;
pub mod held;
pub mod named_secret;
pub mod passing;
pub mod secrets;
pub mod strangers;
pub mod turns;
pub mod user_names;

pub use following::damaged;

use context::Context;
use decisions::Aggregate;
use decisions::device::Device;
use decisions::visit::Visit;
use disk::Disk;
use events::device::DeviceId;
use events::enrollment::EnrollmentId;
use events::log::{Draft, Entry, Log};
use events::personal::keys::{KeyError, KeyStore};
use events::store::{AppendError, Appended, Damaged, Expected, ReadError, StoreLifecycle};
use events::{Event, Revision, StreamName};
use health::Health;
use projections::Projections;
use secrets::Secrets;
use std::sync::Arc;
use telemetry::Metrics;
use turns::Turns;
use world::World;

/// What every service rests on; clones share it.
#[derive(Clone)]
pub struct Platform {
    inner: Arc<Parts>,
}

/// What a [`Platform`] is made of.
pub struct Parts {
    /// The engine of the log, to be watched, scrubbed and closed; everything else goes through `log`.
    pub engine: Arc<dyn StoreLifecycle>,
    /// The key store itself, to be watched.
    pub keys: Arc<dyn KeyStore>,
    pub log: Log,
    pub world: World,
    pub secrets: Secrets,
    /// `server.public_url` without a slash at its end: every address in a profile begins with it.
    pub public_url: String,
    pub projections: Projections,
    pub health: Health,
    /// Room on the disk of the log.
    pub disk: Disk,
    /// Who may append to a stream now.
    pub turns: Turns,
    pub metrics: Metrics,
}

impl std::ops::Deref for Platform {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.inner
    }
}

/// The state of a stream, and the revision it stands at.
pub type Loaded<A> = (A, Option<Revision>);

/// What became of a command.
#[derive(Debug, Clone)]
pub struct Performed<A: Aggregate> {
    /// The state after it.
    pub state: A,
    /// Where the stream stands now.
    pub revision: Option<Revision>,
    /// What happened; empty where it had happened already.
    pub events: Vec<A::Event>,
    /// Where the events stand; `None` where there are none.
    pub appended: Option<Appended>,
}

impl<A: Aggregate> Performed<A> {
    fn nothing((state, revision): Loaded<A>) -> Performed<A> {
        Performed { state, revision, events: vec![], appended: None }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum PerformError<R: std::error::Error> {
    /// The decision is no.
    #[error("{0}")]
    Refused(R),
    /// Nothing is decided: the log cannot be read or written, or it is not known whether it was written.
    #[error(transparent)]
    Append(#[from] AppendError),
    #[error(transparent)]
    Read(#[from] ReadError),
}

impl<R: std::error::Error> PerformError<R> {
    /// Whether the stream, or what it is sealed with, is damaged.
    pub fn is_damage(&self) -> bool {
        match self {
            PerformError::Refused(_) => false,
            PerformError::Append(error) => error.is_damage(),
            PerformError::Read(error) => error.is_damage(),
        }
    }
}

/// How often a command is decided anew when others keep changing its stream: not those who wait for their turn here, but whoever
/// appends without one.
const ATTEMPTS: usize = 16;

impl Platform {
    pub fn new(parts: Parts) -> Platform {
        Platform { inner: Arc::new(parts) }
    }

    /// Reads a stream.
    ///
    /// # Errors
    /// If the stream cannot be read.
    pub async fn load<A: Aggregate>(&self, stream: &StreamName) -> Result<Loaded<A>, ReadError> {
        load(&self.log, stream).await
    }

    /// Loads a stream, decides, appends with the expected revision; decides anew when another was quicker.
    ///
    /// # Errors
    /// The refusal, or why the log cannot be used.
    pub async fn perform<A: Aggregate>(
        &self,
        stream: &StreamName,
        command: &A::Command,
        context: &Context,
    ) -> Result<Performed<A>, PerformError<A::Refusal>> {
        let _turn = self.turns.at(stream).await;
        match self.load_for(stream, context).await? {
            (loaded, true) => Ok(Performed::nothing(loaded)),
            (loaded, false) => self.decide_and_append(stream, loaded, command, context, |_, _| Ok(())).await,
        }
    }

    /// As [`Platform::perform`], for whoever has just read the stream: it is read once more only where another was quicker. Not for
    /// effects that are tried again: only whoever reads the stream here sees that it holds them.
    ///
    /// # Errors
    /// The refusal, or why the log cannot be used.
    pub async fn perform_from<A: Aggregate>(
        &self,
        stream: &StreamName,
        loaded: Loaded<A>,
        command: &A::Command,
        context: &Context,
    ) -> Result<Performed<A>, PerformError<A::Refusal>> {
        self.perform_if(stream, loaded, command, context, |_, _| Ok(())).await
    }

    /// As [`Platform::perform_from`], if `admits` lets these events, decided on this state, be written. It is asked once, in the turn at
    /// the stream: what it charges is charged for what is written.
    ///
    /// # Errors
    /// As there, and what `admits` says.
    pub async fn perform_if<A: Aggregate, E: From<PerformError<A::Refusal>>>(
        &self,
        stream: &StreamName,
        loaded: Loaded<A>,
        command: &A::Command,
        context: &Context,
        admits: impl Fn(&A, &[A::Event]) -> Result<(), E>,
    ) -> Result<Performed<A>, E> {
        let turn = self.turns.at(stream).await;
        let loaded = if turn.waited() { self.load(stream).await.map_err(PerformError::from)? } else { loaded };
        self.decide_and_append(stream, loaded, command, context, admits).await
    }

    async fn decide_and_append<A: Aggregate, E: From<PerformError<A::Refusal>>>(
        &self,
        stream: &StreamName,
        loaded: Loaded<A>,
        command: &A::Command,
        context: &Context,
        admits: impl Fn(&A, &[A::Event]) -> Result<(), E>,
    ) -> Result<Performed<A>, E> {
        let ((mut state, mut revision), mut attempt) = (loaded, 1);
        loop {
            let events = state.decide(command).map_err(PerformError::Refused)?;
            if events.is_empty() {
                return Ok(Performed::nothing((state, revision)));
            }
            if attempt == 1 {
                admits(&state, &events)?;
            }
            let drafts = self.drafts(&events, context);
            match self.append(stream, revision, drafts).await {
                Ok(appended) => {
                    let state = events.iter().fold(state, A::evolve);
                    return Ok(Performed {
                        state,
                        revision: Some(appended.revision),
                        events,
                        appended: Some(appended),
                    });
                }
                Err(AppendError::Conflict { .. }) if attempt < ATTEMPTS => {
                    attempt += 1;
                    let (loaded, is_done) = self.load_for(stream, context).await.map_err(PerformError::from)?;
                    if is_done {
                        return Ok(Performed::nothing(loaded));
                    }
                    (state, revision) = loaded;
                }
                Err(error) => return Err(PerformError::from(error).into()),
            }
        }
    }

    // With whether the stream holds already what the effect would write. The store knows a repeated id only at the revision it
    // was written at: whoever comes later would write it again.
    async fn load_for<A: Aggregate>(
        &self,
        stream: &StreamName,
        context: &Context,
    ) -> Result<(Loaded<A>, bool), ReadError> {
        let entries = self.log.read(stream).await?;
        let is_done = context.first_effect().is_some_and(|id| entries.iter().any(|entry| entry.id == id));
        Ok((fold(stream, entries)?, is_done))
    }

    fn drafts<E: Into<Event> + Clone>(&self, events: &[E], context: &Context) -> Vec<Draft> {
        let at = self.world.now();
        let draft = |(nth, event): (usize, &E)| Draft {
            id: context.event_id(&self.world, nth),
            at,
            actor: context.actor.clone(),
            source: context.source.clone(),
            correlation: context.correlation,
            causation: context.causation,
            event: event.clone().into(),
        };
        events.iter().enumerate().map(draft).collect()
    }

    // An unknown outcome is settled by repeating with the same ids: the store writes them once in either case.
    async fn append(
        &self,
        stream: &StreamName,
        revision: Option<Revision>,
        drafts: Vec<Draft>,
    ) -> Result<Appended, AppendError> {
        let expected = revision.map_or(Expected::NoStream, Expected::Exact);
        match self.log.append(stream, expected, drafts.clone()).await {
            // A store that has stopped says that it wrote nothing now; of the first try nobody knows still.
            Err(AppendError::Unknown(why)) => match self.log.append(stream, expected, drafts).await {
                Err(AppendError::Unavailable(_)) => Err(AppendError::Unknown(why)),
                outcome => outcome,
            },
            outcome => outcome,
        }
    }

    /// A visit as its stream tells it.
    ///
    /// # Errors
    /// If the stream cannot be read.
    pub async fn visit(&self, enrollment: EnrollmentId) -> Result<Visit, ReadError> {
        Ok(self.load(&enrollment.stream()).await?.0)
    }

    /// A device as its stream tells it.
    ///
    /// # Errors
    /// If the stream cannot be read.
    pub async fn device(&self, device: DeviceId) -> Result<Device, ReadError> {
        Ok(self.load(&device.stream()).await?.0)
    }

    /// A record that stands in somebody else's way: `None` if it is corrupt. Then it is unknown, which is not the same as absent.
    ///
    /// # Errors
    /// If the log cannot be used.
    pub async fn other_device(&self, device: DeviceId) -> Result<Option<Device>, ReadError> {
        match self.device(device).await {
            Ok(state) => Ok(Some(state)),
            Err(error @ ReadError::Corrupt { .. }) => {
                tracing::warn!(device.id = %device, %error, "the record of a device cannot be read: others go on as if it were unknown");
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

/// The state of `stream` as `log` tells it.
///
/// # Errors
/// If the stream cannot be read, or its key is damaged.
pub async fn load<A: Aggregate>(log: &Log, stream: &StreamName) -> Result<Loaded<A>, ReadError> {
    fold(stream, log.read(stream).await?)
}

/// The state that `entries`, all of `stream`, add up to.
///
/// # Errors
/// If a key that the stream is sealed under is damaged.
pub fn fold<A: Aggregate>(stream: &StreamName, entries: Vec<Entry>) -> Result<Loaded<A>, ReadError> {
    let revision = entries.last().map(|entry| entry.revision);
    let mut state = A::default();
    for entry in entries {
        // A stream of one category holds events of one aggregate: `Event::from_parts` sees to it.
        if let Ok(event) = A::Event::try_from(entry.event) {
            state = state.evolve(&event);
        }
    }
    match state.damaged_key() {
        None => Ok((state, revision)),
        Some(key) => Err(ReadError::Corrupt {
            stream: stream.to_string(),
            revision: revision.map_or(0, |Revision(last)| last),
            position: 0,
            damaged: Damaged::Key(key.clone()),
            why: KeyError::Altered(key.clone()).to_string(),
        }),
    }
}
