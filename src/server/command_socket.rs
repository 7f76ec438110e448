//! `muster.sock`: the socket on which subcommands that write reach the running server, since only the server may write
//! to the log. Each request and each response is one line of JSON; the file of an import follows its request; the
//! answers about imports and replays are several lines. The file's mode (0600) is the authentication.

pub(crate) mod imports;
pub(crate) mod replay;
mod transfer;

pub(crate) use transfer::SendError;

use crate::app::App;
use crate::app::start_error::StartError;
use imports::{ImportRequest, Line, WAITING};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use staff::administration::{Answer, Request, execute};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

/// Limit for a request, in bytes: larger than any settings file.
const LONGEST_REQUEST: u64 = 4 * 1024 * 1024;

/// Returns the path of the socket in a store directory.
pub(crate) fn path(directory: &Path) -> PathBuf {
    directory.join("muster.sock")
}

/// Opens the socket. The caller holds the log's writer lock, so an existing socket file was left behind by a crash and
/// can be replaced.
///
/// # Errors
/// Returns an error if the socket cannot be created.
pub(crate) fn listen(app: &App, tasks: &mut JoinSet<()>) -> Result<(), StartError> {
    let path = path(&app.config.store.directory);
    let listener = bind(&path).map_err(|why| StartError::Socket { path, why })?;
    tasks.spawn(accept(app.clone(), listener));
    Ok(())
}

// The socket is created under a temporary name, to which no client connects. It gets its mode before its final name.
fn bind(path: &Path) -> std::io::Result<UnixListener> {
    let new = path.with_extension("new");
    for left_over in [path, &new] {
        match std::fs::remove_file(left_over) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    let listener = UnixListener::bind(&new)?;
    std::fs::set_permissions(&new, std::fs::Permissions::from_mode(0o600))?;
    std::fs::rename(&new, path)?;
    Ok(listener)
}

/// Removes the socket when the server stops.
pub(crate) fn remove(app: &App) {
    // A leftover file is harmless: the next server replaces it.
    let _ = std::fs::remove_file(path(&app.config.store.directory));
}

async fn accept(app: App, listener: UnixListener) {
    loop {
        match listener.accept().await {
            Ok((connection, _)) => {
                let app = app.clone();
                tokio::spawn(async move {
                    if let Err(error) = converse(&app, connection).await {
                        tracing::warn!(%error, "the connection of a command on the command socket broke");
                    }
                });
            }
            Err(error) => {
                tracing::warn!(%error, "the command socket cannot accept a connection");
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            }
        }
    }
}

/// The name of a command, which every request has.
#[derive(Deserialize)]
struct Named {
    command: String,
}

async fn converse(app: &App, connection: UnixStream) -> std::io::Result<()> {
    let (reader, mut writer) = connection.into_split();
    let mut reader = BufReader::new(reader);
    let mut line = String::new();
    (&mut reader).take(LONGEST_REQUEST).read_line(&mut line).await?;
    let named = serde_json::from_str::<Named>(&line).map(|named| named.command).unwrap_or_default();
    if imports::COMMANDS.contains(&named.as_str()) {
        return converse_about_imports(app, &line, reader, writer).await;
    }
    if named == replay::COMMAND {
        return replay::converse(app, &line, writer).await;
    }
    let answer = match serde_json::from_str::<Request>(&line) {
        Ok(request) => execute(&app.staff, request).await,
        Err(error) => Answer::refused(unparsed(&error)),
    };
    writer.write_all(&line_of(&answer)?).await
}

fn unparsed(error: &serde_json::Error) -> String {
    format!("the server cannot parse the command: {error}")
}

async fn converse_about_imports(
    app: &App,
    line: &str,
    reader: BufReader<OwnedReadHalf>,
    mut writer: OwnedWriteHalf,
) -> std::io::Result<()> {
    let answer = match serde_json::from_str::<ImportRequest>(line) {
        Ok(ImportRequest::ImportRecords(wanted)) => {
            let (sender, mut lines) = mpsc::channel(WAITING);
            let file = transfer::receive(reader, transfer::PATIENCE);
            let import = imports::import(Arc::clone(&app.imports), wanted, file, imports::operator(app), sender);
            // The receiver is dropped after an error, and the import goes on: a file that was sent to its end is
            // imported although nobody hears the result.
            let answer = async move {
                while let Some(line) = lines.recv().await {
                    writer.write_all(&line_of(&line)?).await?;
                }
                Ok(())
            };
            return tokio::join!(import, answer).1;
        }
        Ok(ImportRequest::UndoImport { import }) => imports::undo(app, import).await,
        Ok(ImportRequest::ListImports { after }) => imports::list(app, after).await,
        Err(error) => Line::Refused { why: unparsed(&error) },
    };
    writer.write_all(&line_of(&answer)?).await
}

fn line_of(value: &impl Serialize) -> std::io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(value)?;
    line.push(b'\n');
    Ok(line)
}

/// Sends a request to the running server. Returns `None` if no server is running.
///
/// # Errors
/// Returns an error if the connection breaks. The command may or may not have been performed.
pub(crate) async fn ask<A: DeserializeOwned>(directory: &Path, request: &impl Serialize) -> std::io::Result<Option<A>> {
    let Some(Server(mut connection)) = connect(directory).await else { return Ok(None) };
    connection.write_all(&line_of(request)?).await?;
    let mut line = String::new();
    BufReader::new(connection).read_line(&mut line).await?;
    Ok(Some(serde_json::from_str(&line)?))
}

/// A connection to the running server.
pub(crate) struct Server(UnixStream);

/// Connects to the running server. Returns `None` if no server is running.
pub(crate) async fn connect(directory: &Path) -> Option<Server> {
    UnixStream::connect(path(directory)).await.ok().map(Server)
}

/// A file that is sent to the running server.
pub(crate) struct Sent {
    /// The lines of the answer. They end early if the server stops.
    pub(crate) lines: mpsc::Receiver<Line>,
    /// How the sending ended. It is there before the server sees the end.
    pub(crate) sent: oneshot::Receiver<Result<(), SendError>>,
}

impl Server {
    /// Sends a file while the answer is received.
    ///
    /// # Errors
    /// Returns an error if the connection breaks before the file is sent.
    pub(crate) async fn send_file(
        self,
        request: &ImportRequest,
        file: impl AsyncRead + Send + Unpin + 'static,
    ) -> std::io::Result<Sent> {
        let (reader, mut writer) = self.0.into_split();
        writer.write_all(&line_of(request)?).await?;
        let (sender, lines) = mpsc::channel(WAITING);
        tokio::spawn(receive_lines(reader, sender));
        let (outcome, sent) = oneshot::channel();
        tokio::spawn(async move {
            // The command may have ended.
            let _ = outcome.send(transfer::send(file, &mut writer).await);
            drop(writer);
        });
        Ok(Sent { lines, sent })
    }
}

// A line that cannot be parsed ends the lines like a broken connection.
async fn receive_lines(reader: OwnedReadHalf, sender: mpsc::Sender<Line>) {
    let mut reader = BufReader::new(reader);
    let mut line = String::new();
    while reader.read_line(&mut line).await.is_ok_and(|length| length > 0)
        && let Ok(parsed) = serde_json::from_str(&line)
        && sender.send(parsed).await.is_ok()
    {
        line.clear();
    }
}
