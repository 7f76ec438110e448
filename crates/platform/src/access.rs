//! Reading is recorded, too: which record was looked at by whom, and when.

use crate::Platform;
use crate::context::Context;
use events::StreamName;
use events::envelope::EventId;
use events::log::Draft;
use events::staff::{AccessEvent, ApiResource, StaffId};
use events::store::{AppendError, Expected};

impl Platform {
    /// Writes down that `staff` is about to be shown something. It is durable when this returns: show it afterwards.
    ///
    /// # Errors
    /// If the log cannot be written; then nothing may be shown.
    pub async fn record_access(&self, staff: StaffId, event: AccessEvent, context: Context) -> Result<(), AppendError> {
        let stream = staff.access_stream(&self.world.now().day());
        // Nothing is decided by what was looked at before, so nobody has to be told to try again.
        self.append_access(&stream, Expected::Any, event, context).await
    }

    /// Writes down that a program is about to be given something: once an hour for the same question. One that asks for
    /// news every few seconds would otherwise write more than it reads, and find its own reading in the news each time.
    /// The hour has a stream of its own, which is begun once, whichever node and however often asks.
    ///
    /// # Errors
    /// If the log cannot be written; then nothing may be handed out.
    pub async fn record_api_read(
        &self,
        client: StaffId,
        resource: ApiResource,
        filters: Vec<String>,
        context: Context,
    ) -> Result<(), AppendError> {
        let hour = self.world.now().0.div_euclid(3_600_000_000);
        let asked: Vec<&str> = filters.iter().map(String::as_str).collect();
        let kind = match resource {
            ApiResource::Devices => "api-devices",
            ApiResource::Audit => "api-audit",
        };
        let stream = StreamName::of("access", format!("{client}-{hour}-{}", self.secrets.name(kind, &asked)));
        let read = AccessEvent::ApiRead { resource, filters };
        match self.append_access(&stream, Expected::NoStream, read, context).await {
            Err(AppendError::Conflict { .. }) => Ok(()),
            outcome => outcome,
        }
    }

    async fn append_access(
        &self,
        stream: &StreamName,
        expected: Expected,
        event: AccessEvent,
        context: Context,
    ) -> Result<(), AppendError> {
        let draft = Draft {
            id: EventId::fresh(&self.world),
            at: self.world.now(),
            actor: context.actor,
            source: context.source,
            correlation: context.correlation,
            causation: context.causation,
            event: event.into(),
        };
        self.log.append(stream, expected, vec![draft]).await.map(drop)
    }
}
