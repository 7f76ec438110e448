//! Events of sign-ins at an identity provider.

use super::super::{Enrollment, SingleSignOn};
use events::enrollment::{SecretHash, SignInMethodName, SingleSignOnFault};
use events::person::ProvenAccount;
use events::personal::Personal;

pub(super) fn begin(enrollment: &mut Enrollment, method: SignInMethodName, provider: &str, request: &SecretHash) {
    let (provider, request) = (provider.to_owned(), request.clone());
    enrollment.single_sign_on = Some(SingleSignOn { method, provider, request, proven: None });
}

pub(super) fn prove(enrollment: &mut Enrollment, account: &Personal<ProvenAccount>) {
    if let Some(waiting) = &mut enrollment.single_sign_on {
        waiting.proven = Some(account.clone());
    }
}

pub(super) fn refuse(enrollment: &mut Enrollment, why: SingleSignOnFault) {
    // A response that was not requested does not end the wait for the requested one; otherwise a link could end it.
    if why != SingleSignOnFault::Unsolicited {
        enrollment.single_sign_on = None;
    }
}

/// Ends the wait after a sign-in, and notes the provider if the person signed in there.
pub(super) fn finish(enrollment: &mut Enrollment, method: SignInMethodName) {
    let at = enrollment.single_sign_on.take().filter(|waiting| waiting.method == method);
    enrollment.signed_in_at = at.map(|waiting| waiting.provider);
}
