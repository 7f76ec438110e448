//! Enrolls devices: authenticates and admits people who come to the portal or from Settings, and gives devices their
//! MDM profile and identity.

pub mod account_driven;
mod admit;
mod assign;
mod entitled;
mod entrance;
mod imported;
pub mod issue;
mod old_management;
mod password;
pub mod preview;
pub mod profile_service;
pub mod redirect;

pub use admit::{admission, policy, previous_records};
pub use assign::{Assigned, Assigning, assign, assign_to_oneself};
pub use entitled::may_go_on;
pub use entrance::{Entrance, SignInOutcome};
pub use imported::imported_records;
pub use old_management::may_have_old_management;
pub use password::{Credentials, at_portal};

use devices::Devices;
use imports::Imports;
use invitations::Invitations;
use platform::Platform;
use settings::SettingsService;
use sign_in::SignIn;
use std::sync::Arc;

/// The state of the enrollment service.
pub struct Enroll {
    pub platform: Platform,
    pub settings: Arc<SettingsService>,
    pub sign_in: Arc<SignIn>,
    pub devices: Arc<Devices>,
    pub imports: Arc<Imports>,
    pub invitations: Arc<Invitations>,
}
