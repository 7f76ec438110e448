//! An installation whose clock the replay moves. No follower runs its reactions: the replay runs the effects itself, so
//! that it knows when nothing is left to be done.

use super::shared::plan;
use decisions::Aggregate;
use events::log::Draft;
use events::record::RecordId;
use events::store::Expected;
use events::{Actor, ActorKind, Event, EventId, Position, StreamName, Timestamp};
use muster::app::App;
use muster::app::initialize::initialize;
use muster::config::Config;
use platform::context::Context;
use std::path::Path;
use std::sync::Arc;
use tokio::task::JoinHandle;
use uuid::Uuid;
use world::{Clock as _, ManualClock, World};

/// A position that no log reaches.
const NEVER: Position = Position(i64::MAX as u64);

pub struct Installation {
    pub app: App,
    clock: Arc<ManualClock>,
    following: JoinHandle<()>,
    waiting: JoinHandle<()>,
}

impl Installation {
    /// `start`: seconds since 1970.
    pub async fn new(directory: &Path, start: i64) -> Installation {
        let clock = Arc::new(ManualClock::at(timestamp(start)));
        let world = World::at(Arc::clone(&clock) as _);
        let made = initialize(&plan(directory, "https://localhost:0"), &world).await.expect("an installation");
        let app = App::open(Config::load(&made.config).expect("its configuration"), world).await.expect("it opens");
        let (projections, log) = (app.platform.projections.clone(), app.platform.log.clone());
        let following = tokio::spawn(async move { projections.run(log).await.expect("the log is followed") });
        // As long as somebody waits, the projections do not gather events for a larger transaction.
        let projections = app.platform.projections.clone();
        let waiting = tokio::spawn(async move { projections.wait_for(NEVER).await.unwrap_or_default() });
        let installation = Installation { app, clock, following, waiting };
        installation.confirm_automatically().await;
        installation
    }

    async fn confirm_automatically(&self) {
        let mut settings = self.app.settings.current().await.expect("settings");
        settings.reenrollment.confirm_automatically = true;
        let context = Context::operator(self.app.platform.world.uuid());
        settings::apply(&self.app.settings, None, settings, &context).await.expect("applied");
    }

    pub async fn close(self) {
        self.app.platform.engine.close().await;
        self.following.await.expect("it ends with the log");
        self.waiting.abort();
    }

    /// Moves the clock to this number of seconds since 1970.
    pub fn set_clock(&self, seconds: i64) {
        self.clock.advance_seconds(timestamp(seconds).seconds_since(self.clock.now()));
    }

    pub async fn head(&self) -> Position {
        self.app.platform.log.store().head().await.expect("the log").expect("events")
    }

    /// Appends events of one actor at an instant. `expected`: the state of the stream.
    pub async fn append(&self, stream: &StreamName, expected: Expected, by: &Actor, at: i64, events: Vec<Event>) {
        let draft = |event| Draft {
            id: EventId::fresh(&self.app.platform.world),
            at: timestamp(at),
            actor: by.clone(),
            source: None,
            correlation: Uuid::parse_str(stream.id()).unwrap_or_default(),
            causation: None,
            event,
        };
        let drafts: Vec<Draft> = events.into_iter().map(draft).collect();
        if !drafts.is_empty() {
            self.app.platform.log.append(stream, expected, drafts).await.expect("appended");
        }
    }

    /// Lets an aggregate decide a command, and appends its events at an instant. Returns whether it was not refused.
    pub async fn decide<A: Aggregate>(&self, stream: &StreamName, command: &A::Command, by: &Actor, at: i64) -> bool {
        let (state, revision) = self.app.platform.load::<A>(stream).await.expect("a state");
        let Ok(decided) = state.decide(command) else { return false };
        let expected = revision.map_or(Expected::NoStream, Expected::Exact);
        self.append(stream, expected, by, at, decided.into_iter().map(Into::into).collect()).await;
        true
    }

    /// Returns the id of a record of the old product.
    pub fn imported(&self, record: population::RecordId) -> RecordId {
        self.app.imports.record_id(super::export::SOURCE, &record.0.to_string())
    }
}

pub fn timestamp(seconds: i64) -> Timestamp {
    Timestamp(seconds * 1_000_000)
}

/// Returns the id that a thing with this number has: the same in each run.
pub fn id(kind: &str, number: u32) -> Uuid {
    let digest = openssl::sha::sha256(format!("{kind} {number}").as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    uuid::Builder::from_random_bytes(bytes).into_uuid()
}

pub fn device_of(enrollment: population::EnrollmentId) -> events::device::DeviceId {
    events::device::DeviceId(id("enrollment", enrollment.0))
}

pub fn by(kind: ActorKind, id: impl std::fmt::Display) -> Actor {
    Actor::new(kind, id)
}
