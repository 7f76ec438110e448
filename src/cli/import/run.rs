//! Runs an import: sends the file to the running server, or imports it in this process.

use super::bad_rows::BadRows;
use super::progress::Progress;
use super::report::Report;
use super::{Records, open, unexpected};
use crate::server::command_socket::imports::{self, ImportRequest, Imported, Line, Opened, WAITING, Wanted};
use crate::server::command_socket::{self, SendError, Sent};
use anyhow::{Context as _, anyhow};
use events::record::ImportId;
use names::visible::visible_path;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use tokio::io::AsyncRead;
use tokio::sync::{mpsc, oneshot};

/// Exit code if rows were set aside.
pub(crate) const SET_ASIDE: u8 = 3;

/// The file to import.
enum Export {
    File(PathBuf, std::fs::File),
    StandardInput,
}

impl Export {
    fn open(path: &Path) -> anyhow::Result<Export> {
        if path == Path::new("-") {
            return Ok(Export::StandardInput);
        }
        let cannot = || format!("cannot read {}", visible_path(path));
        let file = std::fs::File::open(path).with_context(cannot)?;
        if file.metadata().with_context(cannot)?.is_dir() {
            return Err(anyhow!("{} is a directory: give the file that was exported", visible_path(path)));
        }
        Ok(Export::File(path.to_owned(), file))
    }

    fn path(&self) -> Option<&Path> {
        match self {
            Export::File(path, _) => Some(path),
            Export::StandardInput => None,
        }
    }

    // A pipe has no size.
    fn size(&self) -> Option<u64> {
        match self {
            Export::File(_, file) => file.metadata().ok().filter(std::fs::Metadata::is_file).map(|file| file.len()),
            Export::StandardInput => None,
        }
    }

    fn name(&self) -> String {
        self.path().map_or_else(|| "standard input".to_owned(), visible_path)
    }

    fn into_read(self) -> Box<dyn Read + Send> {
        match self {
            Export::File(_, file) => Box::new(file),
            Export::StandardInput => Box::new(std::io::stdin()),
        }
    }

    fn into_async_read(self) -> Box<dyn AsyncRead + Send + Unpin> {
        match self {
            Export::File(_, file) => Box::new(tokio::fs::File::from_std(file)),
            Export::StandardInput => Box::new(tokio::io::stdin()),
        }
    }
}

impl Records {
    /// Exit code 3 if rows were set aside.
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let wanted = self.wanted()?;
        let config = self.at.load()?;
        let export = Export::open(&self.file)?;
        let name = export.name();
        let bad = BadRows::new(self.bad_rows, export.path(), self.dry_run)?;
        let mut hearing = Hearing { bad, progress: Progress::new(export.size())?, opened: None, has_begun: false };
        let end = match command_socket::connect(&config.store.directory).await {
            Some(server) => {
                let request = ImportRequest::ImportRecords(wanted.clone());
                let broken = || format!("the connection to the server broke before {name} was sent: nothing was done");
                let Sent { lines, sent } =
                    server.send_file(&request, export.into_async_read()).await.with_context(broken)?;
                let last = hearing.hear(lines).await?;
                hearing.end(last, Some(sent), &name)
            }
            None => {
                let app = open(config).await?;
                let (sender, lines) = mpsc::channel(WAITING);
                let (service, context) = (Arc::clone(&app.imports), imports::operator(&app));
                tokio::spawn(imports::import(service, wanted.clone(), export.into_read(), context, sender));
                let last = hearing.hear(lines).await?;
                hearing.end(last, None, &name)
            }
        };
        let (imported, opened) = end?;
        let bad = hearing.bad.finish()?;
        drop(hearing.progress);
        let code = if imported.counts.bad > 0 { ExitCode::from(SET_ASIDE) } else { ExitCode::SUCCESS };
        Report { file: name, wanted, opened, imported, bad }.say(self.json)?;
        Ok(code)
    }

    fn wanted(&self) -> anyhow::Result<Wanted> {
        let read = |path: &PathBuf| {
            std::fs::read_to_string(path).with_context(|| format!("cannot read the mapping {}", visible_path(path)))
        };
        let wanted = Wanted {
            mapping: self.mapping.as_ref().map(read).transpose()?,
            preset: self.preset.map(|preset| preset.name().to_owned()),
            source: self.source.clone(),
            owners: self.owners.iter().map(ToString::to_string).collect(),
            is_complete: self.complete,
            is_rehearsal: self.dry_run,
        };
        let place = self.mapping.as_deref().map(visible_path).unwrap_or_default();
        wanted.mapping().map_err(|why| anyhow!("{place}: {why}"))?;
        Ok(wanted)
    }
}

/// Hears what an import says.
struct Hearing {
    bad: BadRows,
    progress: Progress,
    opened: Option<Opened>,
    /// The import is in the log.
    has_begun: bool,
}

impl Hearing {
    // Returns the last line, or `None` if the lines ended before it.
    async fn hear(&mut self, mut lines: mpsc::Receiver<Line>) -> anyhow::Result<Option<Line>> {
        while let Some(line) = lines.recv().await {
            match line {
                Line::Opened(opened) => {
                    self.bad.set_header(&opened.bad_file_header);
                    self.opened = Some(*opened);
                }
                Line::Begun {} => self.has_begun = true,
                Line::Progress { bytes, counts } => self.progress.set(bytes, &counts),
                Line::SetAside { line, why } => self.bad.add(&line, &why).map_err(|error| self.after(error))?,
                last => return Ok(Some(last)),
            }
        }
        Ok(None)
    }

    fn end(
        &self,
        last: Option<Line>,
        sent: Option<oneshot::Receiver<Result<(), SendError>>>,
        name: &str,
    ) -> anyhow::Result<(Imported, Opened)> {
        match (last, self.opened.clone()) {
            (Some(Line::Imported(imported)), Some(opened)) => Ok((*imported, opened)),
            (Some(Line::Refused { why }), opened) => Err(match file_error(sent) {
                Some(error) => self.after(anyhow!("{name}: {error}")),
                None if opened.is_none() => anyhow!("{name}: {why}"),
                None => self.after(anyhow!("{name}: {why}")),
            }),
            (None, _) => Err(match file_error(sent) {
                Some(error) => self.after(anyhow!("{name}: {error}")),
                // The server may have stopped before it said that the import began.
                None if !self.has_begun => anyhow!(
                    "the server stopped before it answered: run the same command again when it runs; `muster import \
                     list` shows whether the import of {name} began"
                ),
                None => self.after(anyhow!("the server stopped before the import of {name} was finished")),
            }),
            (Some(_), _) => Err(unexpected()),
        }
    }

    // Adds what was done so far, and what to do.
    fn after(&self, error: anyhow::Error) -> anyhow::Error {
        match self.opened.as_ref().filter(|_| self.has_begun).and_then(|opened| opened.import) {
            Some(import) => anyhow!("{error:#}; {}", remedy(import)),
            None => error,
        }
    }
}

fn remedy(import: ImportId) -> String {
    format!(
        "the rows that were imported until then stay: run the same command again, which continues, or undo them with \
         `muster import undo {import}`"
    )
}

// Returns why the file could not be read.
fn file_error(sent: Option<oneshot::Receiver<Result<(), SendError>>>) -> Option<SendError> {
    match sent?.try_recv() {
        Ok(Err(error @ SendError::File(_))) => Some(error),
        Ok(_) | Err(_) => None,
    }
}
