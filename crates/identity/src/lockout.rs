//! Prevents attackers from locking accounts of a directory through Muster. Wrong passwords for one name are counted
//! across all sources, and Muster stops asking the directory before the directory would lock the account everywhere
//! (mail, desktop, VPN).
//!
//! The cost: while Muster does not ask the directory, nobody can sign in under that name, not even with the right
//! password, because only the directory knows it. Therefore one source may use up all but one of the allowed wrong
//! passwords: an attacker in one network leaves the person one attempt from another. An attacker with several
//! networks can keep a person out as long as the attack lasts, but only out of Muster, which is less harm than a
//! lockout in the directory. Wrong passwords that are typed elsewhere are counted by the directory and not by Muster,
//! so set `lockout_failures` lower than the directory's own limit.
//!
//! Why not an [`Allowance`](super::throttle::Allowance): directories forget all wrong passwords some time after the
//! last one (Active Directory), or each one after some time (OpenLDAP's ppolicy). An allowance that pays off one
//! failure at a time would eventually trigger the lockout of both.

use crate::throttle::{RetryAfter, network};
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use world::{Timestamp, World};

/// Attempts under one name that may wait. Further ones are refused for [`LINE_SECONDS`].
const LONGEST_LINE: usize = 256;
const LINE_SECONDS: i64 = 5;
/// Maximum number of names in memory.
const CAPACITY: usize = 50_000;

/// Number of wrong passwords that are passed on to the directory for one name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// From all sources together.
    pub of_name: u32,
    /// From one source.
    pub of_source: u32,
    /// All wrong passwords are forgotten this long after the last one.
    pub window_seconds: i64,
}

impl Limits {
    /// Returns limits below the directory's lockout policy: `failures` within `minutes`.
    pub fn below(failures: u32, minutes: u32) -> Limits {
        let of_name = failures.saturating_sub(1).max(1);
        Limits { of_name, of_source: (of_name - 1).max(1), window_seconds: i64::from(minutes) * 60 }
    }

    /// Returns limits that satisfy both `self` and `other`.
    #[must_use]
    pub fn and(self, other: Limits) -> Limits {
        Limits {
            of_name: self.of_name.min(other.of_name),
            of_source: self.of_source.min(other.of_source),
            window_seconds: self.window_seconds.max(other.window_seconds),
        }
    }
}

/// Counts wrong passwords by name.
#[derive(Debug, Default)]
pub struct Lockout {
    counted: Mutex<HashMap<String, Counted>>,
    /// Semaphores of the attempts that wait for a turn or have one.
    lines: Mutex<HashMap<String, Arc<Semaphore>>>,
}

#[derive(Debug)]
struct Counted {
    by_source: Vec<(IpAddr, u32)>,
    forgotten: Timestamp,
}

impl Counted {
    fn total(&self) -> u32 {
        self.by_source.iter().map(|(_, count)| count).sum()
    }

    fn of(&self, source: IpAddr) -> u32 {
        self.by_source.iter().find(|(of, _)| *of == source).map_or(0, |(_, count)| *count)
    }
}

/// Permission to ask the directory about a name. No other attempt for this name begins until it is dropped.
#[derive(Debug)]
#[must_use = "a wrong password must be counted with `Lockout::failed`"]
pub struct Turn {
    name: String,
    source: IpAddr,
    limits: Limits,
    _turn: OwnedSemaphorePermit,
}

impl Lockout {
    /// Waits for this attempt's turn. Of a thousand attempts at once, each later one must see the result of the
    /// earlier ones.
    ///
    /// # Errors
    /// Returns the time to wait if the directory must not be asked about `name`, which is a digest, never the text.
    pub async fn begin(&self, world: &World, name: &str, source: IpAddr, limits: Limits) -> Result<Turn, RetryAfter> {
        let source = network(source);
        self.check(world.now(), name, source, limits)?;
        let line = self.line_up(name)?;
        let turn = line.acquire_owned().await.expect("no line is ever closed");
        self.check(world.now(), name, source, limits)?;
        Ok(Turn { name: name.to_owned(), source, limits, _turn: turn })
    }

    /// Counts a wrong password.
    pub fn failed(&self, now: Timestamp, turn: Turn) {
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        make_room(&mut counted, now);
        let fresh = || Counted { by_source: Vec::new(), forgotten: now };
        let of_name = counted.entry(turn.name.clone()).or_insert_with(fresh);
        if of_name.forgotten <= now {
            of_name.by_source.clear();
        }
        match of_name.by_source.iter_mut().find(|(source, _)| *source == turn.source) {
            Some((_, count)) => *count += 1,
            None => of_name.by_source.push((turn.source, 1)),
        }
        of_name.forgotten = now.plus_seconds(turn.limits.window_seconds);
    }

    /// Forgets the wrong passwords of the name: after the right password, directories reset their count too.
    pub fn succeeded(&self, turn: Turn) {
        self.counted.lock().unwrap_or_else(PoisonError::into_inner).remove(&turn.name);
    }

    fn check(&self, now: Timestamp, name: &str, source: IpAddr, limits: Limits) -> Result<(), RetryAfter> {
        let counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(counted) = counted.get(name).filter(|counted| counted.forgotten > now) else { return Ok(()) };
        if counted.total() < limits.of_name && counted.of(source) < limits.of_source {
            return Ok(());
        }
        Err(RetryAfter((counted.forgotten.0 - now.0 + 999_999) / 1_000_000))
    }

    // Every attempt in a line holds its semaphore. A line that only the map holds is empty and is removed.
    fn line_up(&self, name: &str) -> Result<Arc<Semaphore>, RetryAfter> {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.retain(|_, line| Arc::strong_count(line) > 1);
        let line = lines.entry(name.to_owned()).or_insert_with(|| Arc::new(Semaphore::new(1)));
        if Arc::strong_count(line) > LONGEST_LINE {
            return Err(RetryAfter(LINE_SECONDS));
        }
        Ok(Arc::clone(line))
    }
}

// Removes expired entries and, if too many names remain, those with the fewest failures.
fn make_room(counted: &mut HashMap<String, Counted>, now: Timestamp) {
    if counted.len() < CAPACITY {
        return;
    }
    counted.retain(|_, counted| counted.forgotten > now);
    let mut least = 1;
    while counted.len() >= CAPACITY {
        counted.retain(|_, counted| counted.total() > least);
        least += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use world::ManualClock;

    const NOW: Timestamp = Timestamp(1_700_000_000_000_000);
    const HOME: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
    const ELSEWHERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2));

    fn world() -> (World, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::at(NOW));
        (World::at(clock.clone()), clock)
    }

    async fn guess(lockout: &Lockout, world: &World, source: IpAddr) -> Result<(), RetryAfter> {
        let turn = lockout.begin(world, "ada", source, Limits::below(5, 15)).await?;
        lockout.failed(world.now(), turn);
        Ok(())
    }

    #[tokio::test]
    async fn a_directory_that_locks_after_five_is_asked_four_times_at_most_whoever_guesses() {
        let (lockout, (world, _)) = (Lockout::default(), world());
        let mut asked = 0;
        for host in 0..100 {
            asked += usize::from(guess(&lockout, &world, IpAddr::from([198, 51, 100, host])).await.is_ok());
        }
        assert_eq!(asked, 4);
    }

    #[tokio::test]
    async fn one_source_leaves_a_try_for_another_and_the_right_password_there_forgets_all() {
        let (lockout, (world, _)) = (Lockout::default(), world());
        for _ in 0..3 {
            guess(&lockout, &world, ELSEWHERE).await.unwrap();
        }
        assert_eq!(guess(&lockout, &world, ELSEWHERE).await, Err(RetryAfter(900)));
        let turn = lockout.begin(&world, "ada", HOME, Limits::below(5, 15)).await.unwrap();
        lockout.succeeded(turn);
        assert_eq!(guess(&lockout, &world, ELSEWHERE).await, Ok(()));
    }

    #[tokio::test]
    async fn all_are_forgotten_a_quarter_of_an_hour_after_the_last_one() {
        let (lockout, (world, clock)) = (Lockout::default(), world());
        for _ in 0..3 {
            guess(&lockout, &world, HOME).await.unwrap();
            clock.advance_seconds(600);
        }
        assert_eq!(guess(&lockout, &world, HOME).await, Err(RetryAfter(300)));
        clock.advance_seconds(300);
        for _ in 0..3 {
            guess(&lockout, &world, HOME).await.unwrap();
        }
        assert!(guess(&lockout, &world, HOME).await.is_err());
    }

    #[tokio::test]
    async fn guesses_at_once_wait_for_each_other() {
        let (lockout, (world, _)) = (Lockout::default(), world());
        let guesses = (0..100).map(|host| {
            let (lockout, world) = (&lockout, &world);
            async move {
                let source = IpAddr::from([198, 51, 100, host]);
                let Ok(turn) = lockout.begin(world, "ada", source, Limits::below(5, 15)).await else { return 0 };
                tokio::task::yield_now().await;
                lockout.failed(NOW, turn);
                1
            }
        });
        assert_eq!(futures_util::future::join_all(guesses).await.into_iter().sum::<i32>(), 4);
        assert!(lockout.lines.lock().unwrap().len() <= 1, "empty lines are forgotten");
    }

    #[tokio::test]
    async fn what_is_remembered_is_bounded_and_the_worst_offence_stays() {
        let (lockout, (world, _)) = (Lockout::default(), world());
        for _ in 0..3 {
            guess(&lockout, &world, HOME).await.unwrap();
        }
        for n in 0..60_000 {
            let turn = lockout.begin(&world, &format!("name {n}"), HOME, Limits::below(5, 15)).await.unwrap();
            lockout.failed(NOW, turn);
        }
        assert!(lockout.counted.lock().unwrap().len() <= CAPACITY + 1);
        assert!(guess(&lockout, &world, HOME).await.is_err());
    }

    #[test]
    fn where_an_account_is_locked_at_once_a_single_try_is_left() {
        assert_eq!(Limits::below(1, 15), Limits { of_name: 1, of_source: 1, window_seconds: 900 });
        let both = Limits::below(5, 15).and(Limits::below(3, 30));
        assert_eq!(both, Limits { of_name: 2, of_source: 1, window_seconds: 1_800 });
    }
}
