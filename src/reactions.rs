//! Reactions: each runs an effect for an event of the log. An effect counts as done when its outcome is in the log.
//! Every effect may be tried several times and happens once. So a crash repeats or resumes effects and loses none, and
//! deleting the projections resends nothing.
//!
//! `effects` names the effects of each event: commands to other streams, `claims` about records of the same hardware,
//! `reenrollment` about links of earlier records, and `owners` about owners of previous records. Two followers run
//! them: one at once, the other behind the projections. `pushes` wakes devices, `mails` sends invitations, and `timer`
//! turns what has become due into commands. An effect that cannot be done now is set aside (`platform::aside`).

mod checkpoint;
mod claims;
mod effects;
mod invitations;
mod mails;
mod owners;
mod pushes;
mod reenrollment;
mod renewals;
mod retirement;
mod timer;
mod waves;
mod written;

use crate::app::App;
use checkpoint::Checkpoint;
pub use effects::Order;
use events::Position;
use events::background::Lane;
use events::log::{Delivery, Entry, Next, Opened};
use events::store::ReadError;
use futures_util::StreamExt as _;
use platform::aside::Aside;
use platform::backoff::Backoff;
use projections::ProjectionError;
use std::time::Duration;
use tokio::sync::watch;

/// Maximum number of concurrent effects. Their appends share commits.
const AT_ONCE: usize = 32;

/// The same for effects of a backlog, which must not occupy all connections of the store.
const AT_ONCE_BEHIND: usize = 2;

/// The checkpoint of a follower that has done nothing.
const BEFORE_ALL: Position = Position(0);

/// How often the effects that were set aside are checked for a retry (`aside`), and the maximum number of them in one
/// check.
const LOOK_ASIDE: Duration = Duration::from_secs(60);
const MOST_ASIDE: usize = 10_000;

/// Wait before a follower restarts from its checkpoint after an error: the first wait and the longest one.
const AGAIN_AFTER: Duration = Duration::from_secs(1);
const AGAIN_AFTER_AT_MOST: Duration = Duration::from_secs(600);

/// Reason why an effect is not done yet. It is tried again from the checkpoint.
#[derive(Debug, thiserror::Error)]
pub enum ReactionError {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Projection(#[from] ProjectionError),
    /// A command could not be performed. A refusal is not an error: it settles the effect.
    #[error("{0}")]
    Perform(String),
    #[error("the key store: {0}")]
    Keys(#[from] events::personal::keys::KeyError),
}

/// Names of the checkpoints of the followers.
const EFFECTS: &str = "reactions-effects";
const EFFECTS_BEHIND: &str = "reactions-effects-behind";
const PUSHES: &str = "reactions-pushes";

impl Order {
    fn follower(self) -> &'static str {
        match self {
            Order::AtOnce => EFFECTS,
            Order::Behind => EFFECTS_BEHIND,
        }
    }
}

/// Becomes true when the server stops.
pub type Stop = watch::Receiver<bool>;

/// Runs all reactions. Returns when the log is closed, or when the server stops and the checkpoints are stored.
pub async fn run(app: App, mut stop: Stop) {
    let (reminders, mut reminded) = pushes::reminders();
    let mut stop_pushes = stop.clone();
    let (mut stop_behind, mut sender) = (stop.clone(), mails::Sender::default());
    begin_behind(&app, &mut stop).await;
    let followers = async {
        tokio::join!(
            effects(&app, Order::AtOnce, &mut stop),
            effects(&app, Order::Behind, &mut stop_behind),
            pushes(&app, &mut reminded, &mut stop_pushes),
        )
    };
    tokio::select! {
        _ = followers => {}
        () = timer::run(&app, &reminders) => {}
        () = sender.run(&app) => {}
        () = mails::tell_owners(&app) => {}
    }
    sender.end(&app).await;
}

// In a log of an older version, all effects up to the checkpoint of the one follower are done, or set aside.
async fn begin_behind(app: &App, stop: &mut Stop) {
    let mut backoff = Backoff::new(AGAIN_AFTER, AGAIN_AFTER_AT_MOST);
    while let Err(error) = try_begin_behind(app).await {
        report_failure(EFFECTS_BEHIND, &error);
        wait(&mut backoff, stop).await;
        if *stop.borrow() {
            return;
        }
    }
}

// Stores a position also if there is none: the other follower's later one must not be taken for it at the next start.
async fn try_begin_behind(app: &App) -> Result<(), ReactionError> {
    let projections = &app.platform.projections;
    if projections.checkpoint(EFFECTS_BEHIND).await?.is_some() {
        return Ok(());
    }
    let aside = projections.set_aside(EFFECTS, MOST_ASIDE).await?;
    projections.put_aside(EFFECTS_BEHIND, aside).await?;
    let begin = projections.checkpoint(EFFECTS).await?.unwrap_or(BEFORE_ALL);
    Ok(projections.set_checkpoint(EFFECTS_BEHIND, begin).await?)
}

async fn effects(app: &App, order: Order, stop: &mut Stop) {
    let mut backoff = Backoff::new(AGAIN_AFTER, AGAIN_AFTER_AT_MOST);
    while let Err(error) = follow_effects(app, order, stop).await {
        report_failure(order.follower(), &error);
        wait(&mut backoff, stop).await;
    }
}

async fn pushes(app: &App, reminded: &mut pushes::Reminded, stop: &mut Stop) {
    let mut backoff = Backoff::new(AGAIN_AFTER, AGAIN_AFTER_AT_MOST);
    while let Err(error) = pushes::run(app, reminded, stop).await {
        report_failure(PUSHES, &error);
        wait(&mut backoff, stop).await;
    }
}

/// Runs the effects of an event that have this order: for a measurement that writes the log itself and has no
/// followers, so that it knows when everything is done.
///
/// # Errors
/// Returns an error if an effect could not be done. It can be tried again.
pub async fn run_effects(app: &App, entry: &Entry, order: Order) -> Result<(), ReactionError> {
    effects::react(app, entry, order).await
}

async fn stopped(stop: &mut Stop) {
    // An error means that nobody can stop the reactions any more.
    if stop.wait_for(|stop| *stop).await.is_err() {
        std::future::pending().await
    }
}

// Not longer than until the server stops: the next attempt ends at once then.
async fn wait(backoff: &mut Backoff, stop: &mut Stop) {
    tokio::select! {
        () = backoff.wait() => {}
        () = stopped(stop) => {}
    }
}

fn report_failure(reaction: &'static str, error: &ReactionError) {
    tracing::error!(reaction, %error, "a reaction failed and will be retried");
}

async fn follow_effects(app: &App, order: Order, stop: &mut Stop) -> Result<(), ReactionError> {
    let mut checkpoint = checkpoint(app, order.follower()).await?;
    let mut follower = app.platform.log.follow(checkpoint.begin());
    // The first check is immediate: a restart may have removed the cause of a failure.
    let (mut look, mut aside) = (tokio::time::interval(LOOK_ASIDE), Aside::default());
    loop {
        tokio::select! {
            next = follower.next() => match next? {
                Next::Events(events) => {
                    do_effects(app, order, &events).await?;
                    // The checkpoint moves last, so that after a crash the interrupted effects run again.
                    checkpoint.reach(events.last());
                }
                Next::Unreadable(_, position) => {
                    report_unreadable(order.follower(), position);
                    put_aside(app, order, vec![position]).await?;
                    checkpoint.reach(position);
                }
                Next::CaughtUp => {}
                Next::Closed => return Ok(checkpoint.end().await?),
            },
            error = checkpoint.keep() => return Err(error.into()),
            () = stopped(stop) => return Ok(checkpoint.end().await?),
            _ = look.tick() => try_again(app, order, &mut aside).await?,
        }
    }
}

async fn checkpoint(app: &App, reaction: &'static str) -> Result<Checkpoint, ReactionError> {
    Ok(Checkpoint::load(reaction, app.platform.log.clone(), app.platform.projections.clone()).await?)
}

/// Logs that an unreadable event's effects are set aside. The findings describe what is wrong with the event.
fn report_unreadable(reaction: &'static str, position: Position) {
    tracing::error!(reaction, %position, "cannot read an event; its effects are set aside and will be retried");
}

async fn do_effects(app: &App, order: Order, events: &Delivery) -> Result<(), ReactionError> {
    let opened = events.open(&app.platform.log).await?;
    let mut aside = unreadable(order, events, &opened)?;
    // On the usual threads: an effect holds the turn at a stream that the device's own message waits for.
    let at_once = if events.lane() == Lane::Background { AT_ONCE_BEHIND } else { AT_ONCE };
    aside.extend(undone_of(app, order, &opened, at_once).await);
    if aside.is_empty() { Ok(()) } else { put_aside(app, order, aside).await }
}

// Runs the effects of the readable events. Returns the positions of those that failed. Each entry is the only cause of
// its effects, so they do not depend on the others.
async fn undone_of(app: &App, order: Order, opened: &Opened, at_once: usize) -> Vec<Position> {
    let effects: Vec<_> = opened.decided().flatten().map(|entry| undone(app, order, entry)).collect();
    futures_util::stream::iter(effects).buffer_unordered(at_once).filter_map(std::future::ready).collect().await
}

async fn put_aside(app: &App, order: Order, positions: Vec<Position>) -> Result<(), ReactionError> {
    app.platform.projections.put_aside(order.follower(), positions).await?;
    count_aside(app, order.follower()).await.map(drop)
}

// Returns the positions of the events that cannot be decoded.
fn unreadable(order: Order, events: &Delivery, opened: &Opened) -> Result<Vec<Position>, ReactionError> {
    let mut aside = Vec::new();
    for (recorded, entry) in events.recorded().iter().zip(opened.decided()) {
        let position = recorded.position;
        match entry {
            Ok(_) => {}
            Err(error @ ReadError::Corrupt { .. }) => {
                let reaction = order.follower();
                tracing::error!(reaction, %position, %error, "cannot decode an event; its effects are set aside and will be retried");
                aside.push(position);
            }
            Err(error) => return Err(error.clone().into()),
        }
    }
    Ok(aside)
}

// Runs the effect of an entry. Returns the entry's position if the effect failed.
async fn undone(app: &App, order: Order, entry: &Entry) -> Option<Position> {
    let error = effects::react(app, entry, order).await.err()?;
    tracing::error!(event = %entry.id, stream = %entry.stream, %error, "an effect failed; it is set aside and will be retried");
    Some(entry.position)
}

async fn try_again(app: &App, order: Order, aside: &mut Aside<Position>) -> Result<(), ReactionError> {
    aside.look(app.platform.world.now());
    for position in positions_aside(app, order.follower(), aside).await? {
        match entry_at(app, position).await {
            Some(entry) if undone(app, order, &entry).await.is_none() => {
                app.platform.projections.done(order.follower(), position).await?
            }
            _ => aside.put(position),
        }
    }
    Ok(())
}

// Positions that were set aside and are due for a retry.
async fn positions_aside(
    app: &App,
    reaction: &'static str,
    aside: &Aside<Position>,
) -> Result<Vec<Position>, ReactionError> {
    let mut positions = count_aside(app, reaction).await?;
    positions.retain(|position| !aside.holds(position));
    Ok(positions)
}

// All positions that were set aside, also counted for the metric.
async fn count_aside(app: &App, reaction: &'static str) -> Result<Vec<Position>, ReactionError> {
    let positions = app.platform.projections.set_aside(reaction, MOST_ASIDE).await?;
    app.platform.metrics.set_aside(reaction, positions.len());
    Ok(positions)
}

// `None`: the entry is still unreadable.
async fn entry_at(app: &App, position: Position) -> Option<Entry> {
    let before = position.0.checked_sub(1).map(Position);
    let entries = app.platform.log.page(before, 1).await.ok()?;
    entries.into_iter().next().filter(|entry| entry.position == position)
}

/// Returns the context for an effect that `entry` causes.
fn effect_of(entry: &Entry, effect: &'static str) -> platform::context::Context {
    let actor = events::Actor::new(events::ActorKind::System, effect);
    platform::context::Context::effect(actor, entry.id, entry.correlation, effect)
}

/// Maps the outcome of a command to that of the effect. A refusal settles the effect, since the effect is not needed
/// any more. Any other error is retried.
fn settled<T, R: std::error::Error>(outcome: Result<T, platform::PerformError<R>>) -> Result<(), ReactionError> {
    match outcome {
        Ok(_) | Err(platform::PerformError::Refused(_)) => Ok(()),
        Err(error) => Err(ReactionError::Perform(error.to_string())),
    }
}
