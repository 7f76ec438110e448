//! Versions of iOS and iPadOS, when they were released, and which one a device has at an instant.

use crate::calendar::date;
use std::fmt;

/// A version of iOS or iPadOS. Displayed as Apple does: 18.1, 16.7.10.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OsVersion {
    pub major: u8,
    pub minor: u8,
    pub patch: u8,
}

impl OsVersion {
    pub(crate) const fn new(major: u8, minor: u8, patch: u8) -> Self {
        Self { major, minor, patch }
    }
}

impl fmt::Display for OsVersion {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        write!(out, "{}.{}", self.major, self.minor)?;
        if self.patch == 0 { Ok(()) } else { write!(out, ".{}", self.patch) }
    }
}

/// Releases with their day. Days up to 26.3 are Apple's; later ones follow the pattern of earlier years.
const RELEASES: [(OsVersion, i64); 32] = [
    (OsVersion::new(15, 8, 0), date(2023, 10, 24)),
    (OsVersion::new(16, 6, 0), date(2023, 7, 24)),
    (OsVersion::new(16, 7, 2), date(2023, 10, 25)),
    (OsVersion::new(16, 7, 10), date(2024, 8, 7)),
    (OsVersion::new(16, 7, 11), date(2025, 3, 31)),
    (OsVersion::new(16, 7, 12), date(2025, 9, 15)),
    (OsVersion::new(17, 0, 0), date(2023, 9, 18)),
    (OsVersion::new(17, 1, 0), date(2023, 10, 25)),
    (OsVersion::new(17, 2, 0), date(2023, 12, 11)),
    (OsVersion::new(17, 3, 0), date(2024, 1, 22)),
    (OsVersion::new(17, 4, 0), date(2024, 3, 5)),
    (OsVersion::new(17, 5, 0), date(2024, 5, 13)),
    (OsVersion::new(17, 6, 0), date(2024, 7, 29)),
    (OsVersion::new(17, 7, 0), date(2024, 9, 16)),
    (OsVersion::new(18, 0, 0), date(2024, 9, 16)),
    (OsVersion::new(18, 1, 0), date(2024, 10, 28)),
    (OsVersion::new(18, 2, 0), date(2024, 12, 11)),
    (OsVersion::new(18, 3, 0), date(2025, 1, 27)),
    (OsVersion::new(18, 4, 0), date(2025, 3, 31)),
    (OsVersion::new(18, 5, 0), date(2025, 5, 12)),
    (OsVersion::new(18, 6, 0), date(2025, 7, 29)),
    (OsVersion::new(18, 7, 0), date(2025, 9, 15)),
    (OsVersion::new(26, 0, 0), date(2025, 9, 15)),
    (OsVersion::new(26, 1, 0), date(2025, 11, 3)),
    (OsVersion::new(26, 2, 0), date(2025, 12, 12)),
    (OsVersion::new(26, 3, 0), date(2026, 2, 11)),
    (OsVersion::new(26, 4, 0), date(2026, 3, 24)),
    (OsVersion::new(26, 5, 0), date(2026, 5, 11)),
    (OsVersion::new(26, 6, 0), date(2026, 7, 20)),
    (OsVersion::new(27, 0, 0), date(2026, 9, 14)),
    (OsVersion::new(27, 1, 0), date(2026, 10, 26)),
    (OsVersion::new(27, 2, 0), date(2026, 12, 7)),
];

/// How a device is updated.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Updates {
    /// The version that the device was sold with.
    pub(crate) sold_with: OsVersion,
    /// The highest major version that the model can have and its holder accepts.
    pub(crate) highest_major: u8,
    /// How long after a release the device installs it, in seconds.
    pub(crate) lag: i64,
}

impl Updates {
    /// Returns the version of a device that was always switched on. It never goes down, because the installed releases
    /// only become more.
    pub(crate) fn version_at(&self, time: i64) -> OsVersion {
        let installed = self.installed_releases().filter(|(_, at)| *at <= time).map(|(version, _)| version);
        installed.max().unwrap_or(self.sold_with).max(self.sold_with)
    }

    /// Returns the instants at which the version changes in a period.
    pub(crate) fn changes(&self, from: i64, until: i64) -> Vec<i64> {
        let times = self.installed_releases().map(|(_, at)| at).filter(|at| (from..until).contains(at));
        times.filter(|at| self.version_at(at - 1) != self.version_at(*at)).collect()
    }

    fn installed_releases(&self) -> impl Iterator<Item = (OsVersion, i64)> {
        let (highest, lag) = (self.highest_major, self.lag);
        RELEASES.into_iter().filter(move |(version, _)| version.major <= highest).map(move |(v, day)| (v, day + lag))
    }
}
