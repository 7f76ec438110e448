//! `muster log doctor`: examines the log and names every fault.

use super::{At, say};
use anyhow::Context as _;
use clap::{Args, Subcommand};
use events::store::sqlite::doctor::{self, Examined, Fault, Named};
use plural::counted;
use std::process::ExitCode;

#[derive(Subcommand)]
pub(crate) enum Log {
    /// Read the whole log, also while the server runs, and name every fault: two events with the same revision of a
    /// stream, missing and damaged events. Changes nothing.
    Doctor(Doctor),
}

#[derive(Args)]
pub(crate) struct Doctor {
    #[command(flatten)]
    at: At,
}

impl Log {
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            Log::Doctor(doctor) => doctor.run().await,
        }
    }
}

impl Doctor {
    async fn run(self) -> anyhow::Result<ExitCode> {
        let directory = self.at.load()?.store.directory;
        let place = directory.clone();
        let examine = move || {
            let mut is_of_log = false;
            let examined = doctor::examine(&place, |fault| {
                is_of_log |= !matches!(fault, Fault::Index(_));
                say(told(&fault));
            });
            examined.map(|examined| (examined, is_of_log))
        };
        let examined = tokio::task::spawn_blocking(examine).await?;
        let (Examined { events, streams, faults }, is_of_log) =
            examined.with_context(|| format!("cannot examine the log in {}", directory.display()))?;
        let read = format!("{} of {} read", counted(events, "event"), counted(streams, "stream"));
        if faults == 0 {
            say(format_args!("{read}: no fault"));
            return Ok(ExitCode::SUCCESS);
        }
        say(format_args!("{read}: {}", counted(faults, "fault")));
        // The line about the index says what to do.
        if is_of_log {
            say(REMEDY);
        }
        Ok(ExitCode::FAILURE)
    }
}

const REMEDY: &str = "Keep a copy of the data directory. A stream with a fault is refused, other streams are served. \
    Missing and damaged events: restore the newest backup (`muster restore`). Two events with one revision: two processes \
    wrote to the log, and the server does not start with it; restore the newest backup from before the second event, and \
    report this as a defect with the lines above.";

fn told(fault: &Fault) -> String {
    match fault {
        Fault::DoubleRevision { stream, revision, first, second } => format!(
            "two events have revision {} of stream {stream}:\n  {}\n  {}",
            revision.0,
            named(first),
            named(second)
        ),
        Fault::Gap { stream, expected, found, at } => format!(
            "stream {stream} has no events from revision {} to {} before this one:\n  {}",
            expected.0,
            found.0 - 1,
            named(at)
        ),
        Fault::Unreadable(error) => error.to_string(),
        Fault::Index(why) => {
            format!("index.db: {why}; nothing is lost: stop the server, delete index.db, and start it")
        }
    }
}

fn named(event: &Named) -> String {
    let Named { position, id, event_type, at } = event;
    format!("position {position}, {}, {event_type}, event {id}", at.to_rfc3339())
}
