//! How the timer asks for pushes: through a channel that takes only as many as can be under way.

use super::{AT_ONCE, Due};
use events::Timestamp;
use events::device::DeviceId;
use platform::aside::Aside;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::mpsc;
use uuid::Uuid;

/// Devices that could not be woken: the timer leaves them alone for a while.
type Held = Arc<Mutex<Aside<Uuid>>>;

/// The timer's end.
pub(in crate::reactions) struct Reminders(mpsc::Sender<Due>, Held);

/// The end of the reaction that wakes devices.
pub(in crate::reactions) struct Reminded(mpsc::Receiver<Due>, Held);

/// Both ends.
pub(in crate::reactions) fn reminders() -> (Reminders, Reminded) {
    let (sender, receiver) = mpsc::channel(AT_ONCE);
    let held = Held::default();
    (Reminders(sender, Arc::clone(&held)), Reminded(receiver, held))
}

impl Reminders {
    /// How many to look for at `now`: as many as there is room for, and those that are left alone, which are found as well.
    pub fn room(&self, now: Timestamp) -> usize {
        let mut held = locked(&self.1);
        held.look(now);
        held.besides(self.0.capacity())
    }

    /// Asks for a push. What finds no room stays due.
    pub fn remind(&self, device: Uuid, due: Due) {
        if !locked(&self.1).holds(&device) {
            let _ = self.0.try_send(due);
        }
    }
}

impl Reminded {
    /// What the timer asks for next; `None` when there is no timer any more.
    pub async fn next(&mut self) -> Option<Due> {
        self.0.recv().await
    }

    /// The device could not be woken.
    pub fn put_aside(&self, device: DeviceId, now: Timestamp) {
        let mut held = locked(&self.1);
        held.look(now);
        held.put(device.0);
    }
}

fn locked(held: &Held) -> MutexGuard<'_, Aside<Uuid>> {
    held.lock().unwrap_or_else(PoisonError::into_inner)
}
