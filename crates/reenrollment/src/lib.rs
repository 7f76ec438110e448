//! Finds the earlier records that may be the device of an enrollment, and links them: weighs what is known, proposes,
//! and confirms or rejects what an administrator decides.
//!
//! Two questions are kept apart ([`events::record::LinkProof`]): may the old record be retired, and is it the same
//! device. The evidence is weighed in [`decisions::link`]; this crate collects the facts (`facts`, `invited`), chooses
//! which pairs are looked at (`candidates`), and writes proposals (`propose`) and decisions (`decide`, `automatic`).
//! Each pair is looked at when an event about one of the two says something new, never by a scan of all records.
//! `migration` closes the migration of a source.

mod automatic;
mod candidates;
mod decide;
mod facts;
mod invited;
mod migration;
mod propose;
mod silence;

pub use decide::DecideError;
pub use propose::Cause;

use events::device::DeviceId;
use events::record::RecordId;
use events::store::ReadError;
use events::{EventId, Position, StreamName};
use platform::Platform;
use platform::context::Context;
use projections::ProjectionError;
use settings::SettingsService;
use std::sync::Arc;
use tokio::sync::Mutex;

/// Number of proposals that one enrollment can have at a time.
pub const MOST_PROPOSALS: usize = 3;

/// Number of records of a person that are looked at when they enroll a device: the newest of each kind.
const MOST_CANDIDATES: usize = 10;

/// Number of later enrollments that a late fact about a record is weighed against: the newest.
const MOST_SUCCESSORS: usize = 3;

/// The source that enrollments of this installation have as previous records. No import can have it, since a source has
/// a name.
const OWN_SOURCE: &str = "";

/// Times of other products can be off by a day: a zone that the export does not name, or a date without a time. What
/// happened within this many seconds of an enrollment was neither before nor after it.
const UNSURE_SECONDS: i64 = 24 * 3_600;

/// The service of re-enrollment.
pub struct Reenrollment {
    platform: Platform,
    settings: Arc<SettingsService>,
    /// Taken while proposals of an enrollment are counted and made. Enrollments share the locks by their id. Each holds
    /// the position up to which all its proposals are; `None`: not known since the start.
    turns: [Mutex<Option<Position>>; 16],
}

/// Why links could not be proposed or decided on. It can be tried again.
#[derive(Debug, thiserror::Error)]
pub enum ReenrollmentError {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Projection(#[from] ProjectionError),
    #[error("{0}")]
    Perform(String),
}

/// An earlier record and a later enrollment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Pair {
    pub record: RecordId,
    pub successor: DeviceId,
}

impl Pair {
    fn of_link(link: &projections::links::LinkRow) -> Pair {
        Pair { record: link.record, successor: link.successor }
    }
}

impl Reenrollment {
    pub fn new(platform: Platform, settings: Arc<SettingsService>) -> Reenrollment {
        Reenrollment { platform, settings, turns: Default::default() }
    }

    // Returns the stream that reserves the place of a record of this source at its successor.
    fn successor_stream(&self, successor: DeviceId, source: &str) -> StreamName {
        let name = self.platform.secrets.name("successor", &[&successor.to_string(), source]);
        StreamName::of("successor", name)
    }

    fn turn(&self, successor: DeviceId) -> &Mutex<Option<Position>> {
        let nth = usize::from(successor.0.as_bytes()[15]) % self.turns.len();
        &self.turns[nth]
    }
}

/// Returns the context of one step of a decision about a pair. If the decision is an effect, each stream needs an
/// effect of its own.
fn step(context: &Context, pair: Pair, name: &str) -> Context {
    let effect = context.effect.as_ref();
    let effect = effect.map(|effect| format!("{effect} {name} {} {}", pair.record, pair.successor).into());
    Context { effect, ..context.clone() }
}

/// Returns the context of an effect about a pair. One event can cause effects on several pairs.
fn effect(cause: EventId, pair: Pair, name: &'static str) -> Context {
    let actor = events::Actor::new(events::ActorKind::System, name);
    let context = Context::effect(actor, cause, pair.successor.0, name);
    Context { effect: Some(format!("{name} {} {}", pair.record, pair.successor).into()), ..context }
}
