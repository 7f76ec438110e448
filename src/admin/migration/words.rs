//! Words for the states of a migration.

use crate::admin::words::Chip;
use plural::counted;
use projections::migration::MigrationState;

pub(super) fn label(state: MigrationState) -> &'static str {
    match state {
        MigrationState::ToInvite => "To invite",
        MigrationState::Invited => "Invited",
        MigrationState::Opened => "Opened",
        MigrationState::Removed => "Old management removed",
        MigrationState::Enrolled => "Enrolled",
        MigrationState::ToConfirm => "Link to confirm",
        MigrationState::Done => "Done",
        MigrationState::Exception => "Exception",
        MigrationState::Gone => "Gone",
    }
}

/// Returns what the state means, as a sentence.
pub(super) fn meaning(state: MigrationState) -> &'static str {
    match state {
        MigrationState::ToInvite => "No valid invitation.",
        MigrationState::Invited => "The invitation was not opened yet.",
        MigrationState::Opened => "The person opened the invitation and has not enrolled.",
        MigrationState::Removed => "The person has not enrolled yet.",
        MigrationState::Enrolled => "The owner enrolled a device. No link is proposed.",
        MigrationState::ToConfirm => "A link to a new device waits for a decision.",
        MigrationState::Done => "A device took the record’s place.",
        MigrationState::Exception => "It need not be enrolled.",
        MigrationState::Gone => "The source no longer has it, or the owner left.",
    }
}

pub(crate) fn chip(state: MigrationState) -> Chip {
    let class = match state {
        MigrationState::Removed | MigrationState::ToConfirm => "warn",
        MigrationState::Done => "ok",
        MigrationState::ToInvite
        | MigrationState::Invited
        | MigrationState::Opened
        | MigrationState::Enrolled
        | MigrationState::Exception
        | MigrationState::Gone => "",
    };
    Chip { label: label(state), class }
}

/// Returns the texture of the state in the chart. Neighbours in the chart differ in it, so that colour is not the only
/// difference.
pub(super) fn texture(state: MigrationState) -> &'static str {
    match state {
        MigrationState::ToInvite | MigrationState::Removed | MigrationState::Done => "plain",
        MigrationState::Invited | MigrationState::Enrolled | MigrationState::Exception => "lines",
        MigrationState::Opened | MigrationState::ToConfirm | MigrationState::Gone => "dots",
    }
}

pub(super) fn late(count: u64) -> String {
    let (records, verb) =
        (counted(i64::try_from(count).unwrap_or(i64::MAX), "record"), if count == 1 { "is" } else { "are" });
    format!(
        "The old management of {records} was removed more than {} days ago, and the owners have not enrolled. Until they \
         do, the phones {verb} not managed.",
        projections::migration::LATE_AFTER_DAYS
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_in_the_chart_differ_in_their_texture() {
        for pair in MigrationState::ALL.windows(2) {
            assert_ne!(texture(pair[0]), texture(pair[1]), "{pair:?}");
        }
    }
}
