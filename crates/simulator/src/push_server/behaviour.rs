//! What the push server does with notifications where it does not do what it should.

use super::{Connected, Refusal};
use std::collections::VecDeque;
use std::time::Duration;

/// What happens to a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Behaviour {
    /// It is refused so.
    Refuse(Refusal),
    /// It is taken, though no device is there to be woken.
    Take,
    /// It is answered as it should be, but only after this time.
    Wait(Duration),
    /// It is answered as it should be when `PushServer::release` says so.
    Hold,
    /// It is refused so when `PushServer::release` says so.
    RefuseWhenReleased(Refusal),
    /// It is never answered.
    Silence,
    /// The connection that it came on is cut.
    Cut,
    /// It is answered, and the connection that it came on is told that no more is taken on it.
    GoAway,
}

#[derive(Debug, Default)]
pub struct Script {
    /// For the next ones, in order.
    pub next: VecDeque<Behaviour>,
    /// For all after these.
    pub always: Option<Behaviour>,
}

impl Script {
    fn step(&mut self) -> Option<Behaviour> {
        self.next.pop_front().or(self.always)
    }
}

impl Connected {
    /// What happens to a notification for `token` that comes in now.
    pub fn behaviour(&mut self, token: &str) -> Option<Behaviour> {
        let own = self.devices.get_mut(token).and_then(|device| device.script.step());
        own.or_else(|| self.script.step())
    }
}
