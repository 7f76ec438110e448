//! The progress bar of an import. It is shown at a terminal only, on standard error.

use events::record::ImportCounts;
use indicatif::{ProgressBar, ProgressStyle};

pub(super) struct Progress(ProgressBar);

impl Progress {
    /// `size`: that of the file in bytes, if it is known.
    pub(super) fn new(size: Option<u64>) -> anyhow::Result<Progress> {
        let (bar, template) = match size {
            Some(size) => (ProgressBar::new(size), "{bar:40} {bytes}/{total_bytes}, {elapsed}, {eta} left {msg}"),
            None => (ProgressBar::new_spinner(), "{spinner} {bytes}, {elapsed} {msg}"),
        };
        bar.set_style(ProgressStyle::with_template(template)?);
        Ok(Progress(bar))
    }

    pub(super) fn set(&self, bytes: u64, counts: &ImportCounts) {
        let ImportCounts { new, changed, unchanged, bad, erased, missing: _ } = counts;
        let rows = new + changed + unchanged + bad + erased;
        self.0.set_position(bytes);
        self.0.set_message(format!("({rows} rows, {bad} set aside)"));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
