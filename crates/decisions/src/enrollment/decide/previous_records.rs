//! The step at which a person with earlier records reads about them.

use super::super::{Command, Enrollment};
use super::{Decision, ownership};
use events::enrollment::EnrollmentEvent;
use events::record::RecordId;

pub(super) fn decide(enrollment: &Enrollment, command: &Command) -> Option<Decision> {
    if let Command::AgreeToRemoval { record } = command {
        return Some(Ok(agree(enrollment, *record)));
    }
    let Command::NotePreviousRecords { policy, answers } = command else { return None };
    let mut happened = enrollment.answered(answers);
    happened.push(EnrollmentEvent::PreviousRecordsNoted {});
    happened.extend(ownership::by_policy(enrollment, enrollment.access.as_ref(), policy));
    Some(Ok(happened))
}

// A person can give away only what is theirs: an enrollment of this installation that they were shown. Later steps have
// served a new profile, which the removal must not get in the way of.
fn agree(enrollment: &Enrollment, record: RecordId) -> Vec<EnrollmentEvent> {
    let is_theirs = enrollment.previous.nearest.iter().any(|found| RecordId::of_device(found.device) == record);
    let is_news = is_theirs && !enrollment.removals_agreed.contains(&record);
    if is_news { vec![EnrollmentEvent::OldManagementRemovalAgreed { record }] } else { vec![] }
}
