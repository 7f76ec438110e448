//! What somebody who gave their first proof has still to do before they are at the console.

use super::LocalAccount;
use events::enrollment::SignInMethodName;
use events::settings::SecondFactors;
use events::staff::Privilege;
use std::collections::BTreeSet;

/// Roles with which one works at the console.
pub const CONSOLE_ROLES: [Privilege; 3] = [Privilege::Administrator, Privilege::Auditor, Privilege::HelpDesk];

/// Whether any of these privileges is a role at the console.
pub fn works_at_console(privileges: &BTreeSet<Privilege>) -> bool {
    CONSOLE_ROLES.iter().any(|role| privileges.contains(role))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Nothing: in.
    Full,
    /// Has a second factor and has to show it.
    Prove,
    /// Needs a second factor, has none, and has to set one up before anything else.
    SetUp,
}

/// How somebody stands who signed in with `method`; `second`: they showed a second factor since.
pub fn standing(account: &LocalAccount, settings: &SecondFactors, method: SignInMethodName, second: bool) -> Standing {
    if second || is_trusted(settings, method) {
        Standing::Full
    } else if account.factors.any() {
        Standing::Prove
    } else if needs_second_factor(account, settings, method) {
        Standing::SetUp
    } else {
        Standing::Full
    }
}

/// Whether the settings ask this account for a second factor.
pub fn needs_second_factor(account: &LocalAccount, settings: &SecondFactors, method: SignInMethodName) -> bool {
    !is_trusted(settings, method) && settings.required_for.iter().any(|role| account.privileges.contains(role))
}

// The identity provider asks for it itself, where the settings say so.
fn is_trusted(settings: &SecondFactors, method: SignInMethodName) -> bool {
    let single_sign_on = matches!(method, SignInMethodName::OpenIdConnect | SignInMethodName::Saml);
    settings.trust_single_sign_on && single_sign_on
}
