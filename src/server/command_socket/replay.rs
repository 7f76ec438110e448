//! `muster replay` through the command socket: the server builds projections again while it serves.

use super::{Server, line_of};
use crate::app::App;
use projections::{Building, ProjectionError, Projections, Rebuilt};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::unix::OwnedWriteHalf;

/// Interval of the lines about the progress.
const TELL_EVERY: Duration = Duration::from_millis(500);

/// A request. `names`: empty means all projections.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "kebab-case", deny_unknown_fields)]
enum ReplayRequest {
    Replay { names: Vec<String> },
}

/// The command's name in a request.
pub(super) const COMMAND: &str = "replay";

/// A line of the answer. The last one is `Done` or `Refused`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "line", rename_all = "kebab-case")]
pub(crate) enum ReplayLine {
    Progress { reached: u64, of: u64 },
    Done(Replayed),
    Refused { why: String },
}

/// What a replay led to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Replayed {
    pub(crate) events: u64,
    /// Tables whose rows differ from before; `None` if they could not be compared.
    pub(crate) changed: Option<Vec<String>>,
    /// Projections that could not be built, with the reason.
    pub(crate) failed: Vec<String>,
}

impl From<Rebuilt> for Replayed {
    fn from(rebuilt: Rebuilt) -> Replayed {
        let failed = rebuilt.failed.into_iter().map(|(name, error)| match error {
            // It names the projection.
            error @ ProjectionError::Stopped { .. } => error.to_string(),
            error => format!("projection {name}: {error}"),
        });
        Replayed { events: rebuilt.events, changed: rebuilt.changed, failed: failed.collect() }
    }
}

/// Builds the projections `names` again, all if there are none.
///
/// # Errors
/// Returns why, if a name is unknown or the log cannot be read.
pub(crate) async fn replay(app: &App, names: &[String]) -> Result<Replayed, String> {
    let projections = &app.platform.projections;
    let all = projections.names();
    let mut chosen = Vec::new();
    for name in names {
        let known = all.iter().find(|known| *known == name);
        chosen
            .push(*known.ok_or_else(|| format!("there is no projection “{name}”: the names are {}", all.join(", ")))?);
    }
    let chosen = if chosen.is_empty() { all } else { chosen };
    let rebuilt = projections.rebuild_some(&app.platform.log, &chosen).await;
    rebuilt.map(Replayed::from).map_err(|error| error.to_string())
}

/// Returns how far the replay that runs is.
pub(crate) fn progress(projections: &Projections) -> Option<Building> {
    projections.health().each.into_values().find_map(|one| one.building)
}

/// Answers a request. If the command goes away, the replay is given up, and the rows stay as they are.
pub(super) async fn converse(app: &App, line: &str, mut writer: OwnedWriteHalf) -> std::io::Result<()> {
    let names = match serde_json::from_str(line) {
        Ok(ReplayRequest::Replay { names }) => names,
        Err(error) => return writer.write_all(&line_of(&ReplayLine::Refused { why: super::unparsed(&error) })?).await,
    };
    let work = replay(app, &names);
    tokio::pin!(work);
    loop {
        tokio::select! {
            done = &mut work => {
                let last = done.map_or_else(|why| ReplayLine::Refused { why }, ReplayLine::Done);
                return writer.write_all(&line_of(&last)?).await;
            }
            () = tokio::time::sleep(TELL_EVERY) => {
                if let Some(Building { reached, of }) = progress(&app.platform.projections) {
                    writer.write_all(&line_of(&ReplayLine::Progress { reached, of })?).await?;
                }
            }
        }
    }
}

impl Server {
    /// Has the running server build projections again, and calls `tell` with the progress.
    ///
    /// # Errors
    /// Returns an error if the connection breaks or the server refuses.
    pub(crate) async fn replay(
        self,
        names: Vec<String>,
        mut tell: impl FnMut(u64, u64),
    ) -> Result<Replayed, std::io::Error> {
        let (reader, mut writer) = self.0.into_split();
        writer.write_all(&line_of(&ReplayRequest::Replay { names })?).await?;
        let mut lines = BufReader::new(reader).lines();
        while let Some(line) = lines.next_line().await? {
            match serde_json::from_str(&line)? {
                ReplayLine::Progress { reached, of } => tell(reached, of),
                ReplayLine::Done(replayed) => return Ok(replayed),
                ReplayLine::Refused { why } => return Err(std::io::Error::other(why)),
            }
        }
        Err(std::io::Error::other("the server stopped before the projections were built; they have the rows of before"))
    }
}
