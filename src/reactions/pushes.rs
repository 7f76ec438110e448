//! Wakes devices by push: after a command is queued, and again when the timer requests it. One push serves all waiting
//! commands.
//!
//! Many pushes run at once, one per device, so a slow one delays no other device. [`line`] decides which device is
//! next, [`owed`] whether a push is needed, and the crate `push` how and how often it is tried.

mod line;
mod owed;
mod reminders;
mod send;

pub(super) use reminders::{Reminded, Reminders, reminders};

use super::{AGAIN_AFTER, LOOK_ASIDE, PUSHES, ReactionError, Stop};
use super::{checkpoint, count_aside, positions_aside, report_unreadable, stopped};
use crate::app::App;
use events::Position;
use events::device::DeviceId;
use events::envelope::Recorded;
use events::log::Next;
use events::store::ReadError;
use line::{Ask, Line};
use platform::aside::Aside;
use projections::due::Due;
use std::collections::HashSet;
use tokio::task::JoinSet;
use uuid::Uuid;

/// Maximum number of concurrent pushes. They share few connections, and their outcomes share commits.
const AT_ONCE: usize = 256;

/// Maximum number of facts that wait for a push. At this number the log is not read further.
const MOST_WAITING: usize = 10_000;

/// Number of attempts before a push is set aside, if the obstacle may be brief.
const TRIES: u32 = 5;

/// Types of the events that request a push. Other events are not even opened.
const ASKING: [&str; 2] = ["MdmCommandQueued", "PushTokenRenewed"];

/// Sends every push that the log requests. Returns when the log is closed or the server stops. If the stream of a
/// device cannot be read or written, its push is set aside and retried; the others proceed.
///
/// # Errors
/// Returns an error if the log or the checkpoint cannot be read or written. The caller starts again.
pub(super) async fn run(app: &App, reminded: &mut Reminded, stop: &mut Stop) -> Result<(), ReactionError> {
    let mut checkpoint = checkpoint(app, PUSHES).await?;
    let begin = checkpoint.begin();
    let mut pushes = Pushes { app, line: Line::new(begin), aside: Aside::default(), tried_again: HashSet::new() };
    let mut follower = app.platform.log.follow(begin);
    let (mut under_way, mut look) = (JoinSet::new(), tokio::time::interval(LOOK_ASIDE));
    loop {
        tokio::select! {
            next = follower.next(), if pushes.line.waiting() < MOST_WAITING => match next? {
                Next::Events(events) => events.recorded().iter().for_each(|fact| note(&mut pushes.line, fact)),
                Next::Unreadable(_, position) => pushes.pass(position).await?,
                Next::CaughtUp => {}
                Next::Closed => return Ok(checkpoint.end().await?),
            },
            error = checkpoint.keep() => return Err(error.into()),
            () = stopped(stop) => return Ok(checkpoint.end().await?),
            Some(due) = reminded.next() => remind(&mut pushes.line, &due),
            _ = look.tick() => pushes.try_again().await?,
            Some(done) = under_way.join_next() => match done {
                Ok(Ok((device, Settled::Done))) => drop(pushes.end(device)),
                Ok(Ok((device, Settled::Aside(error)))) => {
                    reminded.put_aside(device, app.platform.world.now());
                    pushes.failed(device, &error);
                }
                Ok(Err(error)) => return Err(error),
                // The task panicked or was cancelled with the runtime: start again from the checkpoint.
                Err(error) => return Err(ReactionError::Perform(error.to_string())),
            },
        }
        while under_way.len() < AT_ONCE
            && let Some((device, ask)) = pushes.line.start()
        {
            under_way.spawn(settle(app.clone(), device, ask, pushes.facts(device)));
        }
        if let Some(settled) = pushes.line.settled_to() {
            checkpoint.reach(settled);
        }
    }
}

struct Pushes<'a> {
    app: &'a App,
    line: Line,
    /// Facts that were set aside and wait for their retry.
    aside: Aside<Position>,
    /// Facts that were set aside and are being retried now.
    tried_again: HashSet<Position>,
}

impl Pushes<'_> {
    // Sets an unreadable event aside, because it may have requested a push.
    async fn pass(&mut self, position: Position) -> Result<(), ReactionError> {
        report_unreadable(PUSHES, position);
        self.app.platform.projections.put_aside(PUSHES, vec![position]).await?;
        self.line.read(position);
        count_aside(self.app, PUSHES).await.map(drop)
    }

    fn facts(&self, device: DeviceId) -> Facts {
        let covered = self.line.covered(device);
        let tried_again = covered.iter().copied().filter(|position| self.tried_again.contains(position)).collect();
        Facts { covered, tried_again }
    }

    // Ends the push of a device. Returns the facts that it served.
    fn end(&mut self, device: DeviceId) -> Vec<Position> {
        let served = self.line.done(device);
        self.tried_again.retain(|position| !served.contains(position));
        served
    }

    fn failed(&mut self, device: DeviceId, error: &ReactionError) {
        tracing::error!(device.id = %device, %error, "cannot wake a device; the push is set aside and will be retried");
        self.aside.look(self.app.platform.world.now());
        self.end(device).into_iter().for_each(|position| self.aside.put(position));
    }

    async fn try_again(&mut self) -> Result<(), ReactionError> {
        self.aside.look(self.app.platform.world.now());
        // Newest first: of several facts of a device, the newest becomes the cause of the push.
        for position in positions_aside(self.app, PUSHES, &self.aside).await?.into_iter().rev() {
            if self.tried_again.contains(&position) {
                continue;
            }
            let before = position.0.checked_sub(1).map(Position);
            match self.app.platform.log.store().read_all(before, 1).await {
                Ok(recorded) => match recorded.first().and_then(asked) {
                    Some((device, ask)) => {
                        self.tried_again.insert(position);
                        self.line.ask_again(device, ask, position);
                    }
                    None => self.app.platform.projections.done(PUSHES, position).await?,
                },
                Err(_) => self.aside.put(position),
            }
        }
        Ok(())
    }
}

fn note(line: &mut Line, fact: &Recorded) {
    match asked(fact) {
        Some((device, ask)) => line.ask(device, ask, fact.position),
        None => line.read(fact.position),
    }
}

fn asked(fact: &Recorded) -> Option<(DeviceId, Ask)> {
    let device = Uuid::parse_str(fact.stream.id()).ok().map(DeviceId)?;
    let ask = Ask { cause: fact.event.id, correlation: fact.event.correlation, effect: "push" };
    ASKING.contains(&fact.event.event_type.as_str()).then_some((device, ask))
}

fn remind(line: &mut Line, due: &Due) {
    if let Ok(id) = Uuid::parse_str(due.stream.id()) {
        line.remind(DeviceId(id), Ask { cause: due.cause, correlation: id, effect: due.kind.as_str() });
    }
}

/// The facts that a push serves.
struct Facts {
    covered: Vec<Position>,
    /// Those that were set aside before.
    tried_again: Vec<Position>,
}

/// How a push ended.
enum Settled {
    Done,
    /// Its facts are set aside, for this reason.
    Aside(ReactionError),
}

// Stores what has become of the facts before the line releases them, because after that the checkpoint may pass them.
// Not in the loop that takes events, because the projections may write for long.
async fn settle(app: App, device: DeviceId, ask: Ask, facts: Facts) -> Result<(DeviceId, Settled), ReactionError> {
    let projections = &app.platform.projections;
    match send(&app, device, &ask).await {
        Ok(()) => {
            for position in facts.tried_again {
                projections.done(PUSHES, position).await?;
            }
            Ok((device, Settled::Done))
        }
        Err(error) => {
            projections.put_aside(PUSHES, facts.covered).await?;
            count_aside(&app, PUSHES).await?;
            Ok((device, Settled::Aside(error)))
        }
    }
}

async fn send(app: &App, device: DeviceId, ask: &Ask) -> Result<(), ReactionError> {
    let mut tries = 1;
    loop {
        match send::settle(app, device, ask).await {
            // No retry: the stream stays corrupt until a backup is restored.
            Err(ReactionError::Read(error @ ReadError::Corrupt { .. })) => return Err(error.into()),
            Err(_) if tries < TRIES => {
                tries += 1;
                tokio::time::sleep(AGAIN_AFTER).await;
            }
            done => return done,
        }
    }
}
