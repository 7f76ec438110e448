//! The ids that name enrollments, devices, persons, previous records, imports, invitations and waves, with their
//! streams and keys. They are below all events, because each kind of event refers to the others by id.

use crate::{KeyName, StreamName};
use serde::{Deserialize, Serialize};
use std::fmt;
use uuid::Uuid;

/// Id of an enrollment. The device that it brings under management has a [`DeviceId`] with the same UUID, so that a
/// device's certificate leads to both streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EnrollmentId(pub Uuid);

impl EnrollmentId {
    pub fn stream(self) -> StreamName {
        StreamName::of("enrollment", self.0)
    }

    /// Returns the id of the device that this enrollment brings under management.
    pub fn device(self) -> DeviceId {
        DeviceId(self.0)
    }

    /// Returns the name of the key for data of a visitor who has not signed in. The key is handed to the person at
    /// sign-in.
    pub fn enrollment_key(self) -> KeyName {
        KeyName::of("visit", self.0)
    }
}

impl fmt::Display for EnrollmentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Id of one management relationship. Assigned by Muster and contained in the subject of the device's identity
/// certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DeviceId(pub Uuid);

impl DeviceId {
    pub fn stream(self) -> StreamName {
        StreamName::of("device", self.0)
    }

    /// Returns the id of the enrollment that created this management relationship.
    pub fn enrollment(self) -> EnrollmentId {
        EnrollmentId(self.0)
    }

    /// Returns the name of the key for the device's push token, PushMagic and unlock token.
    pub fn key(self) -> KeyName {
        KeyName::of("device", self.0)
    }
}

impl fmt::Display for DeviceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Id of a previous record. The id of an imported one is derived from the source and the source's own id (HMAC), so
/// that a record that is imported twice has one stream. An enrollment of this installation has the id of its device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RecordId(pub Uuid);

impl RecordId {
    /// Returns the id that an enrollment of this installation has as a previous record.
    pub fn of_device(device: DeviceId) -> RecordId {
        RecordId(device.0)
    }

    /// Returns the device whose enrollment this is, if it is one of this installation.
    pub fn device(self) -> DeviceId {
        DeviceId(self.0)
    }

    /// Returns whether the record was imported. Derived ids are UUIDs of version 8; ids of devices are not.
    pub fn is_imported(self) -> bool {
        self.0.get_version_num() == 8
    }

    pub fn stream(self) -> StreamName {
        StreamName::of("record", self.0)
    }

    /// Returns the name of the key for the personal fields of the record. It is handed to the owner when they are
    /// known.
    pub fn key(self) -> KeyName {
        KeyName::of("record", self.0)
    }
}

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Id of an import of previous records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ImportId(pub Uuid);

impl ImportId {
    pub fn stream(self) -> StreamName {
        StreamName::of("import", self.0)
    }
}

impl fmt::Display for ImportId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Id of an invitation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct InvitationId(pub Uuid);

impl InvitationId {
    pub fn stream(self) -> StreamName {
        StreamName::of("invitation", self.0)
    }

    /// Returns the name of the key for the details of a recipient who is no person yet and has no earlier record. It is
    /// handed to the person who uses the invitation.
    pub fn key(self) -> KeyName {
        KeyName::of("invitation", self.0)
    }
}

impl fmt::Display for InvitationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Id of a wave of invitations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WaveId(pub Uuid);

impl WaveId {
    pub fn stream(self) -> StreamName {
        StreamName::of("wave", self.0)
    }
}

impl fmt::Display for WaveId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Id of a person. It is random and reveals nothing about them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PersonId(pub Uuid);

impl PersonId {
    pub fn stream(self) -> StreamName {
        StreamName::of("person", self.0)
    }

    /// Returns the name of the key for all data about this person.
    pub fn key(self) -> KeyName {
        KeyName::of("person", self.0)
    }
}

impl fmt::Display for PersonId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
