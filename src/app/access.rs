//! Reading is recorded, too: which record was looked at by whom, and when.

use crate::app::App;
use crate::app::context::Context;
use events::log::Draft;
use events::staff::{AccessEvent, StaffId};
use events::store::{AppendError, Expected};

impl App {
    /// Writes down that `staff` is about to be shown something. It is durable when this returns: show it afterwards.
    ///
    /// # Errors
    /// If the log cannot be written; then nothing may be shown.
    pub async fn record_access(&self, staff: StaffId, event: AccessEvent, context: Context) -> Result<(), AppendError> {
        let at = self.world.now();
        let draft = Draft {
            id: self.world.event_id(),
            at,
            actor: context.actor,
            source: context.source,
            correlation: context.correlation,
            causation: context.causation,
            event: event.into(),
        };
        // Nothing is decided by what was looked at before, so nobody has to be told to try again.
        self.log.append(&staff.access_stream(&at.day()), Expected::Any, vec![draft]).await.map(drop)
    }
}
