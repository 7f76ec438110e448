//! The step at which the terms of use are accepted. They are requested if a rule requires them, or if there are no
//! rules, and the current version was not accepted yet.

use super::super::{Command, Enrollment, Policy, Refusal, TermsStep};
use super::Decision;
use events::enrollment::{Access, EnrollmentEvent, Ownership};

pub(super) fn decide(enrollment: &Enrollment, command: &Command) -> Option<Decision> {
    match command {
        Command::AcceptTerms { version, language, text_hash, policy } => {
            Some(accept(enrollment, version, language, text_hash, policy))
        }
        Command::DeclineTerms => Some(Ok(decline(enrollment))),
        _ => None,
    }
}

pub(super) fn request(access: Option<&Access>, ownership: Ownership, policy: &Policy) -> Option<EnrollmentEvent> {
    let required = access.is_none_or(|access| access.terms_required);
    let version = policy.terms.get(&ownership).filter(|_| required)?;
    let accepted = policy.accepted.get(&ownership) == Some(version);
    (!accepted).then(|| EnrollmentEvent::TermsRequested { ownership, version: version.clone() })
}

/// Accepts the version that was shown. If another version became current meanwhile, that version is requested.
fn accept(enrollment: &Enrollment, version: &str, language: &str, text_hash: &str, policy: &Policy) -> Decision {
    let ownership = enrollment.ownership.ok_or(Refusal::OutOfStep(enrollment.step()))?;
    let current = policy.terms.get(&ownership).map_or(version, String::as_str);
    let asked = enrollment.terms == TermsStep::Asked { version: current.to_owned() };
    let mut happened = Vec::new();
    if !asked {
        happened.push(EnrollmentEvent::TermsRequested { ownership, version: current.to_owned() });
    }
    if current == version {
        happened.push(EnrollmentEvent::TermsAccepted {
            ownership,
            version: version.to_owned(),
            language: language.to_owned(),
            text_hash: text_hash.to_owned(),
        });
    }
    Ok(happened)
}

/// Signs the person out if they decline: without the terms the enrollment cannot continue.
fn decline(enrollment: &Enrollment) -> Vec<EnrollmentEvent> {
    let (TermsStep::Asked { version }, Some(ownership)) = (&enrollment.terms, enrollment.ownership) else {
        return vec![];
    };
    let mut happened = vec![EnrollmentEvent::TermsDeclined { ownership, version: version.clone() }];
    happened.extend(enrollment.session.iter().map(|_| EnrollmentEvent::SignedOut {}));
    happened
}
