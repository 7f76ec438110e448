//! Whenever this fact, then that effect. An effect is done when its outcome is in the log; every effect may be tried again
//! and happens once, so a crash repeats or resumes, never forgets, and deleting the projections resends nothing.
//!
//! `effects` are commands to other streams, `claims` those about records of the same hardware; `pushes` wake devices; `timer` turns what has become due into commands.
//! What cannot be done now is set aside (`app::aside`).

mod claims;
mod effects;
mod pushes;
mod renewals;
mod timer;

use crate::app::App;
use events::Position;
use events::envelope::Recorded;
use events::log::Entry;
use events::store::ReadError;
use futures_util::StreamExt as _;
use platform::aside::Aside;
use platform::backoff::Backoff;
use platform::passing::{Passed, PassingFollow};
use projections::ProjectionError;
use std::time::Duration;

/// How many effects are under way at once; appends share their commits.
const AT_ONCE: usize = 32;

/// How often it is looked for effects that were set aside and whose time has come (`aside`), and among how many.
const LOOK_ASIDE: Duration = Duration::from_secs(60);
const MOST_ASIDE: usize = 10_000;

/// How long a follower waits before it begins again from its checkpoint: at first, and at most.
const AGAIN_AFTER: Duration = Duration::from_secs(1);
const AGAIN_AFTER_AT_MOST: Duration = Duration::from_secs(600);

/// Why an effect is not done yet. It is tried again from the checkpoint.
#[derive(Debug, thiserror::Error)]
pub enum ReactionError {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Projection(#[from] ProjectionError),
    /// A command could not be performed; a refusal is no error, but an answer.
    #[error("{0}")]
    Perform(String),
    #[error("the key store: {0}")]
    Keys(#[from] events::personal::keys::KeyError),
}

/// The checkpoints of what follows the log.
const EFFECTS: &str = "reactions-effects";
const PUSHES: &str = "reactions-pushes";

/// Reacts to everything that happens; returns when the log is closed.
pub async fn run(app: App) {
    let (reminders, mut reminded) = pushes::reminders();
    tokio::select! {
        () = effects(&app) => {}
        () = pushes(&app, &mut reminded) => {}
        () = timer::run(&app, &reminders) => {}
    }
}

async fn effects(app: &App) {
    let mut backoff = Backoff::new(AGAIN_AFTER, AGAIN_AFTER_AT_MOST);
    while let Err(error) = follow_effects(app).await {
        tell_failure(EFFECTS, &error);
        backoff.wait().await;
    }
}

async fn pushes(app: &App, reminded: &mut pushes::Reminded) {
    let mut backoff = Backoff::new(AGAIN_AFTER, AGAIN_AFTER_AT_MOST);
    while let Err(error) = pushes::run(app, reminded).await {
        tell_failure(PUSHES, &error);
        backoff.wait().await;
    }
}

fn tell_failure(reaction: &'static str, error: &ReactionError) {
    tracing::error!(reaction, %error, "a reaction failed; it is tried again");
}

async fn follow_effects(app: &App) -> Result<(), ReactionError> {
    let after = app.platform.projections.checkpoint(EFFECTS).await?;
    let mut follow = PassingFollow::after(&app.platform.log, after);
    // The first look is at once: a restart may have mended what stood in the way.
    let (mut look, mut aside) = (tokio::time::interval(LOOK_ASIDE), Aside::default());
    loop {
        tokio::select! {
            passed = follow.next() => match passed? {
                Passed::Events(recorded) => do_effects(app, recorded).await?,
                Passed::Unreadable(position) => {
                    tell_unreadable(EFFECTS, position);
                    app.platform.projections.pass(EFFECTS, position, vec![position]).await?;
                    count_aside(app, EFFECTS).await?;
                }
                Passed::CaughtUp => {}
                Passed::Closed => return Ok(()),
            },
            _ = look.tick() => try_again(app, &mut aside).await?,
        }
    }
}

/// Tells of an event that nobody can read: whatever it causes is set aside. What is wrong with it is told from the findings.
fn tell_unreadable(reaction: &'static str, position: Position) {
    tracing::error!(reaction, %position, "what an event causes is set aside, since the event cannot be read");
}

async fn do_effects(app: &App, recorded: Vec<Recorded>) -> Result<(), ReactionError> {
    let Some(position) = recorded.last().map(|last| last.position) else { return Ok(()) };
    let (entries, mut aside) = open(app, recorded).await?;
    let undone: Vec<Position> = futures_util::stream::iter(entries)
        .map(|entry| async move { undone(app, &entry).await })
        .buffer_unordered(AT_ONCE)
        .filter_map(std::future::ready)
        .collect()
        .await;
    aside.extend(undone);
    let is_aside = !aside.is_empty();
    // Only now: what was under way at a crash is done again.
    app.platform.projections.pass(EFFECTS, position, aside).await?;
    if is_aside { count_aside(app, EFFECTS).await.map(drop) } else { Ok(()) }
}

// What can be opened, and the positions of what cannot: each entry is an effect's only cause, so the others do not depend on it.
async fn open(app: &App, mut recorded: Vec<Recorded>) -> Result<(Vec<Entry>, Vec<Position>), ReactionError> {
    let (mut entries, mut aside) = (Vec::new(), Vec::new());
    while !recorded.is_empty() {
        let (opened, error) = app.platform.log.open_until_corrupt(recorded.clone()).await;
        let rest = recorded.split_off((opened.len() + 1).min(recorded.len()));
        let corrupt = recorded.get(opened.len()).map(|event| event.position);
        entries.extend(opened);
        match (error, corrupt) {
            (Some(error @ ReadError::Corrupt { .. }), Some(position)) => {
                tracing::error!(%position, %error, "the effects of an event that cannot be read are set aside and tried again");
                aside.push(position);
            }
            (Some(error), _) => return Err(error.into()),
            (None, _) => {}
        }
        recorded = rest;
    }
    Ok((entries, aside))
}

// The position of an entry whose effect could not be done.
async fn undone(app: &App, entry: &Entry) -> Option<Position> {
    let error = effects::react(app, entry).await.err()?;
    tracing::error!(event = %entry.id, stream = %entry.stream, %error, "an effect could not be done; it is set aside and tried again");
    Some(entry.position)
}

async fn try_again(app: &App, aside: &mut Aside<Position>) -> Result<(), ReactionError> {
    aside.look(app.platform.world.now());
    for position in positions_aside(app, EFFECTS, aside).await? {
        match entry_at(app, position).await {
            Some(entry) if undone(app, &entry).await.is_none() => {
                app.platform.projections.done(EFFECTS, position).await?
            }
            _ => aside.put(position),
        }
    }
    Ok(())
}

// Those whose time has come.
async fn positions_aside(
    app: &App,
    reaction: &'static str,
    aside: &Aside<Position>,
) -> Result<Vec<Position>, ReactionError> {
    let mut positions = count_aside(app, reaction).await?;
    positions.retain(|position| !aside.holds(position));
    Ok(positions)
}

// All of them, counted for the metric.
async fn count_aside(app: &App, reaction: &'static str) -> Result<Vec<Position>, ReactionError> {
    let positions = app.platform.projections.set_aside(reaction, MOST_ASIDE).await?;
    app.platform.metrics.set_aside(reaction, positions.len());
    Ok(positions)
}

// `None`: it cannot be read still.
async fn entry_at(app: &App, position: Position) -> Option<Entry> {
    let before = position.0.checked_sub(1).map(Position);
    let entries = app.platform.log.page(before, 1).await.ok()?;
    entries.into_iter().next().filter(|entry| entry.position == position)
}

/// The context of an effect of `entry`.
fn effect_of(entry: &Entry, effect: &'static str) -> platform::context::Context {
    let actor = events::Actor::new(events::ActorKind::System, effect);
    platform::context::Context::effect(actor, entry.id, entry.correlation, effect)
}

/// A refusal is an answer: the effect is not wanted any more. Anything else is tried again.
fn settled<T, R: std::error::Error>(outcome: Result<T, platform::PerformError<R>>) -> Result<(), ReactionError> {
    match outcome {
        Ok(_) | Err(platform::PerformError::Refused(_)) => Ok(()),
        Err(error) => Err(ReactionError::Perform(error.to_string())),
    }
}
