//! What happens on a visit, or why not.
use super::{Command, Refusal, Visit};
use events::enrollment::EnrollmentEvent;
pub(super) fn decide(_state: &Visit, _command: &Command) -> Result<Vec<EnrollmentEvent>, Refusal> {
    todo!()
}
