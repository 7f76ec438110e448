//! Settings that an administrator can change while the server runs: stream `settings-main`. They determine what people,
//! devices and auditors see. Addresses, paths and keys are part of the configuration instead.

mod access;
mod account_driven;
mod change;
mod invitations;
mod limits;
mod networks;
mod profile_service;
mod reenrollment;
mod self_service;
mod sign_in;
mod terms;
#[cfg(test)]
mod tests;

pub use access::{AccessRule, RoleRule, Who};
pub use account_driven::{AccountDriven, AuthenticationMethod};
pub use change::{Changes, SCHEMA, SettingsEvent};
pub use invitations::{Invitations, MailText, Mails};
pub use limits::{Limits, VersionRange};
pub use networks::SharedNetwork;
pub use profile_service::ProfileService;
pub use reenrollment::{ClearedView, Commands, Reenrollment};
pub use self_service::SelfService;
pub use sign_in::{SecondFactors, SignIn, Ways};
pub use terms::Terms;

use crate::StreamName;
use crate::enrollment::Ownership;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

pub fn stream() -> StreamName {
    StreamName::single("settings")
}

/// All settings. A TOML file for `muster settings apply` contains any of them; a setting that the file omits gets its
/// default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Name of the organization: shown at the top of every page, and `PayloadOrganization` of every profile.
    pub organization: String,
    /// Ownership kinds of devices that may enroll. The ownership step is only shown if both are permitted.
    pub ownership_kinds: BTreeSet<Ownership>,
    /// Markdown text for people who enroll a personal device, by language tag. `en` is the fallback.
    pub personal_description: BTreeMap<String, String>,
    /// Skips the certificate step. Correct if the server's TLS certificate is publicly trusted.
    pub skip_ca_profile: bool,
    /// Permitted domains of Managed Apple IDs; empty permits any.
    pub managed_apple_id_domains: BTreeSet<String>,
    /// Link to the Self Service app in the App Store, shown on the last page: `https://apps.apple.com/…`.
    pub self_service_url: Option<String>,
    /// The Self Service app, installed by a command if the device supports it.
    pub self_service: SelfService,
    /// A sentence that says where people find help, shown on pages with problems. Mail addresses, telephone numbers and
    /// https addresses in it become links.
    pub help: Option<String>,
    /// Hours without progress after which an enrollment is closed.
    pub abandon_after_hours: u32,
    /// The sign-in methods that are offered.
    pub sign_in: SignIn,
    /// Second factors of staff.
    pub second_factors: SecondFactors,
    /// Networks whose addresses are shared by many people. More failed sign-ins are accepted from them, in proportion
    /// to the number of people.
    pub shared_networks: Vec<SharedNetwork>,
    /// Requirements that a device must meet to enroll.
    pub limits: Limits,
    /// Account-driven enrollment, which begins in Settings.
    pub account_driven: AccountDriven,
    /// Whether institutional devices have to identify themselves before they get the MDM profile.
    pub profile_service: ProfileService,
    /// When an earlier record and a later enrollment count as one device.
    pub reenrollment: Reenrollment,
    /// Invitations to enroll.
    pub invitations: Invitations,
    /// Terms of use by ownership. They are requested from people whose access rule says so; without any access rules,
    /// from everyone.
    pub terms: BTreeMap<Ownership, Terms>,
    /// Who may enroll which devices: the first matching rule decides. Without any rule everyone who can sign in may
    /// enroll the kinds in `ownership_kinds`.
    pub access: Vec<AccessRule>,
    /// Roles of staff who sign in with a directory or an identity provider: all matching rules apply.
    pub staff_roles: Vec<RoleRule>,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            organization: "Your organization".into(),
            ownership_kinds: BTreeSet::from([Ownership::Personal, Ownership::Institutional]),
            personal_description: BTreeMap::new(),
            skip_ca_profile: false,
            managed_apple_id_domains: BTreeSet::new(),
            self_service_url: None,
            self_service: SelfService::default(),
            help: None,
            abandon_after_hours: 24,
            sign_in: SignIn::default(),
            second_factors: SecondFactors::default(),
            shared_networks: Vec::new(),
            limits: Limits::default(),
            account_driven: AccountDriven::default(),
            profile_service: ProfileService::default(),
            reenrollment: Reenrollment::default(),
            invitations: Invitations::default(),
            terms: BTreeMap::new(),
            access: Vec::new(),
            staff_roles: Vec::new(),
        }
    }
}
