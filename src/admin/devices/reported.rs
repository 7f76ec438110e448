//! The reported inventory as the device's page shows it: facts, and lists of profiles, apps and certificates.

use super::Fact;
use crate::admin::words::UNNAMED;
use crate::web::content::content;
use names::visible;
use serde::Serialize;
use serde_json::Value as Json;
use std::collections::BTreeMap;

/// Profiles, apps or certificates, as the device listed them.
#[derive(Serialize)]
pub(crate) struct List {
    label: &'static str,
    /// Number of entries, because a template in strict mode cannot test a list.
    count: usize,
    entries: Vec<String>,
}

content!(List { label, count, entries });

/// Values that `devices::inventory` stores as a list, with their labels.
const LISTS: [(&str, &str); 3] =
    [("ProfileList", "Profiles"), ("InstalledApplicationList", "Apps"), ("CertificateList", "Certificates")];

pub(crate) fn facts(known: &BTreeMap<String, Option<String>>) -> Vec<Fact> {
    let facts = known.iter().filter(|(name, _)| !LISTS.iter().any(|(list, _)| list == name));
    facts.map(|(name, value)| fact(name, value.as_deref())).collect()
}

pub(crate) fn lists(known: &BTreeMap<String, Option<String>>) -> Vec<List> {
    let list = |(name, label): &(&str, &'static str)| {
        let told = known.get(*name)?.as_deref().and_then(|json| serde_json::from_str::<Vec<Json>>(json).ok())?;
        Some(List { label, count: told.len(), entries: told.iter().map(entry).collect() })
    };
    LISTS.iter().filter_map(list).collect()
}

// Returns the name with details that distinguish entries of the same name.
fn entry(told: &Json) -> String {
    let text = |key: &str| visible::name(told.get(key).and_then(Json::as_str));
    let name = text("PayloadDisplayName").or_else(|| text("Name")).or_else(|| text("CommonName"));
    let more = [text("PayloadIdentifier").or_else(|| text("Identifier")), text("ShortVersion")];
    let said: Vec<String> = name.into_iter().chain(more.into_iter().flatten()).collect();
    if said.is_empty() { UNNAMED.to_owned() } else { said.join(" · ") }
}

fn fact(name: &str, value: Option<&str>) -> Fact {
    Fact::new(name, value.unwrap_or("(erased)"))
}
