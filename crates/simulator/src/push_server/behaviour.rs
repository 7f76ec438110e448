//! Scripted behaviour of the push server, in place of the normal one.

use super::{Connected, Refusal};
use std::collections::VecDeque;
use std::time::Duration;

/// What happens to a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Behaviour {
    /// It is rejected with this answer.
    Refuse(Refusal),
    /// It is accepted, although there is no device to wake.
    Take,
    /// It is answered normally, but after this time.
    Wait(Duration),
    /// It is answered normally when `PushServer::release` is called.
    Hold,
    /// It is rejected with this answer when `PushServer::release` is called.
    RefuseWhenReleased(Refusal),
    /// It is never answered.
    Silence,
    /// Its connection is cut.
    Cut,
    /// It is answered, and its connection gets a GOAWAY.
    GoAway,
}

#[derive(Debug, Default)]
pub(crate) struct Script {
    /// Behaviours for the next notifications, in order.
    pub next: VecDeque<Behaviour>,
    /// Behaviour for all later notifications.
    pub always: Option<Behaviour>,
}

impl Script {
    fn step(&mut self) -> Option<Behaviour> {
        self.next.pop_front().or(self.always)
    }
}

impl Connected {
    /// Returns the behaviour for a notification for `token` that arrives now.
    pub(crate) fn behaviour(&mut self, token: &str) -> Option<Behaviour> {
        let own = self.devices.get_mut(token).and_then(|device| device.script.step());
        own.or_else(|| self.script.step())
    }
}
