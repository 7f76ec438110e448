//! Authenticates people and API clients and records the result. The crates `enroll` and `staff` decide what an
//! authenticated person may do.
//!
//! The person gets the same answer for an unknown name, a wrong password, a disabled account and a missing privilege.
//! The log contains the real reason. The answers that differ ([`SignInAnswer`]) are the same for every name, or are
//! given only after the right password.

mod api_token;
mod attributes;
mod beat;
mod departures;
mod directories;
mod directory;
mod error;
mod known_browser;
mod look_up;
mod outages;
mod owner_keys;
mod password;
mod person;
mod recording;
pub mod redirect;
mod refusal_budget;
mod refusals;
pub mod staff_sessions;
pub mod throttles;
mod verdict;

pub use api_token::{TokenVerdict, by_token, new_token};
pub use attributes::{claimant, of_enrollment, received, untold, untold_of};
pub use directories::Directories;
pub use directory::local_account;
pub use error::SignInError;
pub use known_browser::KNOWN_FOR_DAYS;
pub use look_up::{LookedUp, holders, look_up, look_up_in};
pub use owner_keys::{attribute_of, identifier_of, name_key, owner_key, owner_keys};
pub use password::{NOBODY, Trying, verify};
pub use person::find_or_create_person;
pub use refusal_budget::{About, ENROLLMENT_BYTES, REFUSAL_BYTES, RefusalBudget};
pub use refusals::{
    count_refusal, granted, granted_to, granted_to_wait, record, record_portal_refusal, record_staff_refusal,
    record_unknown_staff, refuse_staff, set_out, sum_up_refusals,
};
pub use verdict::{KnownAccount, Proof, Refused, SignInAnswer, Verified, account_name, staff_account_name};

use departures::Departures;
use directory::OwnStreams;
use identity::local::LocalAccounts;
use identity::throttle::Throttle;
use platform::Platform;
use redirect::{Place, Providers};
use settings::SettingsService;
use staff_sessions::StaffSessions;
use std::net::IpAddr;
use std::sync::Arc;

/// The state of the sign-in service: sign-in methods, throttles and the budget for recorded refusals.
pub struct SignIn {
    pub platform: Platform,
    pub settings: Arc<SettingsService>,
    local: LocalAccounts,
    // Two throttles, so that failures at the portal do not delay staff, and failures at the console do not delay
    // visitors.
    portal: Throttle,
    console: Throttle,
    // Separate throttles, so that a program with an old token, or a lookup of a wrong name, does not delay sign-ins
    // from the same address.
    tokens: Throttle,
    /// Limits lookups of unknown names when a person enrolls a device for someone else.
    pub look_ups: Throttle,
    /// Limits guesses of second factors.
    pub factors: Throttle,
    pub refusals: RefusalBudget,
    departures: Departures,
    pub directories: Directories,
    pub providers: Providers,
    pub staff_sessions: StaffSessions,
}

impl SignIn {
    pub fn new(
        platform: Platform,
        settings: Arc<SettingsService>,
        directories: Directories,
        providers: Providers,
        staff_sessions: StaffSessions,
    ) -> SignIn {
        let throttle = || Throttle::new(platform.secrets.throttles());
        let directory = Arc::new(OwnStreams { log: platform.log.clone(), secrets: platform.secrets.clone() });
        SignIn {
            local: LocalAccounts::new(directory, &platform.world),
            portal: throttle(),
            console: throttle(),
            tokens: throttle(),
            look_ups: throttle(),
            factors: throttle(),
            refusals: RefusalBudget::new(),
            departures: Departures::new(),
            platform,
            settings,
            directories,
            providers,
            staff_sessions,
        }
    }

    /// Refunds the rate limit of `source` for one start of single sign-on, because the identity provider proved the
    /// account.
    pub fn came_back(&self, place: Place, source: IpAddr) {
        self.departures.came_back(place, source);
    }

    fn throttle(&self, place: Place) -> &Throttle {
        match place {
            Place::Portal => &self.portal,
            Place::Console => &self.console,
        }
    }
}
