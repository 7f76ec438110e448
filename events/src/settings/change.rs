//! How a change of the settings is recorded: the changed keys with their values before and after, and sometimes all
//! settings.

use super::Settings;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Version of the keys and defaults of [`Settings`]. To add a key or change a default, increase it and freeze the new
/// defaults in `schemas/`. To add, rename or remove a key, also raise the version of the event and add an upcast.
pub const SCHEMA: u32 = 3;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum SettingsEvent {
    SettingsChanged {
        /// [`SCHEMA`] of the program that wrote the event.
        schema: u32,
        /// All settings after the change. Present in the first event and in each event after a change of the schema, so
        /// that no fold depends on the defaults of a program. `None`: the earlier settings with `changes` applied.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        whole: Option<Box<Settings>>,
        changes: Changes,
    },
}

/// The changed settings, by their key in [`Settings`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "BTreeMap<String, Change>")]
pub struct Changes(BTreeMap<String, Change>);

/// Values of one setting, as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    before: Value,
    after: Value,
}

impl SettingsEvent {
    /// Returns the event for a change from `before` to `after`. `schema`: the schema of the previous event, if there is
    /// one.
    pub fn between(before: &Settings, after: &Settings, schema: Option<u32>) -> SettingsEvent {
        let whole = (schema != Some(SCHEMA)).then(|| Box::new(after.clone()));
        SettingsEvent::SettingsChanged { schema: SCHEMA, whole, changes: Changes::between(before, after) }
    }
}

impl Changes {
    /// Returns the differences between two settings.
    pub fn between(before: &Settings, after: &Settings) -> Changes {
        let (mut before, after) = (object(before), object(after));
        let changed = after.into_iter().filter_map(|(key, after)| {
            let before = before.remove(&key).unwrap_or_default();
            (before != after).then_some((key, Change { before, after }))
        });
        Changes(changed.collect())
    }

    /// Returns the changed keys.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Returns the changed keys with their values before the change.
    pub fn before(&self) -> Map<String, Value> {
        self.0.iter().map(|(key, change)| (key.clone(), change.before.clone())).collect()
    }

    /// Returns the changed keys with their values after the change.
    pub fn after(&self) -> Map<String, Value> {
        self.0.iter().map(|(key, change)| (key.clone(), change.after.clone())).collect()
    }

    /// Returns the new value of one setting; `None` if it did not change.
    pub fn value<T: DeserializeOwned>(&self, key: &str) -> Option<T> {
        serde_json::from_value(self.0.get(key)?.after.clone()).ok()
    }

    /// Returns the settings with these changes applied.
    #[must_use]
    pub fn applied_to(&self, settings: Settings) -> Settings {
        let mut all = object(&settings);
        all.extend(self.after());
        // Each value was already parsed as a setting when the event was read, so the result is always valid.
        serde_json::from_value(Value::Object(all)).unwrap_or(settings)
    }
}

impl TryFrom<BTreeMap<String, Change>> for Changes {
    type Error = serde_json::Error;

    // Rejects an unknown key or invalid value when the event is read, instead of ignoring it in a fold.
    fn try_from(changes: BTreeMap<String, Change>) -> Result<Changes, serde_json::Error> {
        let changes = Changes(changes);
        serde_json::from_value::<Settings>(Value::Object(changes.after()))?;
        Ok(changes)
    }
}

fn object(settings: &Settings) -> Map<String, Value> {
    match serde_json::to_value(settings) {
        Ok(Value::Object(all)) => all,
        Ok(_) | Err(_) => unreachable!("settings are written as an object"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn changed(change: impl FnOnce(&mut Settings)) -> Settings {
        let mut settings = Settings::default();
        change(&mut settings);
        settings
    }

    #[test]
    fn keys_and_defaults_are_those_that_are_frozen_for_the_schema() {
        let path = format!("{}/src/settings/schemas/{SCHEMA}.json", env!("CARGO_MANIFEST_DIR"));
        let frozen: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        let now = Value::Object(object(&Settings::default()));
        assert_eq!(now, frozen, "the settings changed: raise SCHEMA and write the new defaults to schemas/");
    }

    #[test]
    fn the_first_change_and_the_first_of_another_schema_hold_the_whole_and_others_the_changed_keys() {
        let (before, after) = (Settings::default(), changed(|settings| settings.help = Some("Room 12".into())));
        for (schema, is_whole) in [(None, true), (Some(SCHEMA - 1), true), (Some(SCHEMA), false)] {
            let SettingsEvent::SettingsChanged { whole, changes, .. } = SettingsEvent::between(&before, &after, schema);
            assert_eq!(whole.is_some(), is_whole, "{schema:?}");
            assert_eq!(json!(changes), json!({ "help": { "before": null, "after": "Room 12" } }));
            assert_eq!(changes.applied_to(before.clone()), after);
        }
    }

    #[test]
    fn changes_are_applied_over_settings_that_are_not_the_defaults() {
        let before = changed(|settings| settings.limits.models = ["iPad".to_owned()].into());
        let after = Settings { skip_ca_profile: true, ..before.clone() };
        assert_eq!(Changes::between(&before, &after).applied_to(before), after);
    }

    #[test]
    fn a_key_or_value_that_is_no_setting_is_not_understood() {
        for changes in [
            json!({ "colour": { "before": 1, "after": 2 } }),
            json!({ "abandon_after_hours": { "before": 1, "after": "two" } }),
            json!({ "help": { "before": null } }),
        ] {
            assert!(serde_json::from_value::<Changes>(changes.clone()).is_err(), "{changes}");
        }
    }
}
