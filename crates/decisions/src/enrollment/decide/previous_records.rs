//! The step at which a person with earlier records reads about them.

use super::super::{Command, Enrollment};
use super::{Decision, ownership};
use events::enrollment::EnrollmentEvent;

pub(super) fn decide(enrollment: &Enrollment, command: &Command) -> Option<Decision> {
    let Command::NotePreviousRecords { policy, answers } = command else { return None };
    let mut happened = enrollment.answered(answers);
    happened.push(EnrollmentEvent::PreviousRecordsNoted {});
    happened.extend(ownership::by_policy(enrollment, enrollment.access.as_ref(), policy));
    Some(Ok(happened))
}
