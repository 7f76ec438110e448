//! Checks against the current settings and the local account whether a person who signed in earlier may still continue.
//! `decisions::enrollment::Enrollment::is_permitted_by_settings` and `is_permitted_by` contain the rules.

use crate::Enroll;
use decisions::enrollment::{Enrollment, SignedIn};
use decisions::staff::LocalAccount;
use events::enrollment::SignInMethodName;
use events::store::ReadError;
use identity::LOCAL;
use platform::user_names;
use sign_in::{NOBODY, account_name};
use std::sync::Arc;

/// Returns whether this enrollment may continue. An enrollment without a sign-in may always continue.
///
/// # Errors
/// Returns an error if the settings or the local account cannot be read.
pub async fn may_go_on(enroll: &Enroll, enrollment: &Enrollment) -> Result<bool, ReadError> {
    let Some(signed_in) = &enrollment.signed_in else { return Ok(true) };
    if !enrollment.is_permitted_by_settings(&enroll.settings.current().await?) {
        return Ok(false);
    }
    match signed_in.method {
        SignInMethodName::LocalAccount => {
            Ok(local_account(enroll, signed_in).await?.is_some_and(|account| enrollment.is_permitted_by(&account)))
        }
        SignInMethodName::Directory | SignInMethodName::OpenIdConnect | SignInMethodName::Saml => Ok(true),
    }
}

// Returns the local account of the person who signed in. The enrollment stores the account only as an HMAC, so the user
// name finds the account and the HMAC confirms it. `None` if they do not match, or if the person was erased, because
// erasing destroys the user name.
async fn local_account(enroll: &Enroll, signed_in: &SignedIn) -> Result<Option<Arc<LocalAccount>>, ReadError> {
    if let Some(key) = signed_in.user_name.damaged_key() {
        return Err(ReadError::Unavailable(format!(
            "the user name of the person who signed in cannot be read: the key {} is damaged",
            key.0
        )));
    }
    let Some(user_name) = signed_in.user_name.get() else { return Ok(None) };
    let id = user_names::account_named(&enroll.platform, user_name).await?.unwrap_or(NOBODY);
    let (account, _) = enroll.platform.load::<LocalAccount>(&id.stream()).await?;
    let name = account_name(&enroll.platform.secrets, SignInMethodName::LocalAccount, LOCAL, &id.to_string());
    Ok((name == signed_in.account).then_some(account))
}
