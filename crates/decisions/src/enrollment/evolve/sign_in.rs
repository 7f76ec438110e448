//! Events of the first form, of the sign-in, and of a repeated sign-in.

use super::super::{Enrollment, Opened, SignedIn};
use super::single_sign_on;
use events::Timestamp;
use events::enrollment::{EnrollmentMode, Platform, SecretHash, SignInMethodName, SignInRefusal};
use events::person::PersonId;
use events::personal::Personal;

pub(super) fn open(enrollment: &mut Enrollment, session: &SecretHash, platform: Platform, language: &str) {
    enrollment.session = Some(session.clone());
    enrollment.opened = Some(Opened { platform, language: language.to_owned() });
}

/// `state`: the device's own `state`, if it requests an authorization code.
pub(super) fn begin_in_settings(enrollment: &mut Enrollment, mode: EnrollmentMode, state: &Option<String>) {
    enrollment.account_driven = Some(mode);
    enrollment.authorization.clone_from(state);
}

/// Only accounts that may not sign in again are noted: those of other people, and those that lost their permission.
pub(super) fn refuse(enrollment: &mut Enrollment, reason: SignInRefusal, account: Option<&str>) {
    if let (SignInRefusal::AnotherPerson | SignInRefusal::NotEntitled, Some(account)) = (reason, account) {
        enrollment.repeats.sign_in(reason, account);
    }
}

pub(super) fn sign_in(
    enrollment: &mut Enrollment,
    session: &SecretHash,
    method: SignInMethodName,
    person: PersonId,
    account: &str,
    user_name: &Personal<String>,
) {
    enrollment.session = Some(session.clone());
    single_sign_on::finish(enrollment, method);
    enrollment.signed_in = Some(SignedIn { method, person, account: account.to_owned(), user_name: user_name.clone() });
}

pub(super) fn resume(enrollment: &mut Enrollment, session: &SecretHash, begun: Timestamp, state: &Option<String>) {
    enrollment.authorization.clone_from(state);
    enrollment.session = Some(session.clone());
    enrollment.resumed = Some(begun);
    enrollment.single_sign_on = None;
}

pub(super) fn sign_in_again(enrollment: &mut Enrollment, session: &SecretHash, method: SignInMethodName) {
    enrollment.session = Some(session.clone());
    single_sign_on::finish(enrollment, method);
    enrollment.sign_in_again = None;
}
