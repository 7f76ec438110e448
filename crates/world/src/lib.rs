//! Time, randomness, disk space, priority of threads, and files that an operator names. All other code gets them from
//! this crate, so that tests can replace them.

pub mod priority;
pub mod regular_file;
mod timestamp;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::SystemTime;
use uuid::Uuid;

pub use timestamp::Timestamp;

/// A source of the current time.
pub trait Clock: Send + Sync {
    fn now(&self) -> Timestamp;
}

/// The machine's clock.
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Timestamp(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    }
}

/// A clock that stands still until it is moved.
pub struct ManualClock(AtomicI64);

impl ManualClock {
    pub fn at(start: Timestamp) -> ManualClock {
        ManualClock(AtomicI64::new(start.0))
    }

    pub fn advance_seconds(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1_000_000, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

/// Disk space in bytes that a process without root privileges can use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    pub free: u64,
    pub total: u64,
}

impl Room {
    /// Returns the disk space of a file system with `blocks` blocks of `size` bytes, of which `free` are free and
    /// `available` are available without root privileges. Blocks that only root can fill are not part of the total, as
    /// in `df`: a quota may leave a third of the blocks.
    fn of(size: u64, blocks: u64, free: u64, available: u64) -> Room {
        let usable = blocks.saturating_sub(free).saturating_add(available);
        Room { free: available.saturating_mul(size), total: usable.saturating_mul(size) }
    }
}

/// A source of the space on a directory's disk.
pub trait Disks: Send + Sync {
    /// Returns the space on the disk that contains `directory`.
    ///
    /// # Errors
    ///
    /// Returns an error if the operating system does not report it, because the directory does not exist or must not
    /// be accessed.
    fn room(&self, directory: &Path) -> std::io::Result<Room>;
}

/// The machine's disks.
pub(crate) struct SystemDisks;

impl Disks for SystemDisks {
    fn room(&self, directory: &Path) -> std::io::Result<Room> {
        let told = rustix::fs::statvfs(directory)?;
        Ok(Room::of(told.f_frsize, told.f_blocks, told.f_bfree, told.f_bavail))
    }
}

/// Disks that always have the same space.
impl Disks for Room {
    fn room(&self, _: &Path) -> std::io::Result<Room> {
        Ok(*self)
    }
}

/// Time, randomness and disks, for the code that needs them.
#[derive(Clone)]
pub struct World {
    pub clock: Arc<dyn Clock>,
    pub disks: Arc<dyn Disks>,
}

impl World {
    /// Returns the machine's clock and disks, and OpenSSL's random numbers.
    pub fn system() -> World {
        World::at(Arc::new(SystemClock))
    }

    /// Returns a world with another clock.
    pub fn at(clock: Arc<dyn Clock>) -> World {
        World { clock, disks: Arc::new(SystemDisks) }
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Returns random bytes that are suitable for secrets.
    ///
    /// # Panics
    /// Panics if the operating system provides no randomness, because nothing can be done safely then.
    pub fn random<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0u8; N];
        World::fill(&mut bytes);
        bytes
    }

    /// Fills bytes with randomness that is suitable for secrets. The key store makes its keys with it.
    ///
    /// # Panics
    /// Panics if the operating system provides no randomness, because nothing can be done safely then.
    #[expect(clippy::disallowed_methods, reason = "the one place that draws random numbers")]
    pub fn fill(bytes: &mut [u8]) {
        openssl::rand::rand_bytes(bytes).expect("the operating system gives randomness");
    }

    /// Returns a random number from 0 to 1, to spread actions that would otherwise happen at the same time.
    pub fn chance(&self) -> f64 {
        f64::from(u32::from_be_bytes(self.random())) / f64::from(u32::MAX)
    }

    /// Returns a new UUIDv7.
    pub fn uuid(&self) -> Uuid {
        let millis = u64::try_from(self.now().0 / 1_000).unwrap_or_default();
        uuid::Builder::from_unix_timestamp_millis(millis, &self.random()).into_uuid()
    }

    /// Returns a new random UUID (version 4), which reveals nothing, not even its time.
    pub fn random_uuid(&self) -> Uuid {
        uuid::Builder::from_random_bytes(self.random()).into_uuid()
    }

    /// Returns a secret of 256 bits in base64url without padding.
    pub fn secret(&self) -> String {
        use base64::Engine as _;
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(self.random::<32>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_room_on_a_disk_is_what_a_process_without_privileges_can_use() {
        // 252 GB, of which 42 are in use and 50 are available to users other than root: 54 percent are free, not 19.
        assert_eq!(Room::of(1_000, 252, 210, 50), Room { free: 50_000, total: 92_000 });
        assert_eq!(Room::of(u64::MAX, 3, 2, 1), Room { free: u64::MAX, total: u64::MAX });
        let here = SystemDisks.room(Path::new(".")).unwrap();
        assert!(here.total > 0 && here.free <= here.total, "{here:?}");
        assert!(SystemDisks.room(Path::new("/is/not/there")).is_err());
    }

    const NOON: Timestamp = Timestamp(1_794_916_800_000_000);

    fn at_noon() -> (World, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::at(NOON));
        (World::at(clock.clone()), clock)
    }

    #[test]
    fn the_machines_clock_is_not_behind_a_file_that_was_just_written() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let written = file.as_file().metadata().unwrap().modified().unwrap();
        let now = World::system().now();
        let micros = written.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_micros();
        assert!(now.0 >= i64::try_from(micros).unwrap(), "{now:?} is in microseconds and after {micros}");
        assert!(now.to_rfc3339().starts_with("20"), "{now:?} is a date of this century");
    }

    #[test]
    fn a_manual_clock_stands_still_until_it_is_moved() {
        let (world, clock) = at_noon();
        assert_eq!((world.now(), world.now()), (NOON, NOON));
        clock.advance_seconds(90);
        assert_eq!(world.now(), NOON.plus_seconds(90));
        clock.advance_seconds(-100);
        assert_eq!(world.now(), NOON.plus_seconds(-10), "a clock can be set back");
    }

    #[test]
    fn a_secret_is_never_drawn_twice_and_has_all_its_bits() {
        let (world, _) = at_noon();
        let secrets: std::collections::BTreeSet<String> = (0..100).map(|_| world.secret()).collect();
        assert_eq!(secrets.len(), 100);
        assert!(secrets.iter().all(|secret| secret.len() == 43), "256 bits in base64url");
    }

    #[test]
    fn chances_are_spread_from_0_to_1() {
        let (world, _) = at_noon();
        let drawn: Vec<f64> = (0..1_000).map(|_| world.chance()).collect();
        assert!(drawn.iter().all(|chance| (0.0..=1.0).contains(chance)), "{drawn:?}");
        for tenth in 0..10 {
            let from = f64::from(tenth) / 10.0;
            assert!(drawn.iter().any(|chance| (from..from + 0.1).contains(chance)), "none of 1,000 is in {from}…");
        }
    }

    #[test]
    fn an_id_has_the_time_of_the_clock_and_a_random_one_has_none() {
        let (world, clock) = at_noon();
        let first = world.uuid();
        clock.advance_seconds(1);
        let second = world.uuid();
        let told = |id: Uuid| id.get_timestamp().map(|at| at.to_unix().0);
        assert_eq!((told(first), told(second)), (Some(1_794_916_800), Some(1_794_916_801)));
        assert!(first < second, "ids of later events sort after those of earlier ones");
        let (one, other) = (world.random_uuid(), world.random_uuid());
        assert_eq!((one.get_version_num(), told(one)), (4, None));
        assert_ne!(one, other);
    }
}
