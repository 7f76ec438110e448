//! Decisions about sign-ins at an identity provider, the first one and repeated ones.

use super::super::{Command, Enrollment, Refusal};
use super::Decision;
use events::enrollment::{EnrollmentEvent, SecretHash, SignInMethodName};
use events::person::ProvenAccount;
use events::personal::Personal;

pub(super) fn decide(enrollment: &Enrollment, command: &Command) -> Option<Decision> {
    match command {
        Command::BeginSingleSignOn { method, provider, request } => Some(Ok(begin(*method, provider, request))),
        Command::ProveSingleSignOn { request, account } => Some(prove(enrollment, request, account)),
        Command::RefuseSingleSignOn { method, provider, why } => {
            let provider = provider.clone();
            Some(Ok(vec![EnrollmentEvent::SingleSignOnRefused { method: *method, provider, why: *why }]))
        }
        _ => None,
    }
}

/// Begins a sign-in at an identity provider. It replaces a pending one.
fn begin(method: SignInMethodName, provider: &str, request: &SecretHash) -> Vec<EnrollmentEvent> {
    vec![EnrollmentEvent::SingleSignOnBegun { method, provider: provider.to_owned(), request: request.clone() }]
}

/// Accepts one response to the pending request, and no other.
fn prove(enrollment: &Enrollment, request: &SecretHash, account: &Personal<ProvenAccount>) -> Decision {
    let waiting = enrollment.single_sign_on.as_ref().filter(|waiting| waiting.request == *request);
    let waiting = waiting.filter(|waiting| waiting.proven.is_none()).ok_or(Refusal::UnknownRequest)?;
    Ok(vec![EnrollmentEvent::SingleSignOnProven {
        provider: waiting.provider.clone(),
        request: request.clone(),
        account: account.clone(),
    }])
}
