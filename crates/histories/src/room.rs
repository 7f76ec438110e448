//! The disk that a plan needs.

use crate::plan::{Plan, YEARS};
use anyhow::Context as _;
use std::fmt;
use std::path::{Path, PathBuf};
use world::Disks;

/// Bytes of a device with all of its history, as measured with 710,000 devices; of the projections, with 20,000.
const LOG: u64 = 27_800;
const KEYS: u64 = 600;
const INDEX: u64 = 200;
const PROJECTIONS: u64 = 32_100;

/// What an empty installation takes: certificates, empty databases, write-ahead logs.
const EMPTY: u64 = 200_000_000;

/// Sizes of the files of an installation, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sizes {
    pub log: u64,
    pub keys: u64,
    pub index: u64,
    pub projections: u64,
}

impl Sizes {
    /// The sizes that a plan is expected to lead to.
    pub fn of(plan: &Plan) -> Sizes {
        let devices = u64::from(plan.devices);
        Sizes { log: devices * LOG, keys: devices * KEYS, index: devices * INDEX, projections: devices * PROJECTIONS }
    }

    /// The sizes of the files in a data directory. A file that is missing has none.
    pub fn in_directory(data: &Path) -> Sizes {
        let size = |name: &str| {
            let parts = ["", "-wal", "-shm"].map(|part| data.join(format!("{name}{part}")));
            parts.iter().filter_map(|path| std::fs::metadata(path).ok()).map(|file| file.len()).sum()
        };
        Sizes {
            log: size("events.db"),
            keys: size("keys.db"),
            index: size("index.db"),
            projections: size("projections.db") + folder(&data.join("projections")),
        }
    }

    pub fn total(&self) -> u64 {
        self.log + self.keys + self.index + self.projections
    }

    /// What must be free before a plan is begun, with a reserve of a tenth.
    pub fn needed(&self) -> u64 {
        self.total() + self.total() / 10 + EMPTY
    }

    /// Bytes of a device in a year: of the log with its index, the keys and the projections.
    pub fn each_year(&self, devices: u32) -> [f64; 3] {
        [self.log + self.index, self.keys, self.projections]
            .map(|bytes| bytes as f64 / f64::from(devices.max(1)) / YEARS)
    }
}

fn folder(path: &Path) -> u64 {
    let files = std::fs::read_dir(path).into_iter().flatten().flatten();
    files.filter_map(|file| file.metadata().ok()).filter(|file| file.is_file()).map(|file| file.len()).sum()
}

/// The disk has too little space.
#[derive(Debug, PartialEq, Eq)]
pub struct NoRoom {
    pub directory: PathBuf,
    pub needed: u64,
    pub free: u64,
}

impl fmt::Display for NoRoom {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        let [needed, free] = [self.needed, self.free].map(gigabytes);
        write!(
            out,
            "{} has {free} GB free, but the log, its keys, its index and the projections need {needed} GB: free space, or \
             choose fewer devices; nothing was written",
            self.directory.display()
        )
    }
}

impl std::error::Error for NoRoom {}

/// Gigabytes (10^9 bytes), rounded up to a tenth.
pub(crate) fn gigabytes(bytes: u64) -> String {
    let tenths = bytes.div_ceil(100_000_000);
    format!("{}.{}", tenths / 10, tenths % 10)
}

/// Checks that the disk of a directory has what a plan needs.
///
/// # Errors
/// Returns an error if it has not, or if the operating system does not say.
pub fn expect_room(disks: &dyn Disks, directory: &Path, plan: &Plan) -> anyhow::Result<()> {
    let room = disks.room(directory);
    let room = room.with_context(|| format!("the free space of {} cannot be read", directory.display()))?;
    let (needed, free) = (Sizes::of(plan).needed(), room.free);
    if free < needed {
        return Err(NoRoom { directory: directory.to_owned(), needed, free }.into());
    }
    Ok(())
}
