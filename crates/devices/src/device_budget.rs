//! Budget for the events that one device can make the server write: twenty events at once, then one every ten minutes,
//! and at most a megabyte a day. Events above the budget are counted instead, and the count is written to the device's
//! stream with an alarm.
//!
//! The budgets are in memory only: a restart gives each device one more burst.

use crate::Devices;
use decisions::Aggregate;
use decisions::device::{Device, Draws};
use decisions::enrollment::Enrollment;
use events::device::{DeviceEvent, DeviceId};
use events::enrollment::EnrollmentEvent;
use events::envelope::{Actor, ActorKind};
use events::store::Expected;
use events::{Event, StreamName, Timestamp};
use platform::Loaded;
use platform::PerformError;
use platform::Performed;
use platform::budgets::{Allowance, Cadence, Shares};
use platform::context::Context;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};
use telemetry::Alarm;

const EVENTS: Allowance = Allowance { burst: 20, refill: 600_000_000 };
const BYTES: Allowance = Allowance::a_day(1_000_000);
/// Size of an event in the log without its payload, in bytes.
const ENVELOPE: i64 = 600;

/// Budgets of all devices.
#[derive(Debug)]
pub(crate) struct DeviceBudget {
    events: Shares<DeviceId>,
    bytes: Shares<DeviceId>,
    suppressed: Mutex<HashMap<DeviceId, Suppressed>>,
}

/// Events of one device that were suppressed since the last count.
#[derive(Debug, Default)]
struct Suppressed {
    events: BTreeMap<String, u64>,
    cadence: Cadence,
}

/// Reason why a device's command was not performed.
#[derive(Debug, thiserror::Error)]
pub enum ByDeviceError<R: std::error::Error> {
    /// The budget of the device is used up. The suppressed events were counted.
    #[error("the device has used up its budget of events")]
    Spent,
    #[error(transparent)]
    Perform(#[from] PerformError<R>),
}

impl Default for DeviceBudget {
    fn default() -> DeviceBudget {
        DeviceBudget { events: Shares::new(EVENTS), bytes: Shares::new(BYTES), suppressed: Mutex::default() }
    }
}

impl DeviceBudget {
    fn take(&self, now: Timestamp, device: DeviceId, events: i64, bytes: i64) -> bool {
        let room = self.events.has(now, &device, events) && self.bytes.has(now, &device, bytes);
        room && self.bytes.take(now, device, bytes) && self.events.take(now, device, events)
    }

    fn count(&self, now: Timestamp, device: DeviceId, events: impl Iterator<Item = String>) {
        let mut suppressed = self.suppressed.lock().unwrap_or_else(PoisonError::into_inner);
        let of_device = suppressed.entry(device).or_default();
        of_device.cadence.counts(now);
        for event in events {
            *of_device.events.entry(event).or_default() += 1;
        }
    }

    fn take_counted(&self, now: Timestamp, all: bool) -> Vec<(DeviceId, BTreeMap<String, u64>)> {
        let mut suppressed = self.suppressed.lock().unwrap_or_else(PoisonError::into_inner);
        let mut counted = Vec::new();
        suppressed.retain(|device, of_device| {
            if !of_device.events.is_empty() && (all || of_device.cadence.is_due(now)) {
                of_device.cadence.wrote(now);
                counted.push((*device, std::mem::take(&mut of_device.events)));
            }
            !of_device.events.is_empty() || !of_device.cadence.is_over(now)
        });
        counted
    }
}

/// Aggregates whose events a device can cause.
pub trait DrawsOnDevice: Aggregate {
    /// Returns what `event`, decided on this state, costs the budget of the device.
    fn draws(&self, event: &Self::Event) -> Draws;

    /// Returns whether these events, decided on this state, complete an action that the server requested. If so, they
    /// cost nothing.
    fn ends_what_was_asked(&self, _decided: &[Self::Event]) -> bool {
        false
    }
}

impl DrawsOnDevice for Device {
    fn draws(&self, event: &DeviceEvent) -> Draws {
        Device::draws(self, event)
    }

    fn ends_what_was_asked(&self, decided: &[DeviceEvent]) -> bool {
        self.completes_renewal(decided)
    }
}

// Each event of an enrollment costs, because a device can request its profile or another token any number of times.
impl DrawsOnDevice for Enrollment {
    fn draws(&self, _event: &EnrollmentEvent) -> Draws {
        Draws::Event
    }
}

impl Devices {
    /// Like [`platform::Platform::perform_from`], for a command that a device causes on its own initiative: limited by
    /// the device's budget.
    ///
    /// # Errors
    /// Returns an error if the budget is used up, the command is rejected, or the log cannot be read or written.
    pub async fn perform_by_device<A: DrawsOnDevice>(
        &self,
        device: DeviceId,
        stream: &StreamName,
        loaded: Loaded<A>,
        command: &A::Command,
        context: &Context,
    ) -> Result<Performed<A>, ByDeviceError<A::Refusal>> {
        let within = |state: &A, decided: &[A::Event]| match self.charge(device, state, decided) {
            true => Ok(()),
            false => Err(ByDeviceError::Spent),
        };
        self.platform.perform_if(stream, loaded, command, context, within).await
    }

    // Takes the cost of these events from the budget. If the budget does not suffice, counts the events that have a
    // cost.
    fn charge<A: DrawsOnDevice>(&self, device: DeviceId, state: &A, decided: &[A::Event]) -> bool {
        if state.ends_what_was_asked(decided) {
            return true;
        }
        let drawing: Vec<(Draws, Event)> = decided
            .iter()
            .map(|event| (state.draws(event), event.clone().into()))
            .filter(|(draws, _)| *draws != Draws::Nothing)
            .collect();
        if drawing.is_empty() {
            return true;
        }
        let events = drawing.iter().filter(|(draws, _)| *draws == Draws::Event).count();
        let bytes = drawing.iter().map(|(_, event)| weight(event)).sum();
        let now = self.platform.world.now();
        let room = self.device_budget.take(now, device, i64::try_from(events).unwrap_or(i64::MAX), bytes);
        if !room {
            self.device_budget.count(now, device, drawing.iter().map(|(_, event)| event.type_name()));
        }
        room
    }

    /// Returns whether the budget of a device has room for one more event. If not, counts an event of this type. Called
    /// before work that is more expensive than writing an event, such as signing.
    pub fn device_has_room(&self, device: DeviceId, event_type: &str) -> bool {
        let now = self.platform.world.now();
        let room = self.device_budget.events.has(now, &device, 1);
        if !room {
            self.device_budget.count(now, device, std::iter::once(event_type.to_owned()));
        }
        room
    }
}

// Estimates the size of an event in bytes. Sealed fields are longer by a third than plain ones, because of Base64.
fn weight(event: &Event) -> i64 {
    let (_, data) = event.to_parts();
    i64::try_from(data.to_string().len()).unwrap_or(i64::MAX / 8) * 4 / 3 + ENVELOPE
}

/// Writes the counts of suppressed events of devices, each with an alarm: those that are due, or all (`all`).
pub async fn sum_up(devices: &Devices, all: bool) {
    for (device, events) in devices.device_budget.take_counted(devices.platform.world.now(), all) {
        let count: u64 = events.values().sum();
        devices.platform.metrics.alarm(Alarm::DeviceOverBudget);
        tracing::error!(device.id = %device, count, "a device causes more events than its budget allows");
        let context = Context::of(Actor::new(ActorKind::System, "device-budget"), None, device.0);
        let event = DeviceEvent::DeviceEventsSuppressed { count, events };
        if let Err(error) = devices.platform.append_event(&device.stream(), Expected::Any, event, &context).await {
            tracing::error!(device.id = %device, %error, count, "the count of suppressed events of a device cannot be written");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    const NOW: Timestamp = Timestamp(1_700_000_000_000_000);
    const DEVICE: DeviceId = DeviceId(Uuid::from_u128(1));

    #[test]
    fn a_device_writes_twenty_events_at_once_and_then_one_every_ten_minutes() {
        let budget = DeviceBudget::default();
        let day = (0..86_400).filter(|second| budget.take(NOW.plus_seconds(*second), DEVICE, 1, 1_000)).count();
        assert_eq!(day, 20 + 143);
        assert!(budget.take(NOW, DeviceId(Uuid::from_u128(2)), 1, 1_000), "another has a budget of its own");
    }

    #[test]
    fn a_device_writes_at_most_a_megabyte_a_day() {
        let budget = DeviceBudget::default();
        let written = (0..86_400).filter(|second| budget.take(NOW.plus_seconds(*second), DEVICE, 0, 30_000)).count();
        assert!((30..=33).contains(&written), "{written} times 30 kB");
    }

    #[test]
    fn what_was_not_written_is_counted_by_type() {
        let budget = DeviceBudget::default();
        budget.count(NOW, DEVICE, ["PushTokenRenewed".to_owned(), "PushTokenRenewed".to_owned()].into_iter());
        assert!(budget.take_counted(NOW, false).is_empty());
        let counted = BTreeMap::from([("PushTokenRenewed".to_owned(), 2)]);
        assert_eq!(budget.take_counted(NOW.plus_seconds(60), false), [(DEVICE, counted)]);
        assert!(budget.take_counted(NOW.plus_seconds(4_000), true).is_empty());
        assert!(budget.suppressed.lock().unwrap().is_empty(), "forgotten when it is over");
    }
}
