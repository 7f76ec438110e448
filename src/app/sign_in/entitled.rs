//! Whether somebody who signed in earlier may still go on: what is taken away is taken at once.
//!
//! What can be known without asking anybody again is looked at with every request: the local account and its privileges,
//! the ways and kinds that are switched on, and whether the rule that decided still grants as much. That somebody left a group, or
//! was switched off in their directory, is learned when they sign in the next time: a visit lasts a day at most.

use super::NOBODY;
use crate::app::{App, user_names};
use decisions::access;
use decisions::staff::LocalAccount;
use decisions::visit::{Assignment, SignedIn, Visit};
use events::enrollment::SignInMethodName;
use events::settings::{Settings, Ways};
use events::staff::Privilege;
use events::store::ReadError;
use identity::LOCAL;

/// Whether this visit may go on. One that nobody signed in on may.
///
/// # Errors
/// If settings or accounts cannot be read.
pub async fn may_go_on(app: &App, visit: &Visit) -> Result<bool, ReadError> {
    let Some(signed_in) = &visit.signed_in else { return Ok(true) };
    let settings = app.settings().await?;
    let holds = visit.owner().is_none() || is_granted(&settings, visit);
    if !holds || !is_offered(&settings.sign_in.enrollment, visit, signed_in) {
        return Ok(false);
    }
    match signed_in.method {
        SignInMethodName::LocalAccount => local(app, visit, signed_in).await,
        SignInMethodName::Directory | SignInMethodName::OpenIdConnect | SignInMethodName::Saml => Ok(true),
    }
}

// The rule, and the kinds that are offered at all: the chosen one, or one to choose.
fn is_granted(settings: &Settings, visit: &Visit) -> bool {
    let kinds = &settings.ownership_kinds;
    let offered = match (visit.end, visit.ownership) {
        // What ended has nothing to go on with but the page that says why.
        (Some(_), _) => true,
        (None, Some(chosen)) => kinds.contains(&chosen),
        (None, None) => !visit.permitted(kinds).is_empty(),
    };
    offered && access::still_grants(&settings.access, visit.access.as_ref())
}

// The visit knows who vouched by name from the answer of an identity provider, or from the access rules; a directory
// without rules is only known to be one.
fn is_offered(ways: &Ways, visit: &Visit, signed_in: &SignedIn) -> bool {
    let decided = visit.access.as_ref().map(|access| &access.provider);
    let (of_owner, of_visitor) = match visit.assignment {
        Assignment::To(_) => (decided, None),
        Assignment::Oneself | Assignment::Asked { .. } => (None, decided),
    };
    let directory = |name: Option<&String>| match name {
        Some(name) => ways.directories.contains(name),
        None => !ways.directories.is_empty(),
    };
    let owner_is_known = of_owner.is_none() || directory(of_owner);
    owner_is_known
        && match signed_in.method {
            SignInMethodName::LocalAccount => ways.local_accounts,
            SignInMethodName::Directory => directory(of_visitor),
            SignInMethodName::OpenIdConnect | SignInMethodName::Saml => {
                visit.signed_in_at.as_ref().or(of_visitor).is_some_and(|name| ways.single_sign_on.contains(name))
            }
        }
}

// The visit knows the account by an HMAC only; the name leads to the account, and that must be the one of the HMAC.
// Whoever was erased has no name any more, and nothing to go on with.
async fn local(app: &App, visit: &Visit, signed_in: &SignedIn) -> Result<bool, ReadError> {
    if let Some(key) = signed_in.user_name.damaged_key() {
        return Err(ReadError::Unavailable(format!("who signed in is unknown: {} is damaged", key.0)));
    }
    let Some(user_name) = signed_in.user_name.get() else { return Ok(false) };
    let id = user_names::account_named(app, user_name).await?.unwrap_or(NOBODY);
    let (account, _) = app.load::<LocalAccount>(&id.stream()).await?;
    let same = app.secrets.name("account", &["local_account", LOCAL, &id.to_string()]) == signed_in.account;
    let needed: &[Privilege] = match visit.assignment {
        Assignment::To(_) => &[Privilege::EnrollForOthers],
        Assignment::Oneself => &[Privilege::Enroll],
        Assignment::Asked { .. } => &[Privilege::Enroll, Privilege::EnrollForOthers],
    };
    Ok(same && !account.disabled && needed.iter().any(|one| account.privileges.contains(one)))
}
