//! Converts old versions of `SettingsChanged`. Version 1 held the settings before and after the change; later ones
//! hold the changed settings, and all settings only if no earlier event can be relied on. All settings of version 2
//! are those of schema 1, and of version 3 those of schema 2.

use serde_json::{Map, Value, json};

/// The keys and defaults at the time of the last program that wrote version 1. A key that an old event omits had its
/// default of that time. It is filled in here, so that it does not change with the defaults of later programs.
const DEFAULTS: &str = include_str!("../settings/schemas/1.json");

/// Converts `{before, after}` to all settings and the changed keys. The pair does not show which event is the first, so
/// every converted event holds all settings.
pub(super) fn changed(pair: Value) -> Value {
    let (before, after) = (filled(&pair["before"]), filled(&pair["after"]));
    let change = |(key, after): (&String, &Value)| {
        let before = before.get(key).cloned().unwrap_or_default();
        (before != *after).then(|| (key.clone(), json!({ "before": before, "after": after })))
    };
    let changes: Map<String, Value> = after.iter().filter_map(change).collect();
    json!({ "schema": 1, "whole": after, "changes": changes })
}

// Only the first and second level gained keys; deeper levels are maps or lists that the administrator fills.
fn filled(written: &Value) -> Map<String, Value> {
    let written = written.as_object().cloned().unwrap_or_default();
    let mut all: Map<String, Value> = serde_json::from_str(DEFAULTS).unwrap_or_default();
    for (key, value) in written {
        match (all.get_mut(&key), value) {
            (Some(Value::Object(inner)), Value::Object(value)) => inner.extend(value),
            (_, value) => drop(all.insert(key, value)),
        }
    }
    all
}

/// The settings that schema 2 added, with their defaults at that time.
const ADDED_BY_SCHEMA_2: [&str; 1] = ["reenrollment"];

const DEFAULTS_2: &str = include_str!("../settings/schemas/2.json");

/// Fills in the settings that all settings of schema 1 lack.
pub(super) fn with_reenrollment(mut event: Value) -> Value {
    let defaults: Map<String, Value> = serde_json::from_str(DEFAULTS_2).unwrap_or_default();
    if let Some(whole) = event.get_mut("whole").and_then(Value::as_object_mut) {
        fill_in(whole, &defaults, &ADDED_BY_SCHEMA_2);
    }
    event
}

/// The settings that schema 3 added, with their defaults at that time, and those that it added to `reenrollment`.
const ADDED_BY_SCHEMA_3: [&str; 1] = ["invitations"];
const ADDED_TO_REENROLLMENT: [&str; 4] = ["clear_views", "commands", "authorized_people_only", "shred_after_days"];

const DEFAULTS_3: &str = include_str!("../settings/schemas/3.json");

/// Fills in the settings that all settings of schema 2 lack.
pub(super) fn with_invitations(mut event: Value) -> Value {
    let defaults: Map<String, Value> = serde_json::from_str(DEFAULTS_3).unwrap_or_default();
    if let Some(whole) = event.get_mut("whole").and_then(Value::as_object_mut) {
        fill_in(whole, &defaults, &ADDED_BY_SCHEMA_3);
        if let (Some(Value::Object(own)), Some(Value::Object(defaults))) =
            (whole.get_mut("reenrollment"), defaults.get("reenrollment"))
        {
            fill_in(own, defaults, &ADDED_TO_REENROLLMENT);
        }
    }
    event
}

fn fill_in(settings: &mut Map<String, Value>, defaults: &Map<String, Value>, keys: &[&str]) {
    for key in keys {
        settings.entry(*key).or_insert_with(|| defaults.get(*key).cloned().unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{Settings, SettingsEvent};

    #[test]
    fn all_settings_of_schema_1_get_those_of_schema_2_with_the_defaults_of_that_time() {
        let filled = with_reenrollment(json!({ "schema": 1, "whole": { "organization": "A" }, "changes": {} }));
        assert_eq!(filled["whole"]["reenrollment"]["weak_score"], 3);
        let changed = json!({ "schema": 1, "changes": {} });
        assert_eq!(with_reenrollment(changed.clone()), changed);
        let own = json!({ "whole": { "reenrollment": { "weak_score": 4 } } });
        assert_eq!(with_reenrollment(own.clone()), own);
    }

    #[test]
    fn all_settings_of_schema_2_get_those_of_schema_3_with_the_defaults_of_that_time() {
        let whole = json!({ "reenrollment": { "weak_score": 4, "shred_after_days": 9 } });
        let filled = with_invitations(json!({ "schema": 2, "whole": whole, "changes": {} }));
        assert_eq!(filled["whole"]["invitations"]["valid_days"], 30);
        let expected = json!({ "weak_score": 4, "clear_views": [], "commands": "keep", "authorized_people_only": false,
            "shred_after_days": 9 });
        assert_eq!(filled["whole"]["reenrollment"], expected);
        let changed = json!({ "schema": 2, "changes": {} });
        assert_eq!(with_invitations(changed.clone()), changed);
    }

    fn read(pair: Value) -> (Settings, Value) {
        let event = json!({ "SettingsChanged": changed(pair) });
        let SettingsEvent::SettingsChanged { schema, whole, changes } = serde_json::from_value(event).unwrap();
        assert_eq!(schema, 1);
        (*whole.unwrap(), json!(changes))
    }

    #[test]
    fn an_old_pair_becomes_the_whole_and_what_differs() {
        let before = json!({ "organization": "Example School", "abandon_after_hours": 24 });
        let after = json!({ "organization": "Example School", "abandon_after_hours": 48, "help": "Room 12" });
        let (whole, changes) = read(json!({ "before": before, "after": after }));
        let expected = json!({
            "abandon_after_hours": { "before": 24, "after": 48 },
            "help": { "before": null, "after": "Room 12" },
        });
        assert_eq!(changes, expected);
        assert_eq!((whole.abandon_after_hours, whole.organization.as_str()), (48, "Example School"));
    }

    #[test]
    fn what_an_old_event_left_out_has_the_default_of_its_time_and_what_it_emptied_stays_empty() {
        let after = json!({ "account_driven": { "families": { "ipad": "institutional" } } });
        let (whole, changes) = read(json!({ "before": {}, "after": after }));
        assert_eq!(whole.organization, "Your organization");
        assert_eq!(whole.account_driven.families.len(), 1, "an iPhone does not enroll by account");
        assert!(!whole.account_driven.from_ios_15 && !whole.profile_service.enabled);
        assert_eq!(changes.as_object().unwrap().keys().collect::<Vec<_>>(), ["account_driven"]);
    }
}
