//! `muster.sock`: the socket on which subcommands that write reach the running server, since only the server may write
//! to the log. Each request and each response is one line of JSON. The file's mode (0600) is the authentication.

use crate::app::App;
use crate::app::start_error::StartError;
use staff::administration::{Answer, Request, execute};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
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

async fn converse(app: &App, connection: UnixStream) -> std::io::Result<()> {
    let (reader, mut writer) = connection.into_split();
    let mut line = String::new();
    BufReader::new(reader.take(LONGEST_REQUEST)).read_line(&mut line).await?;
    let answer = match serde_json::from_str::<Request>(&line) {
        Ok(request) => execute(&app.staff, request).await,
        Err(error) => Answer::refused(format!("the server cannot parse the command: {error}")),
    };
    writer.write_all(&line_of(&answer)?).await
}

fn line_of(value: &impl serde::Serialize) -> std::io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(value)?;
    line.push(b'\n');
    Ok(line)
}

/// Sends a request to the running server. Returns `None` if no server is running.
///
/// # Errors
/// Returns an error if the connection breaks. The command may or may not have been performed.
pub(crate) async fn ask(directory: &Path, request: &Request) -> std::io::Result<Option<Answer>> {
    let Ok(mut connection) = UnixStream::connect(path(directory)).await else {
        return Ok(None);
    };
    connection.write_all(&line_of(request)?).await?;
    let mut line = String::new();
    BufReader::new(connection).read_line(&mut line).await?;
    Ok(Some(serde_json::from_str(&line)?))
}
