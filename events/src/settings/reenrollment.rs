//! Settings for devices that are enrolled again: when an earlier record and a later enrollment probably are one device.

use serde::{Deserialize, Serialize};

/// Detection of devices that are enrolled again. The points of each piece of evidence are fixed; the scores from
/// which a link counts as weak, probable or strong are settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Reenrollment {
    /// Score from which a link is shown.
    pub weak_score: i32,
    pub probable_score: i32,
    pub strong_score: i32,
    /// Hours between the removal of the old management and the new enrollment within which the removal is evidence.
    pub removed_within_hours: u32,
    /// Hours after an enrollment until Muster asks whether the old management was heard from since.
    pub ask_silence_after_hours: u32,
    /// A person with more records than this gets no proposal by their name alone: technicians, carts.
    pub most_records_by_person: u32,
    /// Confirms strong links without an administrator.
    pub confirm_automatically: bool,
}

impl Default for Reenrollment {
    fn default() -> Reenrollment {
        Reenrollment {
            weak_score: 3,
            probable_score: 5,
            strong_score: 8,
            removed_within_hours: 72,
            ask_silence_after_hours: 48,
            most_records_by_person: 10,
            confirm_automatically: false,
        }
    }
}
