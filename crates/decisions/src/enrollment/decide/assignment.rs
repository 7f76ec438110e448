//! The step at which a person who enrolls devices for others names the owner.

use super::super::{Admission, Assignment, Command, Enrollment, Refusal, SignedIn};
use super::Decision;
use super::admit::admit;
use events::enrollment::EnrollmentEvent;

pub(super) fn decide(enrollment: &Enrollment, command: &Command) -> Option<Decision> {
    match command {
        Command::Assign { to, admission } => Some(Ok(assign(enrollment, to, admission))),
        Command::EnrollForOneself { admission } => Some(enroll_for_oneself(enrollment, admission)),
        _ => None,
    }
}

fn assign(enrollment: &Enrollment, to: &SignedIn, admission: &Admission) -> Vec<EnrollmentEvent> {
    let mut happened = vec![EnrollmentEvent::EnrollmentAssigned {
        method: to.method,
        person: to.person,
        account: to.account.clone(),
        user_name: to.user_name.clone(),
    }];
    happened.extend(admit(enrollment, admission));
    happened
}

fn enroll_for_oneself(enrollment: &Enrollment, admission: &Admission) -> Decision {
    if enrollment.assignment != (Assignment::Asked { for_oneself: true }) {
        return Err(Refusal::NotForOneself);
    }
    let mut happened = vec![EnrollmentEvent::AssignmentDeclined {}];
    happened.extend(admit(enrollment, admission));
    Ok(happened)
}
