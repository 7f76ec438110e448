//! Platform of the services: log, keys, clock, projections and health of one installation. [`Platform::perform`] runs
//! commands, which append the events.

pub mod aside;
pub mod backoff;
pub mod budgets;
pub mod context;
pub(crate) mod disk;
mod following;
pub mod health;
pub mod held;
pub mod named_secret;
pub mod secrets;
mod staff_activity;
pub mod states;
pub mod strangers;
pub(crate) mod turns;
pub mod user_names;

pub use following::damaged;

use context::Context;
use decisions::Aggregate;
use decisions::device::Device;
use decisions::enrollment::Enrollment;
use disk::Disk;
use events::device::DeviceId;
use events::enrollment::EnrollmentId;
use events::log::{Draft, Entry, Log};
use events::personal::keys::{KeyError, KeyStore};
use events::store::{AppendError, Appended, Damaged, Expected, ReadError, StoreLifecycle, StreamHead};
use events::{Event, Revision, StreamName};
use health::Health;
use projections::Projections;
use secrets::Secrets;
use states::States;
use states::file::StateFile;
use std::sync::Arc;
use telemetry::Metrics;
use turns::Turns;
use world::World;

/// Shared resources of all services. Clones share them.
#[derive(Clone)]
pub struct Platform {
    inner: Arc<Parts>,
    states: Arc<States>,
}

/// Parts of a [`Platform`].
pub struct Parts {
    /// Storage engine of the log. Used only to monitor, scrub and close it; all other access goes through `log`.
    pub engine: Arc<dyn StoreLifecycle>,
    /// Key store, used to monitor it.
    pub keys: Arc<dyn KeyStore>,
    pub log: Log,
    pub world: World,
    pub secrets: Secrets,
    /// `server.public_url` without a trailing slash. All addresses in profiles begin with it.
    pub public_url: String,
    pub projections: Projections,
    pub health: Health,
    /// Free space on the disk of the log.
    pub disk: Disk,
    /// Serializes appends to a stream.
    pub turns: Turns,
    pub metrics: Metrics,
}

impl std::ops::Deref for Platform {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.inner
    }
}

/// State of an aggregate, which others may share, and the revision of its stream's last event; `None` if the stream is
/// empty.
pub type Loaded<A> = (Arc<A>, Option<Revision>);

/// Events of commands, and the drafts of them.
type Decided<A> = (Vec<<A as Aggregate>::Event>, Vec<Draft>);

/// Commands, each with the context of its events.
type Commands<'a, A> = Vec<(&'a <A as Aggregate>::Command, &'a Context)>;

/// Result of a command.
#[derive(Debug, Clone)]
pub struct Performed<A: Aggregate> {
    /// State after the command.
    pub state: Arc<A>,
    /// Revision of the stream's last event.
    pub revision: Option<Revision>,
    /// Appended events; empty if the command had nothing to do.
    pub events: Vec<A::Event>,
    /// Revision and position of the last appended event; `None` if no event was appended.
    pub appended: Option<Appended>,
}

impl<A: Aggregate> Performed<A> {
    fn nothing((state, revision): Loaded<A>) -> Performed<A> {
        Performed { state, revision, events: vec![], appended: None }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum PerformError<R: std::error::Error> {
    /// The aggregate rejected the command.
    #[error("{0}")]
    Refused(R),
    /// The log cannot be written, or it is unknown whether the events were written.
    #[error(transparent)]
    Append(#[from] AppendError),
    #[error(transparent)]
    Read(#[from] ReadError),
}

impl<R: std::error::Error> PerformError<R> {
    /// Returns whether the cause is a damaged stream or a damaged key of it.
    pub fn is_damage(&self) -> bool {
        match self {
            PerformError::Refused(_) => false,
            PerformError::Append(error) => error.is_damage(),
            PerformError::Read(error) => error.is_damage(),
        }
    }
}

/// Maximum number of attempts at a command whose stream changes meanwhile. Tasks with a turn cannot cause such a
/// conflict; writers without a turn can.
const ATTEMPTS: usize = 16;

impl Platform {
    /// `states`: the file of folded states. `None`: they are kept in memory only.
    pub fn new(parts: Parts, states: Option<StateFile>) -> Platform {
        let states = Arc::new(States::new(parts.log.clone(), states.map(Arc::new)));
        Platform { inner: Arc::new(parts), states }
    }

    /// Loads the state of an aggregate from memory, or from its stream.
    ///
    /// # Errors
    /// Returns an error if the stream cannot be read or its key is damaged.
    pub async fn load<A: Aggregate>(&self, stream: &StreamName) -> Result<Loaded<A>, ReadError> {
        self.states.load(stream).await
    }

    /// Loads the states of two aggregates. Reads the disk once for both.
    ///
    /// # Errors
    /// Same as [`Platform::load`].
    pub async fn load_both<A: Aggregate, B: Aggregate>(
        &self,
        streams: (&StreamName, &StreamName),
    ) -> Result<(Loaded<A>, Loaded<B>), ReadError> {
        self.states.load_both(streams).await
    }

    /// Stores the folded states that changed since the last call. They may be lost: call it every few seconds.
    pub async fn store_states(&self) {
        self.states.store().await;
    }

    /// Stores all folded states in memory that would take long to compute again. Call it at the end.
    pub async fn store_all_states(&self) {
        self.states.store_all().await;
    }

    /// Returns what is wrong with the file of folded states, if damage was found.
    pub fn damage_of_states(&self) -> Option<String> {
        self.states.damage()
    }

    /// Loads a stream, decides the command and appends the events with the expected revision. If the stream changed
    /// meanwhile, it loads and decides again.
    ///
    /// # Errors
    /// Returns an error if the command is rejected, or the stream cannot be read or written.
    pub async fn perform<A: Aggregate>(
        &self,
        stream: &StreamName,
        command: &A::Command,
        context: &Context,
    ) -> Result<Performed<A>, PerformError<A::Refusal>> {
        self.perform_together(stream, &[(command, context)]).await
    }

    /// Like [`Platform::perform`], for several commands. Each is decided on the state after those before it. Their
    /// events are one append: all of them are written, or none. An effect whose events the stream contains already is
    /// left out.
    ///
    /// # Errors
    /// Same as [`Platform::perform`]. If one command is rejected, nothing is written.
    pub async fn perform_together<A: Aggregate>(
        &self,
        stream: &StreamName,
        commands: &[(&A::Command, &Context)],
    ) -> Result<Performed<A>, PerformError<A::Refusal>> {
        let _turn = self.turns.at(stream).await;
        let (loaded, due) = self.load_for::<A>(stream, commands).await?;
        self.decide_and_append(stream, loaded, due, |_, _| Ok(())).await
    }

    /// Like [`Platform::perform`], for callers that have just read the stream. The stream is read again only if it may
    /// have changed meanwhile. Not for effects that are retried: only [`Platform::perform`] checks whether the stream
    /// contains their events already.
    ///
    /// # Errors
    /// Returns an error if the command is rejected, or the stream cannot be read or written.
    pub async fn perform_from<A: Aggregate>(
        &self,
        stream: &StreamName,
        loaded: Loaded<A>,
        command: &A::Command,
        context: &Context,
    ) -> Result<Performed<A>, PerformError<A::Refusal>> {
        self.perform_if(stream, loaded, command, context, |_, _| Ok(())).await
    }

    /// Like [`Platform::perform_from`], but appends the events only if `admits` permits it for the state and the
    /// decided events. `admits` is called once, during the turn at the stream, so a budget that it charges is charged
    /// for events that are written.
    ///
    /// # Errors
    /// Returns the errors of [`Platform::perform_from`] and the error of `admits`.
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
        self.decide_and_append(stream, loaded, vec![(command, context)], admits).await
    }

    async fn decide_and_append<A: Aggregate, E: From<PerformError<A::Refusal>>>(
        &self,
        stream: &StreamName,
        loaded: Loaded<A>,
        mut commands: Commands<'_, A>,
        admits: impl Fn(&A, &[A::Event]) -> Result<(), E>,
    ) -> Result<Performed<A>, E> {
        let ((mut state, mut revision), mut attempt) = (loaded, 1);
        loop {
            let (events, drafts) = self.decide(&state, &commands).map_err(PerformError::Refused)?;
            if events.is_empty() {
                return Ok(Performed::nothing((state, revision)));
            }
            if attempt == 1 {
                admits(&state, &events)?;
            }
            let (last, may_keep) =
                (drafts.last().map(|draft| draft.id), self.states.may_keep(stream, &state, revision));
            match self.append(stream, revision, drafts).await {
                Ok(appended) => {
                    let state = Arc::new(events.iter().fold(Arc::unwrap_or_clone(state), A::evolve));
                    if let (Some(id), Some(may)) = (last, may_keep) {
                        self.states.keep(stream, &state, StreamHead { revision: appended.revision, id }, &may);
                    }
                    return Ok(Performed {
                        state,
                        revision: Some(appended.revision),
                        events,
                        appended: Some(appended),
                    });
                }
                Err(AppendError::Conflict { .. }) if attempt < ATTEMPTS => {
                    attempt += 1;
                    let loaded;
                    (loaded, commands) = self.load_for::<A>(stream, &commands).await.map_err(PerformError::from)?;
                    (state, revision) = loaded;
                }
                Err(error) => return Err(PerformError::from(error).into()),
            }
        }
    }

    // Returns the events of all commands, and the drafts of them.
    fn decide<A: Aggregate>(
        &self,
        state: &Arc<A>,
        commands: &[(&A::Command, &Context)],
    ) -> Result<Decided<A>, A::Refusal> {
        let (mut state, mut all, mut drafts) = (Arc::clone(state), Vec::new(), Vec::new());
        for (nth, (command, context)) in commands.iter().enumerate() {
            let events = state.decide(command)?;
            drafts.extend(self.drafts(&events, context));
            if nth + 1 < commands.len() {
                state = Arc::new(events.iter().fold(Arc::unwrap_or_clone(state), A::evolve));
            }
            all.extend(events);
        }
        Ok((all, drafts))
    }

    // Also returns the commands without the effects whose events the stream contains already. The store recognizes a
    // repeated id only at the revision at which it was written, so a later attempt would append the events a second
    // time.
    async fn load_for<'a, A: Aggregate>(
        &self,
        stream: &StreamName,
        commands: &[(&'a A::Command, &'a Context)],
    ) -> Result<(Loaded<A>, Commands<'a, A>), ReadError> {
        let mut due = Vec::with_capacity(commands.len());
        let last = self.log.store().known_head(stream).map(|head| head.id);
        // Before the state is loaded: the state then has every event that is found.
        for (command, context) in commands {
            let is_done = match context.first_effect() {
                // The effect follows its cause, and nothing follows the cause yet.
                Some(_) if last.is_some() && last == context.causation => false,
                Some(id) => self.log.store().contains(stream, id).await?,
                None => false,
            };
            if !is_done {
                due.push((*command, *context));
            }
        }
        Ok((self.load(stream).await?, due))
    }

    /// Appends an event without a decision, because none depends on the events before it.
    ///
    /// # Errors
    /// Returns `Conflict` if the stream is not as `expected`, and an error if the log cannot be written.
    pub async fn append_event(
        &self,
        stream: &StreamName,
        expected: Expected,
        event: impl Into<Event>,
        context: &Context,
    ) -> Result<(), AppendError> {
        self.log.append(stream, expected, self.drafts(&[event.into()], context)).await.map(drop)
    }

    /// Appends the first and only event of a stream. If the outcome is unknown, appends it once more with the same id.
    ///
    /// # Errors
    /// Returns `Conflict` if the stream has an event already, and an error if the log cannot be written.
    pub async fn append_first(
        &self,
        stream: &StreamName,
        event: impl Into<Event>,
        context: &Context,
    ) -> Result<(), AppendError> {
        self.append(stream, None, self.drafts(&[event.into()], context)).await.map(drop)
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

    // If the outcome is unknown, appends the same ids again: the store writes them only once.
    async fn append(
        &self,
        stream: &StreamName,
        revision: Option<Revision>,
        drafts: Vec<Draft>,
    ) -> Result<Appended, AppendError> {
        let expected = revision.map_or(Expected::NoStream, Expected::Exact);
        match self.log.append(stream, expected, drafts.clone()).await {
            // `Unavailable` says only that the second attempt wrote nothing. The outcome of the first is still unknown.
            Err(AppendError::Unknown(why)) => match self.log.append(stream, expected, drafts).await {
                Err(AppendError::Unavailable(_)) => Err(AppendError::Unknown(why)),
                outcome => outcome,
            },
            outcome => outcome,
        }
    }

    /// Loads an enrollment from its stream.
    ///
    /// # Errors
    /// Returns an error if the stream cannot be read or its key is damaged.
    pub async fn enrollment(&self, enrollment: EnrollmentId) -> Result<Arc<Enrollment>, ReadError> {
        Ok(self.load(&enrollment.stream()).await?.0)
    }

    /// Loads a device from its stream.
    ///
    /// # Errors
    /// Returns an error if the stream cannot be read or its key is damaged.
    pub async fn device(&self, device: DeviceId) -> Result<Arc<Device>, ReadError> {
        Ok(self.load(&device.stream()).await?.0)
    }

    /// Loads a device that another record's decision depends on. Returns `None` if its stream is corrupt: the state of
    /// the device is then unknown, which does not mean that the device does not exist.
    ///
    /// # Errors
    /// Returns an error if the log cannot be read for another reason.
    pub async fn other_device(&self, device: DeviceId) -> Result<Option<Arc<Device>>, ReadError> {
        match self.device(device).await {
            Ok(state) => Ok(Some(state)),
            Err(error @ ReadError::Corrupt { .. }) => {
                tracing::warn!(device.id = %device, %error, "the record of a device cannot be read: other devices continue as if it were unknown");
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

/// Loads the state of an aggregate from `stream`, without a cache: for commands that read a log once.
///
/// # Errors
/// Returns an error if the stream cannot be read or its key is damaged.
pub async fn load<A: Aggregate>(log: &Log, stream: &StreamName) -> Result<Loaded<A>, ReadError> {
    let entries = log.read(stream).await?;
    let Some(revision) = entries.last().map(|entry| entry.revision) else { return Ok((Arc::default(), None)) };
    Ok((Arc::new(fold(stream, A::default(), revision, entries)?), Some(revision)))
}

// Computes the state after `entries`, which follow the events that `state` was folded from. `revision` is that of the
// last event.
fn fold<A: Aggregate>(
    stream: &StreamName,
    mut state: A,
    revision: Revision,
    entries: Vec<Entry>,
) -> Result<A, ReadError> {
    for entry in entries {
        // `Event::from_parts` ensures that a stream holds only events of its category's aggregate.
        if let Ok(event) = A::Event::try_from(entry.event) {
            state = state.evolve(&event);
        }
    }
    match state.damaged_key() {
        None => Ok(state),
        Some(key) => Err(ReadError::Corrupt {
            stream: stream.to_string(),
            revision: revision.0,
            position: 0,
            damaged: Damaged::Key(key.clone()),
            why: KeyError::Altered(key.clone()).to_string(),
        }),
    }
}
