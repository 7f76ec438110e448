//! The channel by which the timer requests pushes. Its capacity is the maximum number of concurrent pushes.

use super::{AT_ONCE, Due};
use events::Timestamp;
use events::device::DeviceId;
use platform::aside::Aside;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::mpsc;
use uuid::Uuid;

/// Devices that could not be woken. The timer skips them for a while.
type Held = Arc<Mutex<Aside<Uuid>>>;

/// The sender, for the timer.
pub(in crate::reactions) struct Reminders(mpsc::Sender<Due>, Held);

/// The receiver, for the reaction that wakes devices.
pub(in crate::reactions) struct Reminded(mpsc::Receiver<Due>, Held);

/// Creates the channel.
pub(in crate::reactions) fn reminders() -> (Reminders, Reminded) {
    let (sender, receiver) = mpsc::channel(AT_ONCE);
    let held = Held::default();
    (Reminders(sender, Arc::clone(&held)), Reminded(receiver, held))
}

impl Reminders {
    /// Returns the number of due devices to query at `now`: the free capacity plus the skipped devices, since the query
    /// returns those too.
    pub(crate) fn room(&self, now: Timestamp) -> usize {
        let mut held = locked(&self.1);
        held.look(now);
        held.besides(self.0.capacity())
    }

    /// Requests a push. If the channel is full, the push stays due.
    pub(crate) fn remind(&self, device: Uuid, due: Due) {
        if !locked(&self.1).holds(&device) {
            let _ = self.0.try_send(due);
        }
    }
}

impl Reminded {
    /// Returns the next request of the timer; `None` if the timer has stopped.
    pub(crate) async fn next(&mut self) -> Option<Due> {
        self.0.recv().await
    }

    /// Records that the device could not be woken.
    pub(crate) fn put_aside(&self, device: DeviceId, now: Timestamp) {
        let mut held = locked(&self.1);
        held.look(now);
        held.put(device.0);
    }
}

fn locked(held: &Held) -> MutexGuard<'_, Aside<Uuid>> {
    held.lock().unwrap_or_else(PoisonError::into_inner)
}
