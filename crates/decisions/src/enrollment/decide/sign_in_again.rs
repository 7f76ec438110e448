//! The step of an enrolled device whose person has to sign in again.

use super::super::{Command, Enrollment, Entry, SignedIn, repeats};
use super::account_driven::permits;
use super::{Decision, hand_over, sign_in};
use events::enrollment::{EnrollmentEvent, SecretHash, SignInAgainReason, SignInRefusal};

pub(super) fn decide(enrollment: &Enrollment, command: &Command) -> Option<Decision> {
    match command {
        Command::Resume { session, user_agent, now, state } => Some(Ok(vec![EnrollmentEvent::VisitResumed {
            session: session.clone(),
            user_agent: user_agent.clone(),
            begun: *now,
            state: state.clone(),
        }])),
        Command::SignIn { signed_in, session, entry } => Some(Ok(sign_in_again(enrollment, signed_in, session, entry))),
        _ => sign_in::attempt(enrollment, command).or_else(|| hand_over::grant(enrollment, command)),
    }
}

/// Accepts the repeated sign-in of the same person if they are still permitted; the device can then get another token.
/// Anybody else is refused, and the device keeps asking.
fn sign_in_again(
    enrollment: &Enrollment,
    signed_in: &SignedIn,
    session: &SecretHash,
    entry: &Entry,
) -> Vec<EnrollmentEvent> {
    let refused = |reason| {
        let account = Some(signed_in.account.clone());
        let refusal = EnrollmentEvent::SignInRefused { method: signed_in.method, reason, account, name: None };
        if repeats::is_news(enrollment, reason, &signed_in.account) { vec![refusal] } else { vec![] }
    };
    if enrollment.owner().map(|owner| owner.person) != Some(signed_in.person) {
        return refused(SignInRefusal::AnotherPerson);
    }
    let access = match entry {
        Entry::Oneself(admission) => admission.access.as_ref(),
        Entry::AskForWhom { .. } => enrollment.access.as_ref(),
    };
    if !enrollment.account_driven.is_some_and(|mode| permits(mode, access)) {
        return refused(SignInRefusal::NotEntitled);
    }
    vec![EnrollmentEvent::UserSignedInAgain { method: signed_in.method, session: session.clone() }]
}

/// Records that a device asks its person to sign in again. It is recorded once until the sign-in, since a waiting
/// device asks repeatedly.
pub(super) fn ask(enrollment: &Enrollment, why: SignInAgainReason, device_enrolled: bool) -> Option<EnrollmentEvent> {
    let asks = device_enrolled && enrollment.account_driven.is_some() && enrollment.sign_in_again.is_none();
    asks.then_some(EnrollmentEvent::SignInAgainAsked { why })
}
