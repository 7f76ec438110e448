//! The way to an identity provider and back.

use super::super::{Refusal, Visit};
use events::enrollment::{EnrollmentEvent, SecretHash, SignInMethodName};
use events::person::ProvenAccount;
use events::personal::Personal;

/// Whoever begins anew is not waited for any more on the way they took before.
pub(super) fn begin(method: SignInMethodName, provider: &str, request: &SecretHash) -> Vec<EnrollmentEvent> {
    vec![EnrollmentEvent::SingleSignOnBegun { method, provider: provider.to_owned(), request: request.clone() }]
}

/// One answer to the request that is waited for, and no other.
pub(super) fn prove(
    visit: &Visit,
    request: &SecretHash,
    account: &Personal<ProvenAccount>,
) -> Result<Vec<EnrollmentEvent>, Refusal> {
    let waiting = visit.single_sign_on.as_ref().filter(|waiting| waiting.request == *request);
    let waiting = waiting.filter(|waiting| waiting.proven.is_none()).ok_or(Refusal::UnknownRequest)?;
    Ok(vec![EnrollmentEvent::SingleSignOnProven {
        provider: waiting.provider.clone(),
        request: request.clone(),
        account: account.clone(),
    }])
}
