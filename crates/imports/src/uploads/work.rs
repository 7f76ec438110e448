//! The work on uploads, one after the other: rehearsals, imports and undos.

use super::bad_lines::{BadLines, read_back};
use super::{KEPT_SECONDS, Stage, UndoStage, Upload, UploadError, UploadId, Uploads};
use crate::{Finished, ImportError, SetAside, Told};
use events::record::ImportId;
use platform::context::Context;
use std::io;
use std::sync::PoisonError;
use std::time::Duration;
use tokio::sync::mpsc;

/// Why a file was not read.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error("{0}")]
    Mapping(String),
    #[error(transparent)]
    Gone(#[from] UploadError),
    #[error(transparent)]
    File(#[from] io::Error),
    #[error(transparent)]
    Import(#[from] ImportError),
}

/// Maximum number of set-aside rows that a page shows.
const SHOWN: usize = 20;

/// How often old files are looked for.
const LOOK: Duration = Duration::from_secs(60);

/// How long a rehearsal waits for the end of another import before it tries again.
const AGAIN: Duration = Duration::from_millis(500);

/// Work that waits for its turn.
pub(super) enum Work {
    Check(UploadId, Context),
    Import(UploadId, Context),
    Undo(ImportId, Context),
}

impl Uploads {
    /// Does the work, and removes old files, as long as the server runs. The second call returns at once.
    pub async fn run(&self) {
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(mut queue) = queue else { return };
        let mut look = tokio::time::interval(LOOK);
        loop {
            tokio::select! {
                work = queue.recv() => match work {
                    Some(Work::Check(id, context)) => self.check(id, &context).await,
                    Some(Work::Import(id, context)) => self.do_import(id, &context).await,
                    Some(Work::Undo(import, context)) => self.do_undo(import, &context).await,
                    None => return,
                },
                _ = look.tick() => self.remove_old(),
            }
        }
    }

    /// Removes the files that are too old. [`Uploads::run`] calls it every minute.
    pub fn remove_old(&self) {
        let now = self.imports.platform.world.now();
        let is_old = |upload: &Upload| !upload.is_under_way() && now.seconds_since(upload.at) >= KEPT_SECONDS;
        let mut held = self.held();
        let old: Vec<_> = held.uploads.iter().filter(|(_, upload)| is_old(upload)).map(|(id, _)| *id).collect();
        for id in old {
            held.uploads.remove(&id);
            self.remove_files(id);
        }
    }

    async fn check(&self, id: UploadId, context: &Context) {
        let mut read = self.read(id, true, context).await;
        // An import from the command line runs.
        while matches!(read, Err(Fault::Import(ImportError::Busy))) {
            tokio::time::sleep(AGAIN).await;
            read = self.read(id, true, context).await;
        }
        let stage = match read {
            Ok(_) => Stage::Checked,
            Err(error) => Stage::Unreadable(error.to_string()),
        };
        self.change(id, |upload| upload.stage = stage);
    }

    async fn do_import(&self, id: UploadId, context: &Context) {
        let stage = match self.read(id, false, context).await {
            Ok(Finished { import: Some(import), .. }) => {
                // The rows that were set aside stay for a while. A file that cannot be removed is removed later.
                let _ = std::fs::remove_file(self.path(id));
                Stage::Imported(import)
            }
            Ok(Finished { import: None, .. }) => Stage::Checked,
            Err(error) => Stage::Interrupted(error.to_string()),
        };
        self.change(id, |upload| upload.stage = stage);
    }

    async fn do_undo(&self, import: ImportId, context: &Context) {
        let stage = match self.imports.undo(import, context).await {
            Ok(undone) => UndoStage::Undone(undone),
            Err(error) => UndoStage::Interrupted(error.to_string()),
        };
        self.held().undos.insert(import, stage);
    }

    // Reads the file while what it says is noted.
    async fn read(&self, id: UploadId, is_rehearsal: bool, context: &Context) -> Result<Finished, Fault> {
        let order = self.get(id)?.asked.order(is_rehearsal).map_err(Fault::Mapping)?;
        let file = tokio::fs::File::open(self.path(id)).await?.into_std().await;
        let (sender, told) = mpsc::channel(16);
        let importing = async move { self.imports.run(file, order, context, &sender).await };
        let (finished, noted) = tokio::join!(importing, self.note(id, told));
        let finished = finished?;
        noted?;
        self.change(id, |upload| {
            (upload.counts, upload.owners, upload.skipped) = (finished.counts, finished.owners, finished.skipped);
            upload.noted.clone_from(&finished.noted);
        });
        Ok(finished)
    }

    async fn note(&self, id: UploadId, mut told: mpsc::Receiver<Told>) -> io::Result<()> {
        let mut lines = None;
        while let Some(told) = told.recv().await {
            match told {
                Told::Opened(layout) => {
                    lines = Some(BadLines::create(&self.bad_path(id), &layout).await?);
                    self.change(id, |upload| upload.layout = Some(layout));
                }
                Told::Begun => {}
                Told::Progress { bytes, counts, .. } => {
                    self.change(id, |upload| (upload.bytes, upload.counts) = (bytes, counts));
                }
                Told::SetAside(SetAside { line, why }) => {
                    let is_cut = match &mut lines {
                        Some(lines) => !lines.write(&line).await?,
                        None => false,
                    };
                    self.change(id, |upload| {
                        upload.is_bad_file_cut |= is_cut;
                        if let Some(layout) = upload.layout.as_ref().filter(|_| upload.bad.len() < SHOWN) {
                            upload.bad.push(read_back(&line, why, layout.format));
                        }
                    });
                }
            }
        }
        match lines {
            Some(lines) => lines.finish().await,
            None => Ok(()),
        }
    }

    fn change(&self, id: UploadId, change: impl FnOnce(&mut Upload)) {
        if let Some(upload) = self.held().uploads.get_mut(&id) {
            change(upload);
        }
    }
}
