//! The sign-in step.

use super::super::{Command, Enrollment, Entry, SignedIn};
use super::admit::admit;
use super::{Decision, single_sign_on};
use events::enrollment::{EnrollmentEvent, SecretHash};

pub(super) fn decide(enrollment: &Enrollment, command: &Command) -> Option<Decision> {
    match command {
        Command::SignIn { signed_in, session, entry } => Some(Ok(sign_in(enrollment, signed_in, session, entry))),
        _ => attempt(enrollment, command),
    }
}

/// Decides the commands that are part of the first sign-in and of a repeated one: refused sign-ins and single sign-on.
pub(super) fn attempt(enrollment: &Enrollment, command: &Command) -> Option<Decision> {
    match command {
        // Auditors need refused sign-ins too, so they are recorded.
        Command::RefuseSignIn { method, reason, account, name } => Some(Ok(vec![EnrollmentEvent::SignInRefused {
            method: *method,
            reason: *reason,
            account: account.clone(),
            name: name.clone(),
        }])),
        _ => single_sign_on::decide(enrollment, command),
    }
}

fn sign_in(enrollment: &Enrollment, signed_in: &SignedIn, session: &SecretHash, entry: &Entry) -> Vec<EnrollmentEvent> {
    let mut happened = vec![EnrollmentEvent::UserSignedIn {
        method: signed_in.method,
        person: signed_in.person,
        account: signed_in.account.clone(),
        user_name: signed_in.user_name.clone(),
        session: session.clone(),
    }];
    match entry {
        Entry::Oneself(admission) => happened.extend(admit(enrollment, admission)),
        Entry::AskForWhom { for_oneself } => {
            happened.push(EnrollmentEvent::AssignmentOffered { for_oneself: *for_oneself });
        }
    }
    happened
}
