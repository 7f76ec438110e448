//! What a person, device or auditor can see and an administrator may change while the server runs: stream
//! `settings-main`. Addresses, paths and keys are configuration instead.

mod access;
mod account_driven;
mod change;
mod limits;
mod networks;
mod profile_service;
mod self_service;
mod sign_in;
mod terms;

pub use access::{AccessRule, RoleRule, Who};
pub use account_driven::{AccountDriven, AuthenticationMethod};
pub use change::{Changes, SCHEMA, SettingsEvent};
pub use limits::{Limits, VersionRange};
pub use networks::SharedNetwork;
pub use profile_service::ProfileService;
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

/// All settings. A file for `muster settings apply` holds any of them, as TOML; what it leaves out has its default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The organization's name: head of every page, `PayloadOrganization` of every profile.
    pub organization: String,
    /// Which kinds of device may enroll. The ownership step is shown only if both may.
    pub ownership_kinds: BTreeSet<Ownership>,
    /// Markdown shown to people who enroll a personal device, by language tag; `en` is the fallback.
    pub personal_description: BTreeMap<String, String>,
    /// Skip the certificate step: right where the server's TLS certificate is publicly trusted.
    pub skip_ca_profile: bool,
    /// Domains a Managed Apple ID may have; empty means any.
    pub managed_apple_id_domains: BTreeSet<String>,
    /// Link to the Self Service app in the App Store, offered on the last page; `https://apps.apple.com/…`.
    pub self_service_url: Option<String>,
    /// The Self Service app, installed by command where the device takes it.
    pub self_service: SelfService,
    /// Where people find help, shown where they are stuck: a sentence. What it holds of mail addresses, telephone numbers and https
    /// addresses can be tapped.
    pub help: Option<String>,
    /// Hours after which a visit without progress is closed.
    pub abandon_after_hours: u32,
    /// Which ways of signing in are offered to whom.
    pub sign_in: SignIn,
    /// Second factors of staff.
    pub second_factors: SecondFactors,
    /// Addresses that many people share: failed sign-ins from there are expected in proportion.
    pub shared_networks: Vec<SharedNetwork>,
    /// What a device must be to enroll.
    pub limits: Limits,
    /// Enrollment from Settings, by account.
    pub account_driven: AccountDriven,
    /// Whether institutional devices say what they are before they get the MDM profile.
    pub profile_service: ProfileService,
    /// Terms of use, by whose device it is. Asked of whom an access rule says so; where there are no rules, of everybody.
    pub terms: BTreeMap<Ownership, Terms>,
    /// Who may enroll what: the first rule that is about somebody decides. Without any rule everybody who can sign in
    /// may enroll whatever `ownership_kinds` offers.
    pub access: Vec<AccessRule>,
    /// Which roles staff have who sign in with a directory or an identity provider: all rules that are about somebody.
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
            terms: BTreeMap::new(),
            access: Vec::new(),
            staff_roles: Vec::new(),
        }
    }
}
