//! Records the activity of staff: who looked at which record, and when.

use crate::Platform;
use crate::context::Context;
use events::StreamName;
use events::staff::{ApiResource, StaffActivityEvent, StaffId};
use events::store::{AppendError, Expected};

impl Platform {
    /// Records that `staff` is about to see data. The event is durable when this returns; callers show the data only
    /// after that.
    ///
    /// # Errors
    /// Returns an error if the log cannot be written. The caller must then show nothing.
    pub async fn record_staff_activity(
        &self,
        staff: StaffId,
        event: StaffActivityEvent,
        context: Context,
    ) -> Result<(), AppendError> {
        let stream = staff.activity_stream(&self.world.now().day());
        // No decision depends on earlier events of this stream, so a concurrent append is no conflict.
        self.append_event(&stream, Expected::Any, event, &context).await
    }

    /// Records that an API client is about to receive data: once an hour for each resource with the same `filters`. A
    /// client that polls every few seconds would otherwise cause more events than it reads, and each poll would return
    /// the event of the poll before. Each hour has its own stream. The stream is created once, no matter which node
    /// receives the requests and how many they are.
    ///
    /// # Errors
    /// Returns an error if the log cannot be written. The caller must then return no data.
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
            ApiResource::Records => "api-records",
            ApiResource::Imports => "api-imports",
            ApiResource::Links => "api-links",
        };
        let stream = StreamName::of("access", format!("{client}-{hour}-{}", self.secrets.name(kind, &asked)));
        let read = StaffActivityEvent::ApiRead { resource, filters };
        match self.append_event(&stream, Expected::NoStream, read, &context).await {
            Err(AppendError::Conflict { .. }) => Ok(()),
            outcome => outcome,
        }
    }
}
