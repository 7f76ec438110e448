//! Instants in the format of the log.

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// An instant in microseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    pub const fn plus_seconds(self, seconds: i64) -> Timestamp {
        Timestamp(self.0 + seconds * 1_000_000)
    }

    pub const fn seconds_since(self, earlier: Timestamp) -> i64 {
        (self.0 - earlier.0) / 1_000_000
    }

    /// Formats the instant as RFC 3339 in UTC with microseconds, for people and for interfaces.
    pub fn to_rfc3339(self) -> String {
        OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1_000)
            .ok()
            .and_then(|instant| instant.format(&Rfc3339).ok())
            .unwrap_or_else(|| format!("{} µs since 1970", self.0))
    }

    /// Parses RFC 3339; `None` if the text is not valid.
    pub fn parse_rfc3339(text: &str) -> Option<Timestamp> {
        let instant = OffsetDateTime::parse(text, &Rfc3339).ok()?;
        i64::try_from(instant.unix_timestamp_nanos() / 1_000).ok().map(Timestamp)
    }

    /// Returns the UTC day as `20261123`. Used in the names of streams that begin each day.
    pub fn day(self) -> String {
        let date = OffsetDateTime::from_unix_timestamp(self.0.div_euclid(1_000_000))
            .unwrap_or(OffsetDateTime::UNIX_EPOCH)
            .date();
        format!("{:04}{:02}{:02}", date.year(), u8::from(date.month()), date.day())
    }
}
