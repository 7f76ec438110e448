//! Refusals and changes that somebody can cause again and again without getting further: written down where they belong,
//! within bounds, and counted beyond them.

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

/// Those that come from where it is not known share a budget.
const UNKNOWN: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

impl SignIn {
    /// Writes down a fact of a stream's own that may be there already; then it is counted with the suppressed refusals.
    ///
    /// # Errors
    /// As [`SignIn::perform`].
    pub async fn tell<A: Aggregate>(
        &self,
        stream: &StreamName,
        command: &A::Command,
        context: &Context,
        source: Option<IpAddr>,
    ) -> Result<Performed<A>, PerformError<A::Refusal>> {
        let told = self.platform.perform::<A>(stream, command, context).await?;
        if told.events.is_empty() {
            count_refusal(self, source.unwrap_or(UNKNOWN));
        }
        Ok(told)
    }

    /// Writes down a refusal that belongs to no stream of a person or device, within the budget for strangers. Says whether the budget had
    /// room: only then the log may get a line of it, too.
    ///
    /// # Errors
    /// If the log cannot be written.
    pub async fn tell_of_stranger(&self, event: RefusalEvent, source: Option<IpAddr>) -> Result<bool, AppendError> {
        if !granted(self, source.unwrap_or(UNKNOWN)) {
            return Ok(false);
        }
        record(self, event, source).await.map(|()| true)
    }
}
