//! The visit after an event.
use super::Visit;
use events::enrollment::EnrollmentEvent;
pub(super) fn evolve(_state: Visit, _event: &EnrollmentEvent) -> Visit {
    todo!()
}
