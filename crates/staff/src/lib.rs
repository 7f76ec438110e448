//! The staff: their accounts and sign-in at the console, their own account, and what an operator does from the command line.

pub mod administration;
pub mod console;
pub mod own_account;
pub mod redirect;
pub mod set_up;

use identity::config::Identity;
use platform::Platform;
use settings::SettingsService;
use sign_in::SignIn;
use std::sync::Arc;

/// What the server needs to serve its staff and its operator.
pub struct Staff {
    pub platform: Platform,
    pub settings: Arc<SettingsService>,
    pub sign_in: Arc<SignIn>,
    /// The section `[identity]`: `muster access explain` names the providers of it.
    pub identity: Arc<Identity>,
}
