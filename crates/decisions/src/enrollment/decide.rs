//! Decides commands for an enrollment. Closed by default: a command that is not permitted explicitly is out of step.
//!
//! Each step has a module whose `decide` answers the commands of the step. It returns `None` for all other commands.

mod account_driven;
mod admit;
mod any_step;
mod assignment;
mod barrier;
mod ca_profile;
mod end;
mod hand_over;
mod managed_apple_id;
mod mdm_profile;
mod open;
mod ownership;
mod previous_records;
mod profile_service;
mod sign_in;
mod sign_in_again;
mod single_sign_on;
mod terms;

use super::{Command, Enrollment, Refusal, Step};
use events::enrollment::EnrollmentEvent;

type Decision = Result<Vec<EnrollmentEvent>, Refusal>;

pub(super) fn decide(enrollment: &Enrollment, command: &Command) -> Decision {
    let step = enrollment.step();
    let decision = match step {
        Step::Open => open::decide(command),
        Step::SignIn => sign_in::decide(enrollment, command),
        Step::Assignment => assignment::decide(enrollment, command),
        Step::PreviousRecords => previous_records::decide(enrollment, command),
        Step::Ownership => ownership::decide(enrollment, command),
        Step::Terms => terms::decide(enrollment, command),
        Step::CaProfile => ca_profile::decide(enrollment, command),
        Step::ManagedAppleId => managed_apple_id::decide(enrollment, command),
        Step::MdmProfile => mdm_profile::decide(enrollment, command),
        Step::HandOver => hand_over::decide(enrollment, command),
        Step::SignInAgain => sign_in_again::decide(enrollment, command),
        Step::Ended(_) => end::decide(command),
    };
    decision.or_else(|| any_step::decide(enrollment, step, command)).unwrap_or(Err(Refusal::OutOfStep(step)))
}
