//! Staff of the console: sign-in, their own accounts, the first set-up, and the administration from the command line.

pub mod administration;
pub mod console;
mod naming;
pub mod own_account;
pub mod redirect;
pub mod set_up;

use identity::config::Identity;
use platform::Platform;
use settings::SettingsService;
use sign_in::SignIn;
use std::sync::Arc;

/// The state of the service for staff and operators.
pub struct Staff {
    pub platform: Platform,
    pub settings: Arc<SettingsService>,
    pub sign_in: Arc<SignIn>,
    /// The section `[identity]` of the configuration, for `muster access explain`.
    pub identity: Arc<Identity>,
}
