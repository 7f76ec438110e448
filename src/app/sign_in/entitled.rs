//! Whether somebody who signed in earlier may still go on.

use super::{NOBODY, canonical_name};
use crate::app::App;
use crate::enrollment::staff::{LocalAccount, UserName};
use crate::enrollment::visit::SignedIn;
use crate::identity::LOCAL;
use events::StreamName;
use events::enrollment::SignInMethodName;
use events::staff::Privilege;
use events::store::ReadError;

/// Whether the account that somebody signed in with is still there, not disabled and may enroll.
///
/// # Errors
/// If the accounts cannot be read.
pub async fn may_go_on(app: &App, signed_in: &SignedIn) -> Result<bool, ReadError> {
    match signed_in.method {
        SignInMethodName::LocalAccount => local(app, signed_in).await,
        // What these say was asked at sign-in, and holds as long as the session.
        SignInMethodName::Directory | SignInMethodName::OpenIdConnect | SignInMethodName::Saml => Ok(true),
    }
}

// The visit knows the account by an HMAC only; the name leads to the account, and that must be the one of the HMAC.
// Whoever was erased has no name any more, and nothing to go on with.
async fn local(app: &App, signed_in: &SignedIn) -> Result<bool, ReadError> {
    let Some(user_name) = signed_in.user_name.get() else { return Ok(false) };
    let name = app.secrets.name("username", &[&canonical_name(user_name)]);
    let (reserved, _) = app.load::<UserName>(&StreamName::of("username", name)).await?;
    let id = reserved.account.unwrap_or(NOBODY);
    let (account, _) = app.load::<LocalAccount>(&id.stream()).await?;
    let same = app.secrets.name("account", &["local_account", LOCAL, &id.to_string()]) == signed_in.account;
    Ok(same
        && !account.disabled
        && [Privilege::Enroll, Privilege::EnrollForOthers].iter().any(|one| account.privileges.contains(one)))
}
