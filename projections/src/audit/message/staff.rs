//! Messages about staff: their accounts, roles, second factors and sessions.

use super::{Message, words};
use events::staff::StaffEvent;

pub(super) fn message(event: &StaffEvent) -> Message {
    match event {
        StaffEvent::LocalAccountAdded { user_name, privileges: held, .. } => {
            Message::of("staff-added").personal("user_name", user_name).with("privileges", words::privileges(held))
        }
        StaffEvent::ExternalStaffKnown { method, user_name, provider, .. } => Message::of("external-staff-known")
            .personal("user_name", user_name)
            .with("method", method.with_article())
            .with("provider", provider),
        StaffEvent::ApiClientAdded { user_name, .. } => {
            Message::of("api-client-added").personal("user_name", user_name)
        }
        StaffEvent::ApiTokenIssued { .. } => Message::of("api-token-issued"),
        StaffEvent::ApiTokenRefused { reason } => Message::of("api-token-refused").because(words::api_refusal(*reason)),
        StaffEvent::LocalAccountDisabled {} => Message::of("staff-disabled"),
        StaffEvent::LocalAccountEnabled {} => Message::of("staff-enabled"),
        StaffEvent::PasswordChanged { .. } => Message::of("password-changed"),
        StaffEvent::PrivilegesChanged { before, after } => Message::of("privileges-changed")
            .with("before", words::privileges(before))
            .with("after", words::privileges(after)),
        StaffEvent::SetUpLinkIssued { .. } => Message::of("set-up-link-issued"),
        StaffEvent::SetUpLinkRevoked {} => Message::of("set-up-link-revoked"),
        StaffEvent::FirstFactorProven { method: by } => {
            Message::of("first-factor-proven").with("method", by.with_article())
        }
        StaffEvent::StaffSignedIn { method: by } => Message::of("staff-signed-in").with("method", by.with_article()),
        StaffEvent::StaffSignInRefused { reason, .. } => {
            Message::of("staff-sign-in-refused").because(words::sign_in_refusal(*reason))
        }
        StaffEvent::StaffRefusalsSuppressed(refusals) => super::suppressed("staff-refusals-suppressed", refusals),
        StaffEvent::StaffSignedOut {} => Message::of("staff-signed-out"),
        StaffEvent::StaffSessionEnded { .. } => Message::of("staff-session-ended"),
        StaffEvent::StaffSessionsEnded {} => Message::of("staff-sessions-ended"),
        StaffEvent::PasswordConfirmed {} => Message::of("password-confirmed"),
        StaffEvent::PasswordConfirmationRefused { reason } => {
            Message::of("password-confirmation-refused").because(words::sign_in_refusal(*reason))
        }
        StaffEvent::PasskeyAdded { label, .. } => Message::of("passkey-added").personal("label", label),
        StaffEvent::PasskeyUsed { purpose, .. } => {
            Message::of("passkey-used").with("purpose", words::purpose(*purpose))
        }
        StaffEvent::PasskeyRemoved { .. } => Message::of("passkey-removed"),
        StaffEvent::OneTimeCodesAdded { .. } => Message::of("one-time-codes-added"),
        StaffEvent::OneTimeCodeUsed { purpose, .. } => {
            Message::of("one-time-code-used").with("purpose", words::purpose(*purpose))
        }
        StaffEvent::OneTimeCodesRemoved {} => Message::of("one-time-codes-removed"),
        StaffEvent::RecoveryCodesMade { hashes } => Message::of("recovery-codes-made").with("count", hashes.len()),
        StaffEvent::RecoveryCodeUsed { .. } => Message::of("recovery-code-used"),
        StaffEvent::RecoveryCodesRemoved {} => Message::of("recovery-codes-removed"),
        StaffEvent::SecondFactorRefused { factor, reason } => Message::of("second-factor-refused")
            .with("factor", words::factor(*factor))
            .because(words::factor_refusal(*reason)),
    }
}
