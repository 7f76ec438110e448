//! Decisions about sign-ins at an identity provider.

use super::super::{Enrollment, Refusal};
use events::enrollment::{EnrollmentEvent, SecretHash, SignInMethodName};
use events::person::ProvenAccount;
use events::personal::Personal;

/// Begins a sign-in at an identity provider. It replaces a pending one.
pub(super) fn begin(method: SignInMethodName, provider: &str, request: &SecretHash) -> Vec<EnrollmentEvent> {
    vec![EnrollmentEvent::SingleSignOnBegun { method, provider: provider.to_owned(), request: request.clone() }]
}

/// Accepts one response to the pending request, and no other.
pub(super) fn prove(
    enrollment: &Enrollment,
    request: &SecretHash,
    account: &Personal<ProvenAccount>,
) -> Result<Vec<EnrollmentEvent>, Refusal> {
    let waiting = enrollment.single_sign_on.as_ref().filter(|waiting| waiting.request == *request);
    let waiting = waiting.filter(|waiting| waiting.proven.is_none()).ok_or(Refusal::UnknownRequest)?;
    Ok(vec![EnrollmentEvent::SingleSignOnProven {
        provider: waiting.provider.clone(),
        request: request.clone(),
        account: account.clone(),
    }])
}
