//! The devices that claim to be the same hardware: stream `hardware-<hmac>`. Each of them claims it without proof.

use crate::Aggregate;
use events::device::DeviceId;
use events::system::HardwareEvent;
use serde::{Deserialize, Serialize};
use std::convert::Infallible;

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Hardware {
    /// In the order of their enrollment.
    pub devices: Vec<DeviceId>,
}

/// The command of a device that enrolled and claims to be this hardware.
#[derive(Debug, Clone)]
pub struct Enroll {
    pub device: DeviceId,
}

impl Aggregate for Hardware {
    const FOLD: u32 = 1;

    type Whole = Self;
    type Event = HardwareEvent;
    type Command = Enroll;
    type Refusal = Infallible;

    fn decide(&self, command: &Enroll) -> Result<Vec<HardwareEvent>, Infallible> {
        Ok(if self.devices.contains(&command.device) {
            vec![]
        } else {
            vec![HardwareEvent::HardwareEnrolled { device: command.device }]
        })
    }

    fn evolve(mut self, HardwareEvent::HardwareEnrolled { device }: &HardwareEvent) -> Hardware {
        self.devices.push(*device);
        self
    }
}

impl Hardware {
    /// Returns the devices that claimed this hardware before `device`, the latest first.
    pub fn before(&self, device: DeviceId) -> impl Iterator<Item = DeviceId> + '_ {
        let until = self.devices.iter().position(|known| *known == device).unwrap_or(self.devices.len());
        self.devices[..until].iter().rev().copied()
    }

    /// Returns the devices that claimed this hardware after `device`, the latest first.
    pub fn after(&self, device: DeviceId) -> impl Iterator<Item = DeviceId> + '_ {
        self.devices.iter().rev().copied().take_while(move |later| *later != device)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn device(n: u128) -> DeviceId {
        DeviceId(Uuid::from_u128(n))
    }

    fn given(devices: &[u128]) -> Hardware {
        devices.iter().fold(Hardware::default(), |hardware, n| {
            let happened = hardware.decide(&Enroll { device: device(*n) }).expect("never refused");
            happened.iter().fold(hardware, Hardware::evolve)
        })
    }

    #[test]
    fn an_enrollment_told_again_later_does_not_make_the_old_device_the_present_one() {
        assert_eq!(given(&[1, 2, 1]).devices, [device(1), device(2)]);
    }

    #[test]
    fn the_latest_of_those_before_and_after_a_device_come_first() {
        let hardware = given(&[1, 2, 3, 4]);
        assert_eq!(hardware.before(device(3)).collect::<Vec<_>>(), [device(2), device(1)]);
        assert_eq!(hardware.after(device(2)).collect::<Vec<_>>(), [device(4), device(3)]);
        assert_eq!((hardware.before(device(1)).count(), hardware.after(device(4)).count()), (0, 0));
    }
}
