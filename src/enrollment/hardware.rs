//! Which devices of ours one piece of hardware has been: stream `hardware-<hmac>`.

use crate::enrollment::Aggregate;
use events::device::DeviceId;
use events::system::HardwareEvent;
use std::convert::Infallible;

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Hardware {
    /// Oldest first; the last one is what it is now.
    pub devices: Vec<DeviceId>,
}

/// The hardware enrolled as this device.
#[derive(Debug, Clone)]
pub struct Enroll {
    pub device: DeviceId,
}

impl Aggregate for Hardware {
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
    /// What the hardware was before it became `device`.
    pub fn before(&self, device: DeviceId) -> impl Iterator<Item = DeviceId> + '_ {
        self.devices.iter().copied().take_while(move |earlier| *earlier != device)
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
    fn a_device_is_superseded_by_those_after_it_and_by_none_before() {
        assert_eq!(given(&[1, 2]).before(device(2)).collect::<Vec<_>>(), [device(1)]);
        assert_eq!(given(&[1, 2]).before(device(1)).count(), 0);
    }
}
