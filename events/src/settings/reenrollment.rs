//! Settings for devices that are enrolled again: when an earlier record and a later enrollment probably are one device.

use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A part of an earlier record that administrators no longer see once its device is enrolled again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClearedView {
    /// Who owned the device, and its site.
    Location,
    /// Who owned it before.
    LocationHistory,
    /// What happened to it.
    Logs,
    /// Values that the organization added: notes.
    ExtensionValues,
}

impl ClearedView {
    pub const ALL: [ClearedView; 4] =
        [ClearedView::Location, ClearedView::LocationHistory, ClearedView::Logs, ClearedView::ExtensionValues];

    /// Returns the word that events, settings and rows use.
    pub fn as_str(self) -> &'static str {
        match self {
            ClearedView::Location => "location",
            ClearedView::LocationHistory => "location_history",
            ClearedView::Logs => "logs",
            ClearedView::ExtensionValues => "extension_values",
        }
    }

    /// Returns the name in plain English.
    pub fn name(self) -> &'static str {
        match self {
            ClearedView::Location => "owner and site",
            ClearedView::LocationHistory => "earlier owners",
            ClearedView::Logs => "history",
            ClearedView::ExtensionValues => "notes",
        }
    }
}

/// What becomes of the commands of an earlier enrollment of this installation when its device is enrolled again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Commands {
    #[default]
    Keep,
    /// Those that failed are hidden.
    ClearErrors,
    /// Those that wait are cancelled, and all but the acknowledged ones are hidden.
    ClearAllButAcknowledged,
    /// Those that wait are cancelled, and all are hidden.
    ClearAll,
}

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
    /// Confirms links without an administrator that a device-bound invitation proves.
    pub confirm_automatically: bool,
    /// Parts of a confirmed earlier record that administrators no longer see.
    pub clear_views: BTreeSet<ClearedView>,
    /// What becomes of the commands of a confirmed earlier record.
    pub commands: Commands,
    /// Only its owner, or staff who may enroll devices, may enroll a device again that has a record with an owner.
    pub authorized_people_only: bool,
    /// Days after a migration was closed until records whose owner never enrolled are shredded.
    pub shred_after_days: u32,
}

impl Default for Reenrollment {
    fn default() -> Reenrollment {
        Reenrollment {
            weak_score: 3,
            probable_score: 8,
            strong_score: 11,
            removed_within_hours: 72,
            ask_silence_after_hours: 48,
            most_records_by_person: 10,
            confirm_automatically: false,
            clear_views: BTreeSet::new(),
            commands: Commands::Keep,
            authorized_people_only: false,
            shred_after_days: 365,
        }
    }
}
