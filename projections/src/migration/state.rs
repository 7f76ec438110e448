//! The state of a record on the migration board, from what is known about it.

/// How far a previous record has come on its way to Muster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum MigrationState {
    ToInvite,
    Invited,
    Opened,
    /// The old management is removed, and the owner has not enrolled yet.
    Removed,
    /// The owner enrolled, and no link is proposed.
    Enrolled,
    /// A link is proposed.
    ToConfirm,
    Done,
    Exception,
    Gone,
}

impl MigrationState {
    /// All states, in the order of a migration.
    pub const ALL: [MigrationState; 9] = [
        MigrationState::ToInvite,
        MigrationState::Invited,
        MigrationState::Opened,
        MigrationState::Removed,
        MigrationState::Enrolled,
        MigrationState::ToConfirm,
        MigrationState::Done,
        MigrationState::Exception,
        MigrationState::Gone,
    ];

    /// Returns the word that rows, addresses and exports use.
    pub fn as_str(self) -> &'static str {
        match self {
            MigrationState::ToInvite => "to_invite",
            MigrationState::Invited => "invited",
            MigrationState::Opened => "opened",
            MigrationState::Removed => "removed",
            MigrationState::Enrolled => "enrolled",
            MigrationState::ToConfirm => "to_confirm",
            MigrationState::Done => "done",
            MigrationState::Exception => "exception",
            MigrationState::Gone => "gone",
        }
    }

    /// Parses the word of [`MigrationState::as_str`]; `None` for any other text.
    pub fn parse(word: &str) -> Option<MigrationState> {
        MigrationState::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

/// What is known about the links of a record.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Linked {
    #[default]
    No,
    /// A link of band probable or strong is proposed.
    Proposed,
    Confirmed,
}

/// The newest invitation of a record.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Invitation {
    /// There is none, or it was revoked or expired.
    #[default]
    None,
    Issued,
    /// Opened or used.
    Opened,
}

/// What decides about the state of a record.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Facts {
    pub linked: Linked,
    pub is_exception: bool,
    /// The owner enrolled a device after the record became part of the migration, or used its invitation for one.
    pub is_enrolled: bool,
    /// Nobody can enroll it: the owner left, or the owner or the record was erased.
    pub is_ownerless: bool,
    /// This installation saw the end of the old management, or the person said it.
    pub is_removed: bool,
    /// A complete import lacks the record.
    pub is_missing: bool,
    /// An invitation for the record was issued, whatever became of it.
    pub was_invited: bool,
    pub invitation: Invitation,
}

/// Returns the state of a record. The first line that applies decides:
///
/// | State | if |
/// |---|---|
/// | done | a link is confirmed |
/// | exception | an exception is made |
/// | link to confirm | a link of band probable or strong is proposed |
/// | enrolled | the owner enrolled a device since, or used the invitation for one |
/// | gone | the owner left, or the owner or the record was erased |
/// | old management removed | this installation saw its end, or the person said it |
/// | old management removed | a complete import lacks the record, and an invitation was issued |
/// | gone | a complete import lacks the record, and no invitation was issued |
/// | opened | the newest invitation was opened or used |
/// | invited | the newest invitation is valid |
/// | to invite | none of these |
///
/// Weak links do not count: a person with two phones has them for each pair, and to confirm them would be a guess.
/// A record that disappears from the other product after its owner was invited was probably removed on request: staff
/// wait for the enrollment. One that disappears without an invitation was removed for another reason.
pub(super) fn state(facts: Facts) -> MigrationState {
    match facts {
        Facts { linked: Linked::Confirmed, .. } => MigrationState::Done,
        Facts { is_exception: true, .. } => MigrationState::Exception,
        Facts { linked: Linked::Proposed, .. } => MigrationState::ToConfirm,
        Facts { is_enrolled: true, .. } => MigrationState::Enrolled,
        Facts { is_ownerless: true, .. } => MigrationState::Gone,
        Facts { is_removed: true, .. } | Facts { is_missing: true, was_invited: true, .. } => MigrationState::Removed,
        Facts { is_missing: true, .. } => MigrationState::Gone,
        Facts { invitation: Invitation::Opened, .. } => MigrationState::Opened,
        Facts { invitation: Invitation::Issued, .. } => MigrationState::Invited,
        Facts { invitation: Invitation::None, .. } => MigrationState::ToInvite,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_state_has_a_word_of_its_own() {
        for state in MigrationState::ALL {
            assert_eq!(MigrationState::parse(state.as_str()), Some(state));
        }
        assert_eq!(MigrationState::parse("Done"), None);
    }

    #[test]
    fn the_first_line_of_the_table_that_applies_decides() {
        let invited = Facts { was_invited: true, invitation: Invitation::Issued, ..Facts::default() };
        let opened = Facts { invitation: Invitation::Opened, ..invited };
        let missing = Facts { is_missing: true, ..opened };
        let removed = Facts { is_removed: true, ..missing };
        let ownerless = Facts { is_ownerless: true, ..removed };
        let enrolled = Facts { is_enrolled: true, ..ownerless };
        let proposed = Facts { linked: Linked::Proposed, ..enrolled };
        let exception = Facts { is_exception: true, ..proposed };
        let done = Facts { linked: Linked::Confirmed, ..exception };
        // Each has everything that the ones before it have.
        for (facts, expected) in [
            (Facts::default(), MigrationState::ToInvite),
            (invited, MigrationState::Invited),
            (opened, MigrationState::Opened),
            (missing, MigrationState::Removed),
            (removed, MigrationState::Removed),
            (ownerless, MigrationState::Gone),
            (enrolled, MigrationState::Enrolled),
            (proposed, MigrationState::ToConfirm),
            (exception, MigrationState::Exception),
            (done, MigrationState::Done),
        ] {
            assert_eq!(state(facts), expected, "{facts:?}");
        }
    }

    #[test]
    fn a_record_that_disappears_without_an_invitation_is_gone_unless_the_person_said_that_they_removed_it() {
        let missing = Facts { is_missing: true, ..Facts::default() };
        assert_eq!(state(missing), MigrationState::Gone);
        assert_eq!(state(Facts { is_removed: true, ..missing }), MigrationState::Removed);
        let revoked = Facts { was_invited: true, ..missing };
        assert_eq!(state(revoked), MigrationState::Removed, "whatever became of the invitation");
    }

    #[test]
    fn a_revoked_or_expired_invitation_is_to_be_repeated() {
        let revoked = Facts { was_invited: true, ..Facts::default() };
        assert_eq!(state(revoked), MigrationState::ToInvite);
    }
}
