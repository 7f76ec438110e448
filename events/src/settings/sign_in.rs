//! Which ways of signing in are offered, and what staff need beside a password.

use crate::staff::Privilege;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Who is offered which ways. Single sign-on for enrollment is switched apart from that for staff.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SignIn {
    /// At the portal.
    pub enrollment: Ways,
    /// At the console.
    pub staff: Ways,
}

/// Ways to sign in at one place.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Ways {
    /// Local accounts of ours.
    pub local_accounts: bool,
    /// Directories by their names in the configuration, asked in this order after the local accounts.
    pub directories: Vec<String>,
    /// Identity providers by their names in the configuration: a button each, in this order.
    pub single_sign_on: Vec<String>,
}

impl Default for SignIn {
    fn default() -> SignIn {
        let local = Ways { local_accounts: true, ..Ways::default() };
        SignIn { enrollment: local.clone(), staff: local }
    }
}

/// What staff need beside their first proof.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SecondFactors {
    /// Roles that need one. Whoever has none yet sets one up at their next sign-in, before anything else.
    pub required_for: BTreeSet<Privilege>,
    /// Roles that need none when an identity provider vouches for them, which then asks for it itself.
    pub trust_single_sign_on: bool,
}
