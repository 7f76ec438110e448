//! Holds the current settings, checks changes of them as a whole before they are applied, and describes changes for
//! people.

mod access;
mod account_driven;
mod difference;
mod general;
pub mod groups;
mod in_memory;
mod limits;
pub mod mails;
mod networks;
mod roles;
mod service;
pub mod shared_networks;
mod sign_in;
mod terms;
#[cfg(test)]
mod tests;
pub mod texts;

pub use difference::{difference, told_changes};
pub use service::{SettingsService, stored};

use groups::Unknown;

use decisions::settings::{Apply, ChangedMeanwhile, Current};
use events::settings::Settings;
use events::store::Appended;
use identity::LOCAL;
use identity::config::Identity;
use platform::PerformError;
use platform::context::Context;

/// Returns the settings as TOML for `muster settings apply`. Empty lists of tables are left out, because a file with
/// `access = []` cannot also contain `[[access]]`.
///
/// # Errors
/// Returns an error if the settings cannot be written as TOML.
pub fn written_settings(settings: &Settings) -> Result<String, toml::ser::Error> {
    let mut text = toml::to_string(settings)?;
    for list in ["shared_networks", "access", "staff_roles"] {
        let without = text.replacen(&format!("\n{list} = []\n"), "\n", 1);
        // The check keeps a line that looks like this but is part of a text.
        if toml::from_str::<Settings>(&without).is_ok_and(|read| read == *settings) {
            text = without;
        }
    }
    Ok(text)
}

use std::collections::BTreeSet;

/// Result of checking settings. Each finding names the key, what is wrong and what to do.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Findings {
    /// Errors. If there is one, nothing is applied.
    pub wrong: Vec<String>,
    /// Warnings: the settings can be applied, but may not do what was intended.
    pub warnings: Vec<String>,
}

impl Findings {
    fn wrong(&mut self, what: impl Into<String>) {
        self.wrong.push(what.into());
    }

    fn warn(&mut self, what: impl Into<String>) {
        self.warnings.push(what.into());
    }
}

/// The names of directories and identity providers in the configuration, which settings refer to.
struct Providers<'a> {
    directories: BTreeSet<&'a str>,
    single_sign_on: BTreeSet<&'a str>,
}

impl<'a> Providers<'a> {
    fn of(identity: &'a Identity) -> Providers<'a> {
        let openid_connect = identity.openid_connect.iter().map(|provider| provider.name.as_str());
        let saml = identity.saml.iter().map(|provider| provider.name.as_str());
        Providers {
            directories: identity.directory.iter().map(|directory| directory.name.as_str()).collect(),
            single_sign_on: openid_connect.chain(saml).collect(),
        }
    }

    /// Returns all names that a rule may contain as `provider`, [`LOCAL`] first.
    fn names(&self) -> Vec<&'a str> {
        [LOCAL].into_iter().chain(self.directories.iter().copied()).chain(self.single_sign_on.iter().copied()).collect()
    }
}

/// Checks settings against the section `[identity]` of the configuration and against the current settings (`before`).
pub fn check(settings: &Settings, identity: &Identity, before: &Settings) -> Findings {
    let (mut findings, providers) = (Findings::default(), Providers::of(identity));
    general::check(settings, &mut findings);
    texts::check(settings, &mut findings);
    mails::check(settings, &mut findings);
    sign_in::check(settings, &providers, &mut findings);
    access::check(settings, &providers, &mut findings);
    limits::check(settings, &mut findings);
    networks::check(settings, &mut findings);
    account_driven::check(settings, &mut findings);
    terms::check(settings, before, &mut findings);
    roles::check(settings, &providers, &mut findings);
    findings
}

/// Returns one line for each directory or identity provider that the settings name and the configuration does not
/// contain.
pub fn unknown_providers(settings: &Settings, identity: &Identity) -> Vec<String> {
    let providers = Providers::of(identity);
    let known = either(providers.names());
    let ways = [("sign_in.enrollment", &settings.sign_in.enrollment), ("sign_in.staff", &settings.sign_in.staff)];
    let of_ways = ways.into_iter().flat_map(|(key, ways)| {
        let named = ways.directories.iter().chain(&ways.single_sign_on);
        named.map(move |name| (key.to_owned(), name.as_str()))
    });
    let of_rules = settings
        .access
        .iter()
        .filter_map(|rule| Some((format!("access rule {:?}", rule.name), rule.provider.as_deref()?)));
    let of_roles =
        settings.staff_roles.iter().filter_map(|rule| Some(("staff_roles".to_owned(), rule.provider.as_deref()?)));
    let unknown = of_ways.chain(of_rules).chain(of_roles).filter(|(_, name)| !providers.names().contains(name));
    let lines: BTreeSet<String> = unknown
        .map(|(key, name)| format!("{key} names {name:?}, not in the configuration; available: {known}"))
        .collect();
    lines.into_iter().collect()
}

/// Returns the names of the identity providers in the configuration.
pub fn single_sign_on(identity: &Identity) -> BTreeSet<&str> {
    Providers::of(identity).single_sign_on
}

/// Why settings were not applied.
#[derive(Debug)]
pub enum ApplyError {
    /// The errors in the settings, one line each.
    Wrong(Vec<String>),
    /// The settings were changed after the caller read them.
    ChangedMeanwhile,
    /// The log cannot be read or written.
    Broken(String),
}

/// Result of applying settings.
#[derive(Debug)]
pub struct Applied {
    pub before: Settings,
    /// As in [`Findings::warnings`]; also groups that the directories do not have or could not look up.
    pub warnings: Vec<String>,
    /// `None` if the settings did not change.
    pub appended: Option<Appended>,
}

/// Checks and applies settings. `over` is the number of changes that the settings had when the caller read them, as in
/// [`Apply::over`].
///
/// # Errors
/// Returns an error, and applies nothing, if the settings have errors or were changed meanwhile, or if the log cannot
/// be read or written.
pub async fn apply(
    service: &SettingsService,
    over: Option<u64>,
    after: Settings,
    context: &Context,
) -> Result<Applied, ApplyError> {
    let broken = |error: &dyn std::error::Error| ApplyError::Broken(error.to_string());
    let (current, revision) = service.loaded().await.map_err(|error| broken(&error))?;
    let before = current.settings.clone();
    let Findings { wrong, mut warnings } = check(&after, &service.identity, &before);
    if !wrong.is_empty() {
        return Err(ApplyError::Wrong(wrong));
    }
    // Only if rules changed, so that an administrator who changes a text does not wait for directories.
    if (&after.access, &after.staff_roles) != (&before.access, &before.staff_roles) {
        let single_sign_on = single_sign_on(&service.identity);
        let looked = groups::look(&after, &service.directories(), &single_sign_on).await;
        warnings.extend(looked.nowhere);
        warnings.extend(looked.unknown.map(|Unknown { told, why }| format!("{told} ({why})")));
    }
    let (stream, command) = (events::settings::stream(), Apply { after, over });
    match service.platform.perform_from::<Current>(&stream, (current, revision), &command, context).await {
        Ok(performed) => Ok(Applied { before, warnings, appended: performed.appended }),
        Err(PerformError::Refused(ChangedMeanwhile)) => Err(ApplyError::ChangedMeanwhile),
        Err(error) => Err(broken(&error)),
    }
}

/// The languages of the pages: those in `templates/texts`.
pub const LANGUAGES: [&str; 3] = ["de", "en", "ja"];

// Returns names for a sentence: `"a", "b" or "c"`.
fn either<T: std::fmt::Debug>(names: impl IntoIterator<Item = T>) -> String {
    let mut names: Vec<String> = names.into_iter().map(|name| format!("{name:?}")).collect();
    match names.pop() {
        Some(last) if names.is_empty() => last,
        Some(last) => format!("{} or {last}", names.join(", ")),
        None => "none".into(),
    }
}
