//! Wakes devices: after a command was queued, and again when the timer says so. One push serves every command that waits.
//!
//! Many are under way at once, one for each device; a slow one holds up nobody else. [`line`] says whose turn it is,
//! [`owed`] whether there is anything to do, `crate::push` how and how often it is tried.

mod line;
mod owed;
mod send;

use super::{PUSHES, ReactionError, begin_again};
use crate::app::App;
use events::device::DeviceId;
use events::envelope::Recorded;
use events::store::Followed;
use line::{Ask, Line};
use projections::due::Due;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use uuid::Uuid;

/// Pushes under way at once. They share few connections, and their outcomes share commits.
const AT_ONCE: usize = 256;

/// Facts that may wait for their push before the log is read further.
const MOST_WAITING: usize = 10_000;

/// The checkpoint is written after so many positions, and whenever nothing is under way.
const CHECKPOINT_EVERY: u64 = 256;

/// Facts that ask for a push, by name: the others are not even opened.
const ASKING: [&str; 2] = ["MdmCommandQueued", "PushTokenRenewed"];

/// How the timer asks for pushes.
pub(super) struct Reminders(mpsc::Sender<Due>);

impl Reminders {
    /// The reminders, and what [`run`] takes them from.
    pub fn new() -> (Reminders, mpsc::Receiver<Due>) {
        let (sender, receiver) = mpsc::channel(AT_ONCE);
        (Reminders(sender), receiver)
    }

    /// How many more reminders are taken now.
    pub fn room(&self) -> usize {
        self.0.capacity()
    }

    /// Asks for a push. What finds no room stays due.
    pub fn remind(&self, due: Due) {
        let _ = self.0.try_send(due);
    }
}

/// Sends every push that the log asks for; returns when the log is closed.
///
/// # Errors
/// If the log or the checkpoint cannot be read or written; begin again.
pub(super) async fn run(app: &App, reminders: &mut mpsc::Receiver<Due>) -> Result<(), ReactionError> {
    let begin = app.projections.checkpoint(PUSHES).await?;
    let (mut line, mut written) = (Line::new(begin), begin);
    let mut follow = app.log.follow(begin);
    let mut under_way = JoinSet::new();
    loop {
        tokio::select! {
            followed = follow.next(), if line.waiting() < MOST_WAITING => match followed? {
                Some(Followed::Events(recorded)) => recorded.iter().for_each(|fact| note(&mut line, fact)),
                Some(Followed::CaughtUp(_)) => {}
                None => return Ok(()),
            },
            Some(due) = reminders.recv() => remind(&mut line, &due),
            Some(done) = under_way.join_next() => match done {
                Ok(device) => line.done(device),
                // The task was ended with the runtime, or has a fault: begin again from the checkpoint.
                Err(error) => return Err(ReactionError::Perform(error.to_string())),
            },
        }
        while under_way.len() < AT_ONCE
            && let Some((device, ask)) = line.start()
        {
            under_way.spawn(until_settled(app.clone(), device, ask));
        }
        if let Some(settled) = line.settled_to()
            && written.is_none_or(|written| written < settled)
            && (under_way.is_empty() || written.is_none_or(|written| settled.0 - written.0 >= CHECKPOINT_EVERY))
        {
            app.projections.set_checkpoint(PUSHES, settled).await?;
            written = Some(settled);
        }
    }
}

fn note(line: &mut Line, fact: &Recorded) {
    let device = Uuid::parse_str(fact.stream.id());
    match device {
        Ok(id) if ASKING.contains(&fact.event.event_type.as_str()) => {
            let ask = Ask { cause: fact.event.id, correlation: fact.event.correlation, effect: "push" };
            line.ask(DeviceId(id), ask, fact.position);
        }
        _ => line.read(fact.position),
    }
}

fn remind(line: &mut Line, due: &Due) {
    if let Ok(id) = Uuid::parse_str(due.stream.id()) {
        line.remind(DeviceId(id), Ask { cause: due.cause, correlation: id, effect: due.kind.as_str() });
    }
}

async fn until_settled(app: App, device: DeviceId, ask: Ask) -> DeviceId {
    while let Err(error) = send::settle(&app, device, &ask).await {
        begin_again(PUSHES, &error).await;
    }
    device
}
