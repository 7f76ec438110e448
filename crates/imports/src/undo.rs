//! Reverts an import.

use crate::error::ImportError;
use crate::{AT_ONCE, Imports, PAGE, all};
use decisions::record::{Command, Import, ImportCommand};
use events::record::ImportId;
use platform::context::Context;

/// What became of the records that an import had created, changed, missed or had again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Undone {
    /// They are as they were before the import.
    pub restored: u64,
    /// A later import changed them: they stay.
    pub kept: u64,
}

impl Imports {
    /// Undoes an import. After an error, or of an import that was undone, it does what is left.
    ///
    /// # Errors
    /// Returns an error if another import runs, there is no such import, or the log cannot be written.
    pub async fn undo(&self, import: ImportId, context: &Context) -> Result<Undone, ImportError> {
        let _turn = self.turn()?;
        let platform = &self.platform;
        platform.perform::<Import>(&import.stream(), &ImportCommand::Undo, context).await?;
        if let Some(head) = platform.log.store().head().await? {
            platform.projections.wait_for(head).await?;
        }
        let (mut undone, mut after) = (Undone::default(), None);
        loop {
            let page = projections::records::touched_by(&platform.projections, import, after, PAGE).await?;
            let Some(end) = page.last() else { return Ok(undone) };
            after = Some(*end);
            let undo = Command::UndoImport { import };
            let works = page.iter().map(|record| self.on_record(*record, &undo, context));
            for is_done in all(works.collect(), AT_ONCE).await? {
                let count = if is_done { &mut undone.restored } else { &mut undone.kept };
                *count += 1;
            }
            // The owner was found for the values that are undone.
            self.hand_keys(&page).await?;
            self.resolve(&page, |_| context.clone()).await?;
        }
    }
}
