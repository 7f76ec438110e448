//! Commands that do not depend on the step.

use super::super::{Command, Enrollment, Step, repeats};
use super::end::end;
use super::{Decision, sign_in_again};
use events::enrollment::EnrollmentEvent;

pub(super) fn decide(enrollment: &Enrollment, step: Step, command: &Command) -> Option<Decision> {
    let happened = match command {
        Command::AskToSignInAgain { why, device_enrolled } => {
            sign_in_again::ask(enrollment, *why, *device_enrolled).into_iter().collect()
        }
        Command::SignOut => enrollment.session.iter().map(|_| EnrollmentEvent::SignedOut {}).collect(),
        Command::Refuse { device_enrolled: true, .. } | Command::Abandon { device_enrolled: true } => vec![],
        // Before the first form there is no stream to record the following in.
        _ if step == Step::Open => return None,
        Command::Refuse { why, .. } => end(enrollment, EnrollmentEvent::EnrollmentRefused { why: *why }),
        Command::Abandon { .. } => end(enrollment, EnrollmentEvent::EnrollmentAbandoned {}),
        // The stream already has this language: nothing changes.
        Command::ChooseLanguage { language } if enrollment.language() == Some(language) => vec![],
        Command::ChooseLanguage { language } => repeats::choose_language(enrollment, language),
        Command::PresentInvitation { invitation, token } if !matches!(step, Step::Ended(_)) => {
            repeats::present_invitation(enrollment, *invitation, *token)
        }
        Command::RefuseForm { why } => repeats::refuse_form(enrollment, *why),
        Command::RefuseIdentity { why } => repeats::refuse_identity(enrollment, *why),
        _ => return None,
    };
    Some(Ok(happened))
}
