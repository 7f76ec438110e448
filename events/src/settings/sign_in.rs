//! Sign-in methods that are offered, and requirements for second factors of staff.

use crate::staff::Privilege;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Sign-in methods for the portal and the console. Single sign-on is configured separately for each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SignIn {
    /// Methods at the portal.
    pub enrollment: Ways,
    /// Methods at the console.
    pub staff: Ways,
}

/// Sign-in methods at one place.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Ways {
    /// Muster's local accounts.
    pub local_accounts: bool,
    /// Names of directories in the configuration, asked in this order after the local accounts.
    pub directories: Vec<String>,
    /// Names of identity providers in the configuration; each has a button, in this order.
    pub single_sign_on: Vec<String>,
}

impl Default for SignIn {
    fn default() -> SignIn {
        let local = Ways { local_accounts: true, ..Ways::default() };
        SignIn { enrollment: local.clone(), staff: local }
    }
}

/// Requirements for second factors of staff.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SecondFactors {
    /// Roles that require a second factor. Staff without one set it up at their next sign-in, before anything else.
    pub required_for: BTreeSet<Privilege>,
    /// Whether staff with these roles need no second factor if they sign in with an identity provider, which is then
    /// responsible for it.
    pub trust_single_sign_on: bool,
}
