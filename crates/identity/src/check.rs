//! Offline checks of `[identity]`: names, keys, and each kind of provider in a module of its own.

mod directory;
mod openid_connect;

use crate::config::Identity;
use findings::{Finding, files};
use std::collections::BTreeSet;

/// Checks everything except what [`crate::saml::check`] checks, which needs the current time. `public_url` is
/// `server.public_url`.
pub fn check(identity: &Identity, public_url: &str) -> Vec<Finding> {
    let directories = identity.directory.iter().map(|one| ("identity.directory", &one.name));
    let openid_connect = identity.openid_connect.iter().map(|one| ("identity.openid_connect", &one.name));
    let saml = identity.saml.iter().map(|one| ("identity.saml", &one.name));
    let mut findings = names(directories.chain(openid_connect).chain(saml));
    for one in &identity.saml {
        let keys = [("signing_key", &one.signing_key), ("decryption_key", &one.decryption_key)];
        for (key, path) in keys.into_iter().filter_map(|(key, path)| Some((key, path.as_deref()?))) {
            findings.extend(files::readable_by_others(&format!("identity.saml.{}.{key}", one.name), path));
        }
    }
    findings.extend(directory::check(&identity.directory));
    findings.extend(openid_connect::check(&identity.openid_connect, public_url));
    findings
}

fn names<'a>(all: impl Iterator<Item = (&'static str, &'a String)>) -> Vec<Finding> {
    // Provider name of local accounts.
    let mut seen = BTreeSet::from(["local"]);
    let mut findings = Vec::new();
    for (about, name) in all {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if name.is_empty() || name.len() > 40 || !name.chars().all(plain) {
            let wrong = format!("{name:?} is not a valid name: names are used in addresses, settings and the log");
            let mend = "use lower-case letters, digits and hyphens, at most 40";
            findings.push(Finding::error("identity-name-malformed", about, wrong, mend));
        }
        if !seen.insert(name) {
            let wrong = format!("the name {name:?} is used twice: names must be unique across all of [identity]");
            let mend = "give each section its own name; \"local\" is reserved for local accounts";
            findings.push(Finding::error("identity-name-twice", about, wrong, mend));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain_and_each_is_one_providers_alone() {
        let codes = |given: &[&str]| {
            let given: Vec<String> = given.iter().map(|name| (*name).to_owned()).collect();
            names(given.iter().map(|name| ("identity.saml", name))).iter().map(|one| one.code).collect::<Vec<_>>()
        };
        assert_eq!(codes(&["school", "school-2"]), Vec::<&str>::new());
        assert_eq!(codes(&["school", "school"]), ["identity-name-twice"]);
        assert_eq!(codes(&["local"]), ["identity-name-twice"]);
        for malformed in ["", "School", "a/b", "a b", "a.b"] {
            assert_eq!(codes(&[malformed]), ["identity-name-malformed"], "{malformed}");
        }
    }
}
