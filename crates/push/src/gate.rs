//! Holds notifications back while the push service, or the connection to it, is in trouble: one notification is
//! tried, the others wait for its result. An outage of an hour therefore costs a few tries and not one for each
//! device.

use super::Trouble;
use super::back_off::delay;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;
use tokio::time::Instant;

/// State of the push service, according to the last tries.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Condition {
    #[default]
    Well,
    /// The push service cannot be reached, is busy or has an error.
    Troubled { reason: String },
    /// The push service rejects the push certificate.
    CertificateRefused { reason: String },
}

#[derive(Default)]
pub(super) struct Gate {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Default)]
struct State {
    condition: Condition,
    /// Failures since the last success.
    failures: u32,
    /// No try may begin before this time.
    not_before: Option<Instant>,
    /// One notification is being tried while the others wait.
    probing: bool,
    /// Number of successes since the start.
    went_well: u64,
    /// Number of notifications in delivery. As long as there is one, it will try again.
    unsettled: usize,
}

/// A notification in delivery. With the last one the trouble is forgotten, because no try would find out that it is
/// over.
pub(super) struct Unsettled<'a>(&'a Gate);

/// Permission for one try. The result must be handed back. If it is dropped without a result, it counts as unused.
pub(super) struct Pass<'a> {
    gate: &'a Gate,
    probe: bool,
}

enum Entry {
    Go { probe: bool },
    Wait(Option<Instant>),
}

impl State {
    fn enter(&mut self, now: Instant) -> Entry {
        match self.not_before {
            None => Entry::Go { probe: false },
            Some(_) if self.probing => Entry::Wait(None),
            Some(then) if then > now => Entry::Wait(Some(then)),
            Some(_) => {
                self.probing = true;
                Entry::Go { probe: true }
            }
        }
    }

    fn went_well(&mut self) {
        self.went_well += 1;
        self.forget();
    }

    fn forget(&mut self) {
        *self = State { went_well: self.went_well, unsettled: self.unsettled, ..State::default() };
    }

    fn failed(&mut self, trouble: Trouble, reason: &str, after: Option<u64>, chance: f64, probe: bool, now: Instant) {
        // Tries that were in progress together also fail together: they count as one failure.
        if probe || self.not_before.is_none() {
            self.failures += 1;
        }
        let then = now + delay(trouble, self.failures, after, chance);
        self.not_before = self.not_before.max(Some(then));
        let reason = reason.to_owned();
        self.condition = match trouble {
            Trouble::Certificate => Condition::CertificateRefused { reason },
            Trouble::Service | Trouble::Device => Condition::Troubled { reason },
        };
    }
}

impl Gate {
    pub(crate) fn condition(&self) -> Condition {
        self.state().condition.clone()
    }

    /// Keeps the condition until this notification is delivered or given up.
    pub(crate) fn begin(&self) -> Unsettled<'_> {
        self.state().unsettled += 1;
        Unsettled(self)
    }

    /// Returns the number of successes since the start, of all notifications.
    pub(crate) fn times_well(&self) -> u64 {
        self.state().went_well
    }

    /// Waits until this notification may be tried.
    pub(crate) async fn enter(&self) -> Pass<'_> {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            let entry = self.state().enter(Instant::now());
            match entry {
                Entry::Go { probe } => return Pass { gate: self, probe },
                Entry::Wait(None) => changed.await,
                Entry::Wait(Some(then)) => tokio::select! {
                    () = changed => {}
                    () = tokio::time::sleep_until(then) => {}
                },
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pass<'_> {
    /// The push service answered, possibly with a rejection of this notification.
    pub(crate) fn went_well(self) {
        self.gate.state().went_well();
    }

    /// The try failed for a reason that affects all notifications.
    pub(crate) fn failed(self, trouble: Trouble, reason: &str, after_seconds: Option<u64>, chance: f64) {
        self.gate.state().failed(trouble, reason, after_seconds, chance, self.probe, Instant::now());
    }
}

impl Drop for Unsettled<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.unsettled -= 1;
        if state.unsettled == 0 {
            state.forget();
        }
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        if self.probe {
            self.gate.state().probing = false;
        }
        self.gate.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;
    use std::time::Duration;

    fn may_go(state: &mut State, now: Instant) -> bool {
        matches!(state.enter(now), Entry::Go { .. })
    }

    #[tokio::test]
    async fn given_no_trouble_then_all_go_at_once() {
        let (mut state, now) = (State::default(), Instant::now());
        assert!((0..100).all(|_| may_go(&mut state, now)));
    }

    #[tokio::test]
    async fn given_a_failure_then_nobody_goes_until_its_time_and_then_one() {
        let (mut state, now) = (State::default(), Instant::now());
        state.failed(Trouble::Service, "ServiceUnavailable", Some(30), 0.0, false, now);
        assert!(!may_go(&mut state, now + Duration::from_secs(29)));
        assert!(may_go(&mut state, now + Duration::from_secs(31)));
        assert!(!may_go(&mut state, now + Duration::from_secs(31)), "the others wait for the result");
        state.went_well();
        assert!(may_go(&mut state, now) && may_go(&mut state, now));
        assert_eq!(state.condition, Condition::Well);
    }

    #[tokio::test]
    async fn given_a_hundred_that_fail_together_then_it_is_one_failure() {
        let (mut state, now) = (State::default(), Instant::now());
        (0..100).for_each(|_| state.failed(Trouble::Service, "cut", None, 1.0, false, now));
        assert_eq!(state.failures, 1);
        assert!(may_go(&mut state, now + Duration::from_secs(1)));
    }

    #[tokio::test]
    async fn given_a_refused_certificate_then_the_condition_says_so() {
        let (mut state, now) = (State::default(), Instant::now());
        state.failed(Trouble::Certificate, "BadCertificate", None, 0.0, false, now);
        assert_eq!(state.condition, Condition::CertificateRefused { reason: "BadCertificate".into() });
    }

    #[tokio::test]
    async fn given_that_nobody_is_left_who_would_find_out_its_end_then_the_trouble_is_forgotten() {
        let gate = Gate::default();
        let (first, second) = (gate.begin(), gate.begin());
        gate.enter().await.failed(Trouble::Certificate, "BadCertificate", None, 0.0);
        drop(first);
        assert_ne!(gate.condition(), Condition::Well, "the second notification is still tried");
        drop(second);
        assert_eq!(gate.condition(), Condition::Well);
        assert!(gate.enter().now_or_never().is_some(), "the next one is tried immediately");
    }

    #[tokio::test]
    async fn a_try_that_is_given_up_lets_the_next_one_try() {
        let gate = Gate::default();
        let past = Instant::now() - Duration::from_secs(10);
        gate.state().failed(Trouble::Service, "cut", None, 0.0, false, past);
        let first = gate.enter().now_or_never().expect("the wait is over");
        assert!(gate.enter().now_or_never().is_none(), "one tries");
        drop(first);
        gate.enter().now_or_never().expect("no other try is in progress").went_well();
        assert!(gate.enter().now_or_never().is_some() && gate.enter().now_or_never().is_some());
    }
}
