//! Files that staff upload to import their records. A file is first rehearsed, then imported on demand, one at a time
//! ([`Uploads::run`]). Uploads are in memory and in a folder of the store: a restart forgets them, because their files
//! hold personal data that no key protects.

mod asked;
mod bad_lines;
mod incoming;
mod work;

pub use asked::Asked;
pub use bad_lines::BadLine;
pub use incoming::Incoming;

use crate::Imports;
use crate::file::Noted;
use crate::undo::Undone;
use events::Timestamp;
use events::record::{ImportCounts, ImportId, OwnerCounts};
use platform::context::Context;
use records::{Format, Layout};
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::mpsc;
use uuid::Uuid;
use work::Work;

/// Maximum size of a file in bytes: 250,000 devices with 1 KB each. `muster import` reads larger ones.
pub const LARGEST: u64 = 256 * 1024 * 1024;

/// Maximum number of files that are held, so that they take at most 1 GiB of the disk that the log is on.
pub const MOST: usize = 4;

/// Seconds after which a file is removed: long enough to correct a mapping, short for personal data without a key.
pub const KEPT_SECONDS: i64 = 3_600;

/// Name of the folder in the store.
const FOLDER: &str = "uploads";

/// Id of an upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UploadId(pub Uuid);

/// What an upload has come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stage {
    /// The rehearsal waits for its turn, or goes on.
    Checking,
    Checked,
    /// The file cannot be read at all; the text says why.
    Unreadable(String),
    /// The import waits for its turn, or goes on.
    Importing,
    Imported(ImportId),
    /// The import ended early; the text says why. What it has done stays.
    Interrupted(String),
}

/// An uploaded file.
#[derive(Debug, Clone)]
pub struct Upload {
    /// File name as the browser told it. Only for display.
    pub name: String,
    pub size: u64,
    pub at: Timestamp,
    pub asked: Asked,
    pub stage: Stage,
    /// `None` until the file was opened.
    pub layout: Option<Box<Layout>>,
    /// Bytes read so far in this stage.
    pub bytes: u64,
    pub counts: ImportCounts,
    /// What was found out about the owners of the rows; `None` until the file is read, or if there is no owner rule.
    pub owners: Option<OwnerCounts>,
    /// The notes of the reader, when the file is read.
    pub noted: Vec<Noted>,
    /// Rows without a value in a column that the mapping names.
    pub skipped: u64,
    /// The first rows that were set aside.
    pub bad: Vec<BadLine>,
    /// The file of rows that were set aside is not complete, because it would be too large.
    pub is_bad_file_cut: bool,
}

/// What an undo has come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UndoStage {
    Running,
    Undone(Undone),
    /// It ended early; the text says why.
    Interrupted(String),
}

/// Why an upload is refused.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    #[error("The file is larger than {} MB. Import it on the server, with muster import.", LARGEST / 1024 / 1024)]
    TooLarge,
    #[error("The file is empty.")]
    Empty,
    #[error("{MOST} uploaded files wait for their import already. Import or discard one of them.")]
    TooMany,
    #[error("The disk of the server is nearly full, so that it takes no files.")]
    DiskNearlyFull,
    #[error("Another import or undo runs. Wait until it has ended, then repeat this.")]
    Busy,
    #[error(
        "The file is gone: uploaded files are removed after an hour and at a restart of the server. Upload it again."
    )]
    Gone,
    #[error("The file was not checked, or cannot be read.")]
    NotChecked,
    #[error("The file cannot be stored: {0}")]
    File(#[from] io::Error),
}

/// The uploaded files, and the work on them.
pub struct Uploads {
    imports: Arc<Imports>,
    directory: PathBuf,
    held: Mutex<Held>,
    work: mpsc::UnboundedSender<Work>,
    queue: Mutex<Option<mpsc::UnboundedReceiver<Work>>>,
}

#[derive(Default)]
struct Held {
    uploads: BTreeMap<UploadId, Upload>,
    /// Number of files that are being received.
    incoming: usize,
    undos: BTreeMap<ImportId, UndoStage>,
}

impl Uploads {
    /// `store`: the directory of the log.
    pub fn new(imports: Arc<Imports>, store: &Path) -> Uploads {
        let (work, queue) = mpsc::unbounded_channel();
        let (directory, held) = (store.join(FOLDER), Mutex::default());
        Uploads { imports, directory, held, work, queue: Mutex::new(Some(queue)) }
    }

    /// Removes the files that an earlier process has left.
    ///
    /// # Errors
    /// Returns an error if the folder cannot be removed.
    pub fn clear(&self) -> io::Result<()> {
        match std::fs::remove_dir_all(&self.directory) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            outcome => outcome,
        }
    }

    /// Returns the uploads, the oldest first.
    pub fn list(&self) -> Vec<(UploadId, Upload)> {
        self.held().uploads.iter().map(|(id, upload)| (*id, upload.clone())).collect()
    }

    /// Returns an upload.
    ///
    /// # Errors
    /// Returns an error if there is none with this id.
    pub fn get(&self, id: UploadId) -> Result<Upload, UploadError> {
        self.held().uploads.get(&id).cloned().ok_or(UploadError::Gone)
    }

    /// Returns the file of the rows that were set aside, and its format.
    ///
    /// # Errors
    /// Returns an error if no row was set aside.
    pub fn bad_file(&self, id: UploadId) -> Result<(PathBuf, Format), UploadError> {
        let upload = self.get(id)?;
        let layout = upload.layout.filter(|_| upload.counts.bad > 0).ok_or(UploadError::Gone)?;
        Ok((self.bad_path(id), layout.format))
    }

    /// Checks a file again with another mapping.
    ///
    /// # Errors
    /// Returns an error if there is no such file, or it is imported.
    pub fn check_again(&self, id: UploadId, asked: Asked, context: Context) -> Result<(), UploadError> {
        let mut held = self.held();
        let upload = held.uploads.get_mut(&id).ok_or(UploadError::Gone)?;
        match upload.stage {
            Stage::Checking | Stage::Importing => return Err(UploadError::Busy),
            Stage::Imported(_) => return Err(UploadError::Gone),
            Stage::Checked | Stage::Unreadable(_) | Stage::Interrupted(_) => {}
        }
        (upload.asked, upload.layout) = (asked, None);
        upload.restart(Stage::Checking);
        self.put(Work::Check(id, context));
        Ok(())
    }

    /// Imports a file that was checked. An import that ended early can be repeated.
    ///
    /// # Errors
    /// Returns an error if there is no such file, it was not checked, or another import or undo runs.
    pub fn import(&self, id: UploadId, context: Context) -> Result<(), UploadError> {
        let mut held = self.held();
        let stage = &held.uploads.get(&id).ok_or(UploadError::Gone)?.stage;
        match stage {
            Stage::Checked | Stage::Interrupted(_) => {}
            Stage::Importing | Stage::Imported(_) => return Ok(()),
            Stage::Checking | Stage::Unreadable(_) => return Err(UploadError::NotChecked),
        }
        self.refuse_if_busy(&held)?;
        if let Some(upload) = held.uploads.get_mut(&id) {
            upload.restart(Stage::Importing);
        }
        self.put(Work::Import(id, context));
        Ok(())
    }

    /// Removes an upload and its files.
    ///
    /// # Errors
    /// Returns an error if its import runs.
    pub fn discard(&self, id: UploadId) -> Result<(), UploadError> {
        let mut held = self.held();
        if held.uploads.get(&id).is_some_and(|upload| upload.stage == Stage::Importing) {
            return Err(UploadError::Busy);
        }
        held.uploads.remove(&id);
        self.remove_files(id);
        Ok(())
    }

    /// Undoes an import, or what an interrupted undo has left.
    ///
    /// # Errors
    /// Returns an error if another import or undo runs.
    pub fn undo(&self, import: ImportId, context: Context) -> Result<(), UploadError> {
        let mut held = self.held();
        self.refuse_if_busy(&held)?;
        held.undos.insert(import, UndoStage::Running);
        self.put(Work::Undo(import, context));
        Ok(())
    }

    /// Returns what the undo of an import has come to; `None` if this process has undone none.
    pub fn undo_of(&self, import: ImportId) -> Option<UndoStage> {
        self.held().undos.get(&import).cloned()
    }

    /// Returns the import that runs now.
    pub fn running(&self) -> Option<ImportId> {
        self.imports.running()
    }

    fn refuse_if_busy(&self, held: &Held) -> Result<(), UploadError> {
        let imports = held.uploads.values().any(|upload| upload.stage == Stage::Importing);
        let undoes = held.undos.values().any(|undo| *undo == UndoStage::Running);
        if imports || undoes || self.imports.running().is_some() { Err(UploadError::Busy) } else { Ok(()) }
    }

    fn put(&self, work: Work) {
        // The receiver lives as long as the server.
        let _ = self.work.send(work);
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn path(&self, id: UploadId) -> PathBuf {
        self.directory.join(id.0.to_string())
    }

    fn bad_path(&self, id: UploadId) -> PathBuf {
        self.directory.join(format!("{}.set-aside", id.0))
    }

    // A file that cannot be removed is removed at the next start.
    fn remove_files(&self, id: UploadId) {
        let _ = std::fs::remove_file(self.path(id));
        let _ = std::fs::remove_file(self.bad_path(id));
    }
}

impl Upload {
    fn restart(&mut self, stage: Stage) {
        self.stage = stage;
        (self.bytes, self.counts, self.is_bad_file_cut) = Default::default();
        (self.owners, self.skipped) = Default::default();
        self.noted.clear();
        self.bad.clear();
    }

    /// Returns whether something goes on.
    pub fn is_under_way(&self) -> bool {
        matches!(self.stage, Stage::Checking | Stage::Importing)
    }
}
