//! The state of an account after an event.

use super::{External, LocalAccount, SetUpLink};
use events::staff::{Privilege, StaffEvent};

pub(super) fn evolve(mut account: LocalAccount, event: &StaffEvent) -> LocalAccount {
    match event {
        StaffEvent::LocalAccountAdded { user_name, password, privileges, display_name, mail, managed_apple_id } => {
            account.exists = true;
            account.user_name = Some(user_name.clone());
            account.password = Some(password.clone());
            account.privileges = privileges.clone();
            account.display_name = display_name.clone();
            account.mail = mail.clone();
            account.managed_apple_id = managed_apple_id.clone();
            account.set_up_link = None;
        }
        StaffEvent::ExternalStaffKnown { method, provider, user_name, display_name, mail } => {
            account.exists = true;
            account.external = Some(External { method: *method, provider: provider.clone() });
            account.user_name = Some(user_name.clone());
            account.display_name = display_name.clone();
            account.mail = mail.clone();
        }
        StaffEvent::ApiClientAdded { user_name, display_name } => {
            account.exists = true;
            account.user_name = Some(user_name.clone());
            account.display_name = display_name.clone();
            account.privileges = [Privilege::ApiClient].into();
            account.set_up_link = None;
        }
        StaffEvent::ApiTokenIssued { token } => account.api_token = Some(token.clone()),
        StaffEvent::LocalAccountDisabled {} => account.disabled = true,
        StaffEvent::LocalAccountEnabled {} => account.disabled = false,
        StaffEvent::PasswordChanged { password } => account.password = Some(password.clone()),
        StaffEvent::PrivilegesChanged { after, .. } => account.privileges = after.clone(),
        StaffEvent::SetUpLinkIssued { hash, expires } => {
            account.set_up_link = Some(SetUpLink { hash: hash.clone(), expires: *expires });
        }
        StaffEvent::SetUpLinkRevoked {} => account.set_up_link = None,
        StaffEvent::PasskeyAdded { .. }
        | StaffEvent::PasskeyUsed { .. }
        | StaffEvent::PasskeyRemoved { .. }
        | StaffEvent::OneTimeCodesAdded { .. }
        | StaffEvent::OneTimeCodeUsed { .. }
        | StaffEvent::OneTimeCodesRemoved {}
        | StaffEvent::RecoveryCodesMade { .. }
        | StaffEvent::RecoveryCodeUsed { .. }
        | StaffEvent::RecoveryCodesRemoved {} => account.factors = account.factors.evolve(event),
        StaffEvent::ApiTokenRefused { .. } | StaffEvent::FirstFactorProven { .. } => {}
        StaffEvent::StaffRefusalsSuppressed(_) => {}
        StaffEvent::StaffSignedIn { .. } | StaffEvent::StaffSignInRefused { .. } | StaffEvent::StaffSignedOut {} => {}
        StaffEvent::StaffSessionEnded { .. } | StaffEvent::StaffSessionsEnded {} => {}
        StaffEvent::PasswordConfirmed {} | StaffEvent::PasswordConfirmationRefused { .. } => {}
        StaffEvent::SecondFactorRefused { .. } => {}
    }
    account
}
