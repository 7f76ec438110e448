//! Determines whether a person who passed the first factor needs a second one to use the console.

use super::LocalAccount;
use events::enrollment::SignInMethodName;
use events::settings::SecondFactors;
use events::staff::Privilege;
use std::collections::BTreeSet;

/// Roles that give access to the console.
pub const CONSOLE_ROLES: [Privilege; 3] = [Privilege::Administrator, Privilege::Auditor, Privilege::HelpDesk];

/// Returns whether any of these privileges gives access to the console.
pub fn works_at_console(privileges: &BTreeSet<Privilege>) -> bool {
    CONSOLE_ROLES.iter().any(|role| privileges.contains(role))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// No further factor is needed.
    Full,
    /// The person has a second factor and has to use it.
    Prove,
    /// The person needs a second factor, has none, and has to set one up before anything else.
    SetUp,
}

/// Returns what a person who signed in with `method` still needs. `second`: they used a second factor since.
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

/// Returns whether the settings require a second factor of this account.
pub fn needs_second_factor(account: &LocalAccount, settings: &SecondFactors, method: SignInMethodName) -> bool {
    !is_trusted(settings, method) && settings.required_for.iter().any(|role| account.privileges.contains(role))
}

// The settings may leave the second factor to the identity provider.
fn is_trusted(settings: &SecondFactors, method: SignInMethodName) -> bool {
    let single_sign_on = matches!(method, SignInMethodName::OpenIdConnect | SignInMethodName::Saml);
    settings.trust_single_sign_on && single_sign_on
}
