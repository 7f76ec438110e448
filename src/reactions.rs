//! Whenever this fact, then that effect. An effect is done when its outcome is in the log; every effect may be tried again
//! and happens once, so a crash repeats or resumes, never forgets, and deleting the projections resends nothing.
//!
//! `effects` are commands to other streams, `claims` those about records of the same hardware; `pushes` wake devices; `timer` turns what has become due into commands;
//! `aside` is for what cannot be done now.

mod aside;
mod claims;
mod effects;
mod pushes;
mod renewals;
mod timer;

use crate::app::App;
use events::Position;
use events::envelope::Recorded;
use events::log::Entry;
use events::store::{Followed, ReadError};
use futures_util::StreamExt as _;
use projections::ProjectionError;
use projections::due::Due;
use std::time::Duration;
use tokio::sync::mpsc;

/// How many effects are under way at once; appends share their commits.
const AT_ONCE: usize = 32;

/// How often effects that were set aside are tried again, and how many of them.
const LOOK_ASIDE: Duration = Duration::from_secs(60);
const MOST_ASIDE: usize = 1_000;

/// How long a follower waits before it begins again from its checkpoint.
const AGAIN_AFTER: Duration = Duration::from_secs(1);

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
    let (reminders, mut reminded) = pushes::Reminders::new();
    tokio::select! {
        () = effects(&app) => {}
        () = pushes(&app, &mut reminded) => {}
        () = timer::run(&app, &reminders) => {}
    }
}

async fn effects(app: &App) {
    while let Err(error) = follow_effects(app).await {
        begin_again(EFFECTS, &error).await;
    }
}

async fn pushes(app: &App, reminded: &mut mpsc::Receiver<Due>) {
    while let Err(error) = pushes::run(app, reminded).await {
        begin_again(PUSHES, &error).await;
    }
}

async fn begin_again(reaction: &'static str, error: &ReactionError) {
    tracing::error!(reaction, %error, "a reaction failed; it is tried again");
    tokio::time::sleep(AGAIN_AFTER).await;
}

async fn follow_effects(app: &App) -> Result<(), ReactionError> {
    let after = app.projections.checkpoint(EFFECTS).await?;
    let mut follow = app.log.follow(after);
    // The first look is at once: a restart may have mended what stood in the way.
    let mut look = tokio::time::interval(LOOK_ASIDE);
    loop {
        tokio::select! {
            followed = follow.next() => match followed? {
                Some(Followed::Events(recorded)) => do_effects(app, recorded).await?,
                Some(Followed::CaughtUp(_)) => {}
                None => return Ok(()),
            },
            _ = look.tick() => try_again(app).await?,
        }
    }
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
    // Only now: what was under way at a crash is done again.
    Ok(app.projections.pass(EFFECTS, position, aside).await?)
}

// What can be opened, and the positions of what cannot: each entry is an effect's only cause, so the others do not depend on it.
async fn open(app: &App, mut recorded: Vec<Recorded>) -> Result<(Vec<Entry>, Vec<Position>), ReactionError> {
    let (mut entries, mut aside) = (Vec::new(), Vec::new());
    while !recorded.is_empty() {
        let (opened, error) = app.log.open_until_corrupt(recorded.clone()).await;
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

async fn try_again(app: &App) -> Result<(), ReactionError> {
    for position in app.projections.set_aside(EFFECTS, MOST_ASIDE).await? {
        let before = position.0.checked_sub(1).map(Position);
        let Ok(entries) = app.log.page(before, 1).await else { continue };
        let Some(entry) = entries.first().filter(|entry| entry.position == position) else { continue };
        if undone(app, entry).await.is_none() {
            app.projections.done(EFFECTS, position).await?;
        }
    }
    Ok(())
}

/// The context of an effect of `entry`.
fn effect_of(entry: &Entry, effect: &'static str) -> crate::app::context::Context {
    let actor = events::Actor::new(events::ActorKind::System, effect);
    crate::app::context::Context::effect(actor, entry.id, entry.correlation, effect)
}

/// A refusal is an answer: the effect is not wanted any more. Anything else is tried again.
fn settled<T, R: std::error::Error>(outcome: Result<T, crate::app::PerformError<R>>) -> Result<(), ReactionError> {
    match outcome {
        Ok(_) | Err(crate::app::PerformError::Refused(_)) => Ok(()),
        Err(error) => Err(ReactionError::Perform(error.to_string())),
    }
}
