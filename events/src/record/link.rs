//! What links a previous record to a later enrollment: evidence, its score, and what follows from it. The previous
//! record was imported, or is an enrollment of this installation that ended or went silent.

use crate::Timestamp;
use serde::{Deserialize, Serialize};

/// What a person says about an earlier record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PreviousAnswer {
    ThisDevice,
    AnotherDevice,
    NoLongerHave,
}

impl PreviousAnswer {
    pub const ALL: [PreviousAnswer; 3] =
        [PreviousAnswer::ThisDevice, PreviousAnswer::AnotherDevice, PreviousAnswer::NoLongerHave];

    /// Returns the word that events and forms use.
    pub fn as_str(self) -> &'static str {
        match self {
            PreviousAnswer::ThisDevice => "this_device",
            PreviousAnswer::AnotherDevice => "another_device",
            PreviousAnswer::NoLongerHave => "no_longer_have",
        }
    }

    /// Parses the word of [`PreviousAnswer::as_str`]; `None` for any other text.
    pub fn parse(word: &str) -> Option<PreviousAnswer> {
        PreviousAnswer::ALL.into_iter().find(|answer| answer.as_str() == word)
    }
}

/// One fact for or against a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum LinkEvidence {
    /// The owner of the record is the person of the enrollment.
    SamePerson {},
    /// The same, but the person has so many devices that this says nothing: a technician, a cart.
    SamePersonOfMany {},
    OtherPerson {},
    /// Both devices reported the same model identifier.
    SameModel {},
    OtherModel {},
    /// The model of one of them is unknown, or known by a marketing name alone.
    ModelUnknown {},
    /// The enrolled device has the OS version of the record, or a newer one.
    VersionNotOlder {},
    VersionOlder {},
    /// The old management ended by `CheckOut` shortly before the enrollment.
    CheckedOutBefore {
        at: Timestamp,
    },
    /// APNs answered 410: the old management is gone from the device since then.
    PushUnregistered {
        since: Timestamp,
    },
    /// The old management has not been heard from since then.
    Silent {
        since: Timestamp,
    },
    /// The old management was heard from after the enrollment.
    HeardAfter {
        at: Timestamp,
    },
    /// It is not known whether the old management was heard from after the enrollment.
    SilenceUnknown {},
    /// Both are the same hardware, by attestation.
    SameHardware {},
    /// They are different hardware, by attestation.
    OtherHardware {},
    /// Both told the same serial number or UDID, which neither proved.
    SameHardwareTold {},
    /// They told different ones.
    OtherHardwareTold {},
    /// What the person said.
    Answered {
        answer: PreviousAnswer,
    },
    /// The enrollment used an invitation that the old management delivered to the device.
    InvitedDevice {},
    /// The enrollment used an invitation for this record, which any device of the person could show.
    InvitedPerson {},
    /// The enrollment used an invitation that the old management of another record of the same source delivered to the
    /// device.
    InvitedOtherDevice {},
}

/// A fact with its points: positive for a link, negative against it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Weighed {
    pub evidence: LinkEvidence,
    pub points: i32,
}

/// How probable a link is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkBand {
    /// Not probable enough to be shown.
    None,
    Weak,
    Probable,
    Strong,
}

impl LinkBand {
    pub const ALL: [LinkBand; 4] = [LinkBand::None, LinkBand::Weak, LinkBand::Probable, LinkBand::Strong];

    /// Returns the word that events and rows use.
    pub fn as_str(self) -> &'static str {
        match self {
            LinkBand::None => "none",
            LinkBand::Weak => "weak",
            LinkBand::Probable => "probable",
            LinkBand::Strong => "strong",
        }
    }

    /// Parses the word of [`LinkBand::as_str`]; `None` for any other text.
    pub fn parse(word: &str) -> Option<LinkBand> {
        LinkBand::ALL.into_iter().find(|band| band.as_str() == word)
    }
}

/// What is proven about a link. The two questions are independent: a person can prove which record is theirs, and the
/// device can still be another one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct LinkProof {
    /// May the old record be retired? Proven if its only owner signed in, and its management is known to have ended or
    /// is not ours.
    pub may_be_retired: bool,
    /// Is it the same device? Proven by attestation, or by a token that the old management delivered to the device.
    pub is_same_device: bool,
}

/// Whether the old management was heard from after an enrollment, at the time of the question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum Silence {
    Heard {
        at: Timestamp,
    },
    /// It was last heard from at that time.
    Silent {
        since: Timestamp,
    },
    /// Nothing is known about the time after the enrollment. This is no silence.
    Unknown {},
}
