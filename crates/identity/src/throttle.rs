//! Throttles password guessing without locking anyone out: counts only failures, by (name, source) and by source.
//!
//! Why not the `governor` crate: its limiters count every attempt when it begins and cannot take one back, so a
//! school behind one address whose people sign in correctly would be throttled. This module counts an attempt only
//! when it fails. So that a thousand guesses begun at the same time do not all pass before the first one has failed,
//! attempts wait for their turn: attempts for one name from one source are judged one after the other, attempts from
//! one source a few at a time.
//!
//! Two rules keep an attacker behind a school's shared address from locking the school out. A browser that signed in
//! with this name before ([`Asked::known`]) has its own budget. And when a source has reached its limit, each name
//! without a failure in the last 15 minutes still gets one attempt a minute.
//!
//! Names, sources and browsers are stored as digests under a secret, so that the data that is kept over a restart
//! reveals none of them.

mod grace;
mod pace;

use grace::Grace;
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::sign::Signer;
use pace::Pace;
use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use world::{Timestamp, World};

/// A failure allowance: `burst` failures at once, and one more after every `refill_seconds`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// Failures that are accepted without waiting: at least 1.
    pub burst: i64,
    pub refill_seconds: i64,
}

/// Limit for one name from one source: five failures, then one a minute.
pub const BY_NAME_AND_SOURCE: Allowance = Allowance { burst: 5, refill_seconds: 60 };
/// Limit for one source, for all names together: 60 failures, then one every five seconds. A school can be one
/// source.
pub const BY_SOURCE: Allowance = Allowance { burst: 60, refill_seconds: 5 };
/// Limit for one known browser: ten failures in all, because a browser stops being known before the first one is paid
/// off.
pub(crate) const BY_KNOWN_BROWSER: Allowance = Allowance { burst: 10, refill_seconds: 90 * 24 * 3600 };
/// Attempts of one source that are judged at the same time. At most this many can fail beyond the allowance.
const TURNS_OF_SOURCE: usize = 4;
/// Attempts of one source that may wait. Further ones are refused for [`LINE_SECONDS`].
const LONGEST_LINE: usize = 256;
const LINE_SECONDS: i64 = 5;
/// Maximum number of keys in memory.
pub const CAPACITY: usize = 50_000;
/// Maximum number of keys of each kind that are kept over a restart: those with the most failures.
const KEPT: usize = 10_000;

/// The origin of an attempt.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// Digest of the user name, never the text.
    pub name: &'a str,
    pub source: IpAddr,
    /// Random id of a browser that has proven that it signed in with this name before.
    pub known: Option<&'a str>,
    /// Number of people who share the source, if the settings give it.
    pub people: Option<u32>,
}

impl<'a> Asked<'a> {
    /// Returns an attempt by an unknown browser from a source that the settings do not contain.
    pub fn of(name: &'a str, source: IpAddr) -> Asked<'a> {
        Asked { name, source, known: None, people: None }
    }
}

/// Digest of what is counted.
type Key = [u8; 32];

/// Counts failures. Stores for each key only the time when all its failures will be paid off (GCRA).
#[derive(Debug)]
pub struct Throttle {
    secret: [u8; 32],
    /// Times for sources, and for names from sources.
    paid_off: Mutex<HashMap<Key, Timestamp>>,
    /// Times for known browsers. These entries last for months: in one map with the others they would use all the room.
    of_known: Mutex<HashMap<Key, Timestamp>>,
    grace: Mutex<Grace>,
    /// Semaphores of the attempts that wait for a turn or have one.
    lines: Mutex<HashMap<Key, Arc<Semaphore>>>,
    pace: Pace,
}

/// An attempt that has its turn until it is dropped.
#[derive(Debug)]
#[must_use = "an attempt that fails must be counted with `Throttle::failed`"]
pub struct Attempt {
    keys: Keys,
    _turns: [OwnedSemaphorePermit; 2],
}

/// The keys that an attempt is checked against and counted under.
#[derive(Debug, Clone)]
struct Keys {
    name: Key,
    source: Key,
    name_and_source: Key,
    /// The known browser, if it has failures left. If set, nothing else is checked or counted.
    known: Option<Key>,
    of_source: Spread,
    /// Number of names of this source that may go beyond its limit in an hour.
    names: usize,
}

/// An [`Allowance`] in microseconds.
#[derive(Debug, Clone, Copy)]
struct Spread {
    burst: i64,
    refill: i64,
}

impl From<Allowance> for Spread {
    fn from(allowance: Allowance) -> Spread {
        Spread { burst: allowance.burst, refill: allowance.refill_seconds * 1_000_000 }
    }
}

impl Spread {
    /// The limit of 60 failures assumes 60 people. More people get as many more failures, at most one a second in the
    /// long run.
    fn of_source(people: Option<u32>) -> Spread {
        let Spread { burst, refill } = BY_SOURCE.into();
        let scaled = burst.max(people.map_or(0, i64::from));
        Spread { burst: scaled, refill: (refill * burst / scaled).max(1_000_000) }
    }

    /// Returns the longest time that failures can make anyone wait, in microseconds.
    fn longest(self) -> i64 {
        (self.burst + TURNS_OF_SOURCE as i64) * self.refill
    }
}

/// One counter that is kept over a restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    pub counts: Counts,
    /// Digest of what is counted.
    pub digest: [u8; 32],
    /// Time from which the counter has no effect.
    pub until: Timestamp,
}

/// The kind of events that a [`Kept`] counter counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counts {
    /// Failures of a source, or of a name from one.
    Failures,
    /// Failures of a known browser.
    Known,
    /// The last failure of a name, from any source.
    Name,
}

/// There were too many failures: seconds until the next attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryAfter(pub i64);

impl Throttle {
    /// Creates a throttle. `secret` is the key of the digests.
    pub fn new(secret: [u8; 32]) -> Throttle {
        Throttle {
            secret,
            paid_off: Mutex::default(),
            of_known: Mutex::default(),
            grace: Mutex::default(),
            lines: Mutex::default(),
            pace: Pace::default(),
        }
    }

    /// Begins an attempt as soon as it has its turn.
    ///
    /// # Errors
    /// Returns the time to wait if there were too many failures. Nothing is locked: after that time an attempt is
    /// possible again. Answers to attempts that come too early are delayed.
    pub async fn begin(&self, world: &World, asked: Asked<'_>) -> Result<Attempt, RetryAfter> {
        let keys = self.keys(world.now(), asked);
        let source = keys.source;
        let begun = self.begin_with(world, keys).await;
        if begun.is_err() {
            self.pace.keep(source).await;
        }
        begun
    }

    async fn begin_with(&self, world: &World, keys: Keys) -> Result<Attempt, RetryAfter> {
        self.check(world.now(), &keys, false)?;
        let [of_name, of_source] = self.line_up(&keys)?;
        let turns = [turn(of_name).await, turn(of_source).await];
        // Attempts that were ahead may have failed in the meantime.
        self.check(world.now(), &keys, true)?;
        Ok(Attempt { keys, _turns: turns })
    }

    /// Counts the attempt as failed.
    pub fn failed(&self, now: Timestamp, attempt: Attempt) {
        self.count(now, &attempt.keys);
    }

    /// Returns the counters that must be kept over a restart.
    pub fn kept(&self, now: Timestamp) -> Vec<Kept> {
        let mut kept = owing(&lock(&self.paid_off), Counts::Failures, now);
        kept.extend(owing(&lock(&self.of_known), Counts::Known, now));
        kept.extend(owing(lock(&self.grace).failures(), Counts::Name, now));
        kept
    }

    /// Restores the counters that were kept over a restart. Times are capped at what failures can cause, in case the
    /// clock was wrong. Failures of a source with many people beyond the cap for a single name are forgiven.
    pub fn restore(&self, now: Timestamp, kept: impl IntoIterator<Item = Kept>) {
        let (mut paid_off, mut of_known) = (lock(&self.paid_off), lock(&self.of_known));
        let mut grace = lock(&self.grace);
        for Kept { counts, digest, until } in kept {
            let (map, longest) = match counts {
                Counts::Failures => (&mut *paid_off, Spread::from(BY_NAME_AND_SOURCE).longest()),
                Counts::Known => (&mut *of_known, Spread::from(BY_KNOWN_BROWSER).longest()),
                Counts::Name => (grace.failures(), grace::WITHOUT_FAILURE_SECONDS * 1_000_000),
            };
            map.insert(digest, until.min(Timestamp(now.0 + longest)));
        }
    }

    // `take`: an attempt beyond the limit of its source uses up the attempt that its name has left.
    fn check(&self, now: Timestamp, keys: &Keys, take: bool) -> Result<(), RetryAfter> {
        if let Some(known) = keys.known {
            // Attempts ahead of this one may have used up the browser's failures. The next attempt is then judged
            // without the browser.
            return match wait(&mut lock(&self.of_known), known, BY_KNOWN_BROWSER.into(), now) {
                0 => Ok(()),
                _ => Err(RetryAfter(1)),
            };
        }
        let (of_name, of_source) = {
            let mut paid_off = lock(&self.paid_off);
            let of_name = wait(&mut paid_off, keys.name_and_source, BY_NAME_AND_SOURCE.into(), now);
            (of_name, wait(&mut paid_off, keys.source, keys.of_source, now))
        };
        let beyond = of_source > 0;
        let mut grace = lock(&self.grace);
        let passes = of_name == 0 && (!beyond || grace.lets_in(now, keys.source, keys.name, keys.names, take));
        if passes { Ok(()) } else { Err(RetryAfter(of_name.max(of_source))) }
    }

    fn count(&self, now: Timestamp, keys: &Keys) {
        match keys.known {
            Some(known) => owe(&self.of_known, now, &[(known, BY_KNOWN_BROWSER.into())]),
            None => {
                let of_name = (keys.name_and_source, BY_NAME_AND_SOURCE.into());
                owe(&self.paid_off, now, &[of_name, (keys.source, keys.of_source)]);
            }
        }
        lock(&self.grace).failed(now, keys.name);
    }

    // Every attempt in a line holds its semaphore. A line that only the map holds is empty and is removed.
    fn line_up(&self, keys: &Keys) -> Result<[Arc<Semaphore>; 2], RetryAfter> {
        let mut lines = lock(&self.lines);
        lines.retain(|_, line| Arc::strong_count(line) > 1);
        if lines.get(&keys.source).is_some_and(|line| Arc::strong_count(line) > LONGEST_LINE) {
            return Err(RetryAfter(LINE_SECONDS));
        }
        let mut line =
            |key: Key, turns| Arc::clone(lines.entry(key).or_insert_with(|| Arc::new(Semaphore::new(turns))));
        Ok([line(keys.known.unwrap_or(keys.name_and_source), 1), line(keys.source, TURNS_OF_SOURCE)])
    }

    fn keys(&self, now: Timestamp, asked: Asked<'_>) -> Keys {
        let source = network(asked.source).to_string();
        let people = asked.people;
        let known = asked.known.map(|id| self.digest("known", &[id]));
        let has_left = |known: &Key| wait(&mut lock(&self.of_known), *known, BY_KNOWN_BROWSER.into(), now) == 0;
        Keys {
            name: self.digest("name", &[asked.name]),
            source: self.digest("source", &[&source]),
            name_and_source: self.digest("name and source", &[asked.name, &source]),
            known: known.filter(has_left),
            of_source: Spread::of_source(people),
            names: people.map_or(0, |people| people as usize).max(grace::NAMES_AN_HOUR),
        }
    }

    fn digest(&self, kind: &str, parts: &[&str]) -> Key {
        let key = PKey::hmac(&self.secret).expect("a key of 32 bytes is a key");
        let mut signer = Signer::new(MessageDigest::sha256(), &key).expect("HMAC-SHA-256 is there");
        for part in std::iter::once(&kind).chain(parts) {
            signer.update(&(part.len() as u64).to_be_bytes()).expect("HMAC takes any bytes");
            signer.update(part.as_bytes()).expect("HMAC takes any bytes");
        }
        let mut digest = [0; 32];
        signer.sign(&mut digest).expect("HMAC-SHA-256 has 32 bytes");
        digest
    }
}

fn owing(map: &HashMap<Key, Timestamp>, counts: Counts, now: Timestamp) -> Vec<Kept> {
    let kept = |(digest, until): (&Key, &Timestamp)| Kept { counts, digest: *digest, until: *until };
    let mut owing: Vec<Kept> = map.iter().filter(|(_, until)| **until > now).map(kept).collect();
    owing.sort_by_key(|kept| std::cmp::Reverse(kept.until));
    owing.truncate(KEPT);
    owing
}

async fn turn(line: Arc<Semaphore>) -> OwnedSemaphorePermit {
    line.acquire_owned().await.expect("no line is ever closed")
}

fn lock<T>(held: &Mutex<T>) -> MutexGuard<'_, T> {
    held.lock().unwrap_or_else(PoisonError::into_inner)
}

fn owe(map: &Mutex<HashMap<Key, Timestamp>>, now: Timestamp, counted: &[(Key, Spread)]) {
    let mut paid_off = lock(map);
    make_room(&mut paid_off, now);
    for (key, spread) in counted {
        let until = paid_off.entry(*key).or_insert(now);
        // An attempt that is admitted beyond the limit does not extend the wait of others.
        let most = now.0 + spread.longest();
        *until = Timestamp(((*until).max(now).0 + spread.refill).min(most.max(until.0)));
    }
}

// Returns the seconds until one more failure fits into the allowance. A time that was written under a clock that was
// ahead is capped at what failures can cause.
fn wait(map: &mut HashMap<Key, Timestamp>, key: Key, spread: Spread, now: Timestamp) -> i64 {
    let Some(paid_off) = map.get_mut(&key) else { return 0 };
    *paid_off = (*paid_off).min(Timestamp(now.0 + spread.longest()));
    let micros = paid_off.0 - now.0 - (spread.burst - 1) * spread.refill;
    if micros <= 0 { 0 } else { (micros + 999_999) / 1_000_000 }
}

/// Removes paid-off entries once there are [`CAPACITY`] entries. If that is not enough, removes the half that is paid
/// off first.
pub fn make_room<K: Eq + Hash>(paid_off: &mut HashMap<K, Timestamp>, now: Timestamp) {
    if paid_off.len() < CAPACITY {
        return;
    }
    paid_off.retain(|_, until| *until > now);
    if paid_off.len() >= CAPACITY {
        let mut dates: Vec<Timestamp> = paid_off.values().copied().collect();
        let (_, median, _) = dates.select_nth_unstable(CAPACITY / 2);
        let median = *median;
        paid_off.retain(|_, until| *until > median);
    }
}

/// Returns the network of an address. One IPv6 customer has a whole /64, so its addresses count as one source.
pub fn network(source: IpAddr) -> IpAddr {
    match source.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((u128::from(address) & (u128::MAX << 64)).into()),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests;
