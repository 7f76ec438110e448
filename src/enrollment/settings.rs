//! The settings: stream `settings-main`.

use crate::enrollment::Aggregate;
use events::settings::{Settings, SettingsEvent};

/// The settings in force.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Current(pub Settings);

/// Puts settings in the place of all that were.
#[derive(Debug, Clone)]
pub struct Apply {
    pub after: Settings,
    /// Those that somebody saw when they decided it: if others are in force by now, nothing is applied.
    pub over: Option<Settings>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("somebody else changed the settings in the meantime")]
pub struct ChangedMeanwhile;

impl Aggregate for Current {
    type Event = SettingsEvent;
    type Command = Apply;
    type Refusal = ChangedMeanwhile;

    fn decide(&self, Apply { after, over }: &Apply) -> Result<Vec<SettingsEvent>, ChangedMeanwhile> {
        if over.as_ref().is_some_and(|over| *over != self.0) {
            return Err(ChangedMeanwhile);
        }
        Ok(if *after == self.0 {
            vec![]
        } else {
            vec![SettingsEvent::SettingsChanged { before: Box::new(self.0.clone()), after: Box::new(after.clone()) }]
        })
    }

    fn evolve(self, SettingsEvent::SettingsChanged { after, .. }: &SettingsEvent) -> Current {
        Current((**after).clone())
    }
}
