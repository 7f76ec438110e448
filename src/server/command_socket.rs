//! `muster.sock`: subcommands that write reach the running server here, since only it may write to the log. One request
//! a line, JSON; one answer a line. The file's mode (0600) is the authentication.

use crate::app::App;
use crate::app::assemble::StartError;
use staff::administration::{Answer, Request, execute};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinSet;

/// More than any settings file has.
const LONGEST_REQUEST: u64 = 4 * 1024 * 1024;

/// Where the socket of a store directory is.
pub fn path(directory: &Path) -> PathBuf {
    directory.join("muster.sock")
}

/// Opens the socket. The log's writer lock is held, so that a socket left behind by a crash is nobody's.
///
/// # Errors
/// If it cannot be made.
pub fn listen(app: &App, tasks: &mut JoinSet<()>) -> Result<(), StartError> {
    let path = path(&app.config.store.directory);
    let listener = bind(&path).map_err(|why| StartError::Socket { path, why })?;
    tasks.spawn(accept(app.clone(), listener));
    Ok(())
}

// The socket comes into being under another name, which nobody else connects to, and gets its mode before its name.
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

/// Removes the socket at the end.
pub fn remove(app: &App) {
    // Left behind it does no harm: the next server replaces it.
    let _ = std::fs::remove_file(path(&app.config.store.directory));
}

async fn accept(app: App, listener: UnixListener) {
    loop {
        match listener.accept().await {
            Ok((connection, _)) => {
                let app = app.clone();
                tokio::spawn(async move {
                    if let Err(error) = converse(&app, connection).await {
                        tracing::warn!(%error, "a command over the socket broke off");
                    }
                });
            }
            Err(error) => {
                tracing::warn!(%error, "the command socket does not accept");
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
        Err(error) => Answer::refused(format!("the server does not understand the command: {error}")),
    };
    writer.write_all(&line_of(&answer)?).await
}

fn line_of(value: &impl serde::Serialize) -> std::io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(value)?;
    line.push(b'\n');
    Ok(line)
}

/// Asks the running server. `None`: none is running.
///
/// # Errors
/// If the conversation breaks off: the command may or may not have been performed.
pub async fn ask(directory: &Path, request: &Request) -> std::io::Result<Option<Answer>> {
    let Ok(mut connection) = UnixStream::connect(path(directory)).await else {
        return Ok(None);
    };
    connection.write_all(&line_of(request)?).await?;
    let mut line = String::new();
    BufReader::new(connection).read_line(&mut line).await?;
    Ok(Some(serde_json::from_str(&line)?))
}
