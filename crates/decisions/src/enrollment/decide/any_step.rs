//! Commands that do not depend on the step.

use super::super::{Command, Enrollment, Step, repeats};
use super::end::end;
use super::{Decision, sign_in_again};
use events::enrollment::EnrollmentEvent;
use events::record::RecordId;

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
        Command::AgreeToRemoval { record } if enrollment.signed_in.is_some() && !matches!(step, Step::Ended(_)) => {
            agree(enrollment, *record)
        }
        Command::RefuseForm { why } => repeats::refuse_form(enrollment, *why),
        Command::RefuseIdentity { why } => repeats::refuse_identity(enrollment, *why),
        _ => return None,
    };
    Some(Ok(happened))
}

// A person can give away only what is theirs: an enrollment of this installation that they were shown.
fn agree(enrollment: &Enrollment, record: RecordId) -> Vec<EnrollmentEvent> {
    let is_theirs = enrollment.previous.nearest.iter().any(|found| RecordId::of_device(found.device) == record);
    let is_news = is_theirs && !enrollment.removals_agreed.contains(&record);
    if is_news { vec![EnrollmentEvent::OldManagementRemovalAgreed { record }] } else { vec![] }
}
