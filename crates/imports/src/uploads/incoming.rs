//! A file that is being received. Nothing of it stays if it is dropped before it is complete.

use super::work::Work;
use super::{Asked, LARGEST, MOST, Stage, Upload, UploadError, UploadId, Uploads};
use events::record::ImportCounts;
use platform::context::Context;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::sync::Arc;
use tokio::fs::File;
use tokio::io::AsyncWriteExt as _;

/// A file that is being received.
pub struct Incoming {
    uploads: Arc<Uploads>,
    id: UploadId,
    file: File,
    size: u64,
    is_kept: bool,
}

impl Uploads {
    /// Begins to receive a file.
    ///
    /// # Errors
    /// Returns an error if too many files wait, the disk is nearly full, or the file cannot be created.
    pub async fn receive(self: &Arc<Uploads>) -> Result<Incoming, UploadError> {
        if self.imports.platform.disk.is_nearly_full() {
            return Err(UploadError::DiskNearlyFull);
        }
        let id = UploadId(self.imports.platform.world.uuid());
        self.make_room()?;
        match self.create(id).await {
            Ok(file) => Ok(Incoming { uploads: Arc::clone(self), id, file, size: 0, is_kept: false }),
            Err(error) => {
                self.held().incoming -= 1;
                Err(error.into())
            }
        }
    }

    async fn create(&self, id: UploadId) -> io::Result<File> {
        let mut folder = std::fs::DirBuilder::new();
        folder.recursive(true).mode(0o700).create(&self.directory)?;
        File::options().write(true).create_new(true).mode(0o600).open(self.path(id)).await
    }

    // Counts the new file. The oldest upload with which nothing is left to do makes room for it.
    fn make_room(&self) -> Result<(), UploadError> {
        let mut held = self.held();
        if held.uploads.len() + held.incoming >= MOST {
            let is_over = |upload: &Upload| matches!(upload.stage, Stage::Imported(_) | Stage::Unreadable(_));
            let over = held.uploads.iter().find(|(_, upload)| is_over(upload)).map(|(id, _)| *id);
            let over = over.ok_or(UploadError::TooMany)?;
            held.uploads.remove(&over);
            self.remove_files(over);
        }
        held.incoming += 1;
        Ok(())
    }
}

impl Incoming {
    /// Adds bytes to the file.
    ///
    /// # Errors
    /// Returns an error if the file gets too large, or cannot be written.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), UploadError> {
        self.size = grown(self.size, bytes.len())?;
        Ok(self.file.write_all(bytes).await?)
    }

    /// Keeps the complete file, and begins its rehearsal. `name`: the file name that the browser told.
    ///
    /// # Errors
    /// Returns an error if the file is empty, or cannot be written.
    pub async fn keep(mut self, name: String, asked: Asked, context: Context) -> Result<UploadId, UploadError> {
        if self.size == 0 {
            return Err(UploadError::Empty);
        }
        self.file.flush().await?;
        let upload = Upload {
            name,
            size: self.size,
            at: self.uploads.imports.platform.world.now(),
            asked,
            stage: Stage::Checking,
            layout: None,
            bytes: 0,
            counts: ImportCounts::default(),
            owners: None,
            noted: Vec::new(),
            skipped: 0,
            bad: Vec::new(),
            is_bad_file_cut: false,
        };
        self.uploads.held().uploads.insert(self.id, upload);
        self.is_kept = true;
        self.uploads.put(Work::Check(self.id, context));
        Ok(self.id)
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        self.uploads.held().incoming -= 1;
        if !self.is_kept {
            self.uploads.remove_files(self.id);
        }
    }
}

fn grown(size: u64, by: usize) -> Result<u64, UploadError> {
    Some(size + by as u64).filter(|size| *size <= LARGEST).ok_or(UploadError::TooLarge)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_may_have_the_largest_size_and_not_a_byte_more() {
        assert_eq!(grown(LARGEST - 1, 1).ok(), Some(LARGEST));
        assert!(matches!(grown(LARGEST, 1), Err(UploadError::TooLarge)));
    }
}
