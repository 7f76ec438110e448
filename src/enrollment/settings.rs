//! The settings: stream `settings-main`.

use crate::enrollment::Aggregate;
use events::settings::{Settings, SettingsEvent};
use std::convert::Infallible;

/// The settings in force.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Current(pub Settings);

/// Puts these settings in the place of all that were.
#[derive(Debug, Clone)]
pub struct Apply(pub Settings);

impl Aggregate for Current {
    type Event = SettingsEvent;
    type Command = Apply;
    type Refusal = Infallible;

    fn decide(&self, Apply(after): &Apply) -> Result<Vec<SettingsEvent>, Infallible> {
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
