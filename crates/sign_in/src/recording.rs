//! Records refusals and changes that a client can repeat without limit. They are written to their stream within a
//! budget and only counted beyond it.

use crate::SignIn;
use crate::{count_refusal, granted, record};
use decisions::Aggregate;
use events::StreamName;
use events::store::AppendError;
use events::system::RefusalEvent;
use platform::PerformError;
use platform::Performed;
use platform::context::Context;
use std::net::{IpAddr, Ipv4Addr};

/// Refusals without a known source share this address as their source.
const UNKNOWN: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

impl SignIn {
    /// Performs a command that records a fact on a stream. If the stream already contains the fact, nothing is written
    /// and the request is counted with the suppressed refusals.
    ///
    /// # Errors
    /// Returns the same errors as [`platform::Platform::perform`].
    pub async fn record_or_count<A: Aggregate>(
        &self,
        stream: &StreamName,
        command: &A::Command,
        context: &Context,
        source: Option<IpAddr>,
    ) -> Result<Performed<A>, PerformError<A::Refusal>> {
        let performed = self.platform.perform::<A>(stream, command, context).await?;
        if performed.events.is_empty() {
            count_refusal(self, source.unwrap_or(UNKNOWN));
        }
        Ok(performed)
    }

    /// Records a refusal that belongs to no person or device, if the budget of its source has room. Returns whether it
    /// had room: only then may the caller write a log message about it.
    ///
    /// # Errors
    /// Returns an error if the log cannot be written.
    pub async fn record_refusal_of_stranger(
        &self,
        event: RefusalEvent,
        source: Option<IpAddr>,
    ) -> Result<bool, AppendError> {
        if !granted(self, source.unwrap_or(UNKNOWN)) {
            return Ok(false);
        }
        record(self, event, source).await.map(|()| true)
    }
}
