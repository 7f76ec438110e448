//! How far the projections must be before a task reads from them what is due: past what the task itself has written.

use super::ReactionError;
use crate::app::App;
use events::Position;

/// Position of the last event that a task has written. Until the projections have folded it, they list work that is
/// done and count too little. At the first look it is the end of the log: the process before this one may have ended
/// before the projections folded its last events.
#[derive(Debug, Default)]
pub(super) struct Written(Option<Position>);

impl Written {
    /// Returns whether the projections have folded what was written.
    ///
    /// # Errors
    /// Returns an error if the log cannot be read.
    pub(super) async fn is_folded(&mut self, app: &App) -> Result<bool, ReactionError> {
        if self.0.is_none() {
            self.note_head(app).await?;
        }
        Ok(self.0 <= app.platform.projections.health().position)
    }

    pub(super) fn note(&mut self, position: Option<Position>) {
        self.0 = position.max(self.0);
    }

    /// Notes everything that the log has.
    ///
    /// # Errors
    /// Returns an error if the log cannot be read.
    pub(super) async fn note_head(&mut self, app: &App) -> Result<(), ReactionError> {
        self.note(app.platform.log.store().head().await?);
        Ok(())
    }
}
