//! Events of a migration away from another product, stream `migration-<HMAC(source)>`. Each source of previous records
//! is one migration.

use crate::StreamName;
use crate::ids::RecordId;
use serde::{Deserialize, Serialize};
use std::fmt;
use uuid::Uuid;

/// Id of a migration. It is derived from the name of the source (HMAC).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MigrationId(pub Uuid);

impl MigrationId {
    pub fn stream(self) -> StreamName {
        StreamName::of("migration", self.0)
    }
}

impl fmt::Display for MigrationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Why a record need not be enrolled again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MigrationException {
    /// The person does not have the device any more.
    DeviceGone,
    /// The device cannot run a version that Muster enrolls.
    DeviceTooOld,
    PersonLeft,
    /// The person does not want to enroll.
    Declined,
    /// The device stays with the other product.
    Stays,
    /// See the note.
    Other,
}

impl MigrationException {
    pub const ALL: [MigrationException; 6] = [
        MigrationException::DeviceGone,
        MigrationException::DeviceTooOld,
        MigrationException::PersonLeft,
        MigrationException::Declined,
        MigrationException::Stays,
        MigrationException::Other,
    ];

    /// Returns the word that events, forms and rows use.
    pub fn as_str(self) -> &'static str {
        match self {
            MigrationException::DeviceGone => "device_gone",
            MigrationException::DeviceTooOld => "device_too_old",
            MigrationException::PersonLeft => "person_left",
            MigrationException::Declined => "declined",
            MigrationException::Stays => "stays",
            MigrationException::Other => "other",
        }
    }

    /// Parses the word of [`MigrationException::as_str`]; `None` for any other text.
    pub fn parse(word: &str) -> Option<MigrationException> {
        MigrationException::ALL.into_iter().find(|exception| exception.as_str() == word)
    }

    /// Returns the reason in plain English.
    pub fn name(self) -> &'static str {
        match self {
            MigrationException::DeviceGone => "the person no longer has the device",
            MigrationException::DeviceTooOld => "the device is too old",
            MigrationException::PersonLeft => "the person has left",
            MigrationException::Declined => "the person declined",
            MigrationException::Stays => "the device stays with the other product",
            MigrationException::Other => "another reason",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum MigrationEvent {
    /// Nobody is invited any more. Records whose owner never enrolled are shredded some days later.
    MigrationClosed {
        /// Name of the source.
        source: String,
    },
    MigrationReopened {},
    /// The keys of this number of records were destroyed, in order of the records' ids, up to this one. The rest
    /// follows from this event, so that each effect is bounded.
    MigrationRecordsShredded {
        count: u64,
        up_to: RecordId,
    },
}
