//! The settings: stream `settings-main`.

use crate::Aggregate;
use events::settings::{Settings, SettingsEvent};
use serde::{Deserialize, Serialize};

/// The current settings.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Current {
    pub settings: Settings,
    /// Number of changes so far, which [`Apply::over`] refers to.
    pub changes: u64,
    /// Schema of the last change.
    pub schema: Option<u32>,
}

/// Replaces all settings.
#[derive(Debug, Clone)]
pub struct Apply {
    pub after: Settings,
    /// [`Current::changes`] of the settings that the decision was based on. If they changed since, nothing is applied.
    /// `None`: apply to any settings.
    pub over: Option<u64>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the settings were changed by someone else in the meantime")]
pub struct ChangedMeanwhile;

impl Aggregate for Current {
    const FOLD: u32 = 3;

    type Whole = Self;
    type Event = SettingsEvent;
    type Command = Apply;
    type Refusal = ChangedMeanwhile;

    fn decide(&self, Apply { after, over }: &Apply) -> Result<Vec<SettingsEvent>, ChangedMeanwhile> {
        if over.is_some_and(|over| over != self.changes) {
            return Err(ChangedMeanwhile);
        }
        if *after == self.settings {
            return Ok(vec![]);
        }
        Ok(vec![SettingsEvent::between(&self.settings, after, self.schema)])
    }

    fn evolve(self, event: &SettingsEvent) -> Current {
        let SettingsEvent::SettingsChanged { schema, whole, changes } = event;
        let settings = match whole {
            Some(whole) => (**whole).clone(),
            None => changes.applied_to(self.settings),
        };
        Current { settings, changes: self.changes + 1, schema: Some(*schema) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use events::settings::SCHEMA;

    fn named(organization: &str) -> Settings {
        Settings { organization: organization.into(), ..Settings::default() }
    }

    fn apply(current: &Current, after: &Settings, over: Option<u64>) -> Result<Vec<SettingsEvent>, ChangedMeanwhile> {
        current.decide(&Apply { after: after.clone(), over })
    }

    fn given(settings: &[Settings]) -> Current {
        settings.iter().fold(Current::default(), |current, after| {
            apply(&current, after, None).unwrap().iter().fold(current, Current::evolve)
        })
    }

    #[test]
    fn a_change_over_settings_that_are_not_the_current_ones_is_refused() {
        let current = given(&[named("A"), named("B")]);
        assert_eq!(apply(&current, &named("C"), Some(1)), Err(ChangedMeanwhile));
        assert_eq!(apply(&current, &named("B"), Some(1)), Err(ChangedMeanwhile), "even one that changes nothing");
        assert!(apply(&current, &named("C"), Some(2)).is_ok_and(|events| events.len() == 1));
        assert_eq!(apply(&current, &named("B"), Some(2)), Ok(vec![]));
    }

    #[test]
    fn the_whole_is_written_first_and_after_another_schema_and_only_changes_otherwise() {
        let whole = |current: &Current| {
            let events = apply(current, &named("C"), None).unwrap();
            matches!(&events[..], [SettingsEvent::SettingsChanged { whole: Some(_), schema: SCHEMA, .. }])
        };
        assert!(whole(&Current::default()));
        assert!(!whole(&given(&[named("A")])));
        assert!(whole(&Current { schema: Some(SCHEMA - 1), ..given(&[named("A")]) }));
    }

    #[test]
    fn settings_are_the_same_after_any_sequence_of_changes() {
        let mut last = named("C");
        last.limits.models = ["iPad".to_owned()].into();
        let current = given(&[named("A"), Settings { skip_ca_profile: true, ..named("A") }, named("B"), last.clone()]);
        assert_eq!((current.settings, current.changes), (last, 4));
    }
}
