//! Slows down guessing without locking anybody out: counts failures only, by (name, source) and by source.
//!
//! Why not the `governor` crate: its limiters count every attempt when it begins and cannot take one back, so a school
//! behind one address that signs in correctly would be throttled. Here only a failure counts, when it is one. So that a
//! thousand guesses begun at once do not all pass before the first has failed, attempts wait for their turn: those of
//! one name from one source are judged one after the other, those of one source a few at a time.
//!
//! Two things keep a school behind one address from being locked out by whoever guesses there. A browser that somebody signed
//! in with before ([`Asked::known`]) has a budget of its own. And beyond its source's limit, a name without a failure in the last
//! quarter of an hour has one attempt a minute.
//!
//! Names, sources and browsers are remembered as digests under a secret, so that what is kept over a restart tells none of
//! them.

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

/// So many failures may come at once, and one more each time so many seconds pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    pub burst: i64,
    pub refill_seconds: i64,
}

/// One name from one source: five tries, then one a minute.
pub const BY_NAME_AND_SOURCE: Allowance = Allowance { burst: 5, refill_seconds: 60 };
/// One source, whatever the names: sixty failures, then one every five seconds; a school is one address.
pub const BY_SOURCE: Allowance = Allowance { burst: 60, refill_seconds: 5 };
/// One known browser: ten failures in all, since what makes it known ends before one comes back.
pub const BY_KNOWN_BROWSER: Allowance = Allowance { burst: 10, refill_seconds: 90 * 24 * 3600 };
/// So many attempts of one source are judged at a time: no more than these can fail beyond the allowance.
const TURNS_OF_SOURCE: usize = 4;
/// So many attempts of one source may wait; more are sent away for a moment.
const LONGEST_LINE: usize = 256;
const LINE_SECONDS: i64 = 5;
/// No more keys than this are remembered.
pub const CAPACITY: usize = 50_000;
/// So many keys of each kind are kept over a restart: those that owe most.
const KEPT: usize = 10_000;

/// Whom an attempt is by.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// A digest of the name, never the text.
    pub name: &'a str,
    pub source: IpAddr,
    /// The random id of a browser that was proven to have signed in with this name before.
    pub known: Option<&'a str>,
    /// How many people share the source, if the settings say so.
    pub people: Option<u32>,
}

impl<'a> Asked<'a> {
    /// By a browser that is not known, from a source of which nothing is known.
    pub fn of(name: &'a str, source: IpAddr) -> Asked<'a> {
        Asked { name, source, known: None, people: None }
    }
}

/// What is counted, as a digest.
type Key = [u8; 32];

/// Counts failures. When each key will have paid all its failures off is all that is remembered (GCRA).
#[derive(Debug)]
pub struct Throttle {
    secret: [u8; 32],
    /// Of names from sources, and of sources.
    paid_off: Mutex<HashMap<Key, Timestamp>>,
    /// Of known browsers. They owe for months: in one map with the others they would take all the room.
    of_known: Mutex<HashMap<Key, Timestamp>>,
    grace: Mutex<Grace>,
    /// Who waits for a turn or has one.
    lines: Mutex<HashMap<Key, Arc<Semaphore>>>,
    pace: Pace,
}

/// An attempt whose turn it is, until it is dropped.
#[derive(Debug)]
#[must_use = "an attempt that fails must be counted with `Throttle::failed`"]
pub struct Attempt {
    keys: Keys,
    _turns: [OwnedSemaphorePermit; 2],
}

/// What an attempt is judged by and counted on.
#[derive(Debug, Clone)]
struct Keys {
    name: Key,
    source: Key,
    name_and_source: Key,
    /// The known browser, as long as it has failures left; then nothing else counts.
    known: Option<Key>,
    of_source: Spread,
    /// So many names of one source may go beyond its limit in an hour.
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
    /// Sixty failures are meant for sixty people: more people have as many more, at most one a second in the long run.
    fn of_source(people: Option<u32>) -> Spread {
        let Spread { burst, refill } = BY_SOURCE.into();
        let scaled = burst.max(people.map_or(0, i64::from));
        Spread { burst: scaled, refill: (refill * burst / scaled).max(1_000_000) }
    }

    /// No failure makes anybody owe for longer, in microseconds.
    fn longest(self) -> i64 {
        (self.burst + TURNS_OF_SOURCE as i64) * self.refill
    }
}

/// One count that is kept over a restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    pub counts: Counts,
    pub digest: [u8; 32],
    pub until: Timestamp,
}

/// What a [`Kept`] count is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counts {
    /// Failures of a source, or of a name from one.
    Failures,
    /// Failures of a known browser.
    Known,
    /// The last failure of a name, wherever it came from.
    Name,
}

/// Too many failures: try again after so many seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryAfter(pub i64);

impl Throttle {
    /// `secret`: what is remembered is a digest under it.
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

    /// Begins an attempt, when it is its turn.
    ///
    /// # Errors
    /// How long to wait, if too many failed. Waiting is enough; nothing is locked. Whoever does not wait is told so at a slow pace.
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
        // Those before may have failed in the meantime.
        self.check(world.now(), &keys, true)?;
        Ok(Attempt { keys, _turns: turns })
    }

    /// The attempt failed: it counts.
    pub fn failed(&self, now: Timestamp, attempt: Attempt) {
        self.count(now, &attempt.keys);
    }

    /// What is to be kept over a restart.
    pub fn kept(&self, now: Timestamp) -> Vec<Kept> {
        let mut kept = owing(&lock(&self.paid_off), Counts::Failures, now);
        kept.extend(owing(&lock(&self.of_known), Counts::Known, now));
        kept.extend(owing(lock(&self.grace).failures(), Counts::Name, now));
        kept
    }

    /// What was kept before a restart. A clock that was wrong then makes nobody wait longer than failures do; a source that many
    /// people share is forgiven what it owes beyond that.
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

    // `take`: an attempt beyond the limit of its source uses up what its name has left.
    fn check(&self, now: Timestamp, keys: &Keys, take: bool) -> Result<(), RetryAfter> {
        if let Some(known) = keys.known {
            // Those before it in the line may have used up what the browser had left: the next attempt is judged without it.
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

    // Everybody in a line holds its semaphore: a line that nobody else holds is empty and forgotten.
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
        // Whoever is let in beyond the limit makes the wait for the others no longer.
        let most = now.0 + spread.longest();
        *until = Timestamp(((*until).max(now).0 + spread.refill).min(most.max(until.0)));
    }
}

// Seconds until one more failure fits into the allowance. What a clock that was ahead wrote down is cut to what failures make.
fn wait(map: &mut HashMap<Key, Timestamp>, key: Key, spread: Spread, now: Timestamp) -> i64 {
    let Some(paid_off) = map.get_mut(&key) else { return 0 };
    *paid_off = (*paid_off).min(Timestamp(now.0 + spread.longest()));
    let micros = paid_off.0 - now.0 - (spread.burst - 1) * spread.refill;
    if micros <= 0 { 0 } else { (micros + 999_999) / 1_000_000 }
}

/// Forgets what is paid off, once there are [`CAPACITY`] entries; under a flood from everywhere also the half that took
/// least.
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

/// An IPv6 customer has a whole network of addresses: they count as one.
pub fn network(source: IpAddr) -> IpAddr {
    match source.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((u128::from(address) & (u128::MAX << 64)).into()),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests;
