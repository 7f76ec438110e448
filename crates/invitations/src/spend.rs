//! Uses an invitation after a sign-in, if the person is its recipient.

use crate::Invitations;
use crate::error::{ChangeError, InvitationError};
use decisions::invitation::{Command, Invitation, Issued, Moment};
use decisions::person::Person;
use decisions::record::{Record, contradicts};
use events::enrollment::EnrollmentId;
use events::invitation::{InvitationId, InvitationRefusal, Recipient};
use events::person::PersonId;
use events::record::{OwnerKey, RecordId, RecordOwner};
use platform::context::Context;
use std::collections::BTreeSet;

/// The person for whom an enrollment is, in which an invitation was opened.
#[derive(Debug, Clone, Copy)]
pub struct Spender {
    pub enrollment: EnrollmentId,
    pub person: PersonId,
    /// The person signs in now, so they go on here if another enrollment of theirs used it and has no device. An effect
    /// may be late, so it takes nothing back.
    pub is_now: bool,
}

/// Result of using an invitation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spent {
    Used,
    /// The invitation is for somebody else, or cannot be used any more.
    Refused(InvitationRefusal),
    /// It is not known yet whether the person owns the record. Try again later.
    Undecided,
    /// The invitation was not opened in this enrollment.
    NotOpened,
}

enum IsRecipient {
    Yes,
    No,
    NotYetKnown,
}

impl Invitations {
    /// Uses an invitation that was opened in an enrollment, or records why not. A second call changes nothing.
    ///
    /// # Errors
    /// Returns an error if the log cannot be read, or the log or the keys cannot be written.
    pub async fn spend(
        &self,
        invitation: InvitationId,
        spender: Spender,
        context: &Context,
    ) -> Result<Spent, InvitationError> {
        let Spender { enrollment, person, is_now } = spender;
        let state = self.state(invitation).await?;
        let Some(issued) = state.issued.as_ref().filter(|_| state.opened.contains_key(&enrollment)) else {
            return Ok(Spent::NotOpened);
        };
        // A later sign-in of the same person took it over, which is no refusal.
        let is_elsewhere = state.used.is_some_and(|used| used.enrollment != enrollment && used.person == person);
        if is_elsewhere && !is_now {
            return Ok(Spent::Refused(InvitationRefusal::Used));
        }
        let is_recipient = match self.is_recipient(issued, person).await? {
            IsRecipient::Yes => true,
            IsRecipient::No => false,
            IsRecipient::NotYetKnown => return Ok(Spent::Undecided),
        };
        if is_recipient {
            self.give_key_to_person(invitation, &issued.recipient, person).await?;
        }
        let at = match is_now {
            true => self.moment(&state).await?,
            false => Moment::of(self.platform.world.now()),
        };
        let command = Command::Use { enrollment, person, is_recipient, at };
        match self.change(invitation, &command, context).await {
            Ok(after) => Ok(outcome(&after, enrollment, is_recipient)),
            Err(ChangeError::Refused(_)) => Ok(Spent::NotOpened),
            Err(ChangeError::Failed(error)) => Err(error),
        }
    }

    async fn is_recipient(&self, issued: &Issued, person: PersonId) -> Result<IsRecipient, InvitationError> {
        let (known, _) = self.platform.load::<Person>(&person.stream()).await?;
        let is_theirs = match issued.recipient.person {
            Some(recipient) => recipient == person,
            None => has_one(&known.keys, &issued.recipient.keys),
        };
        match issued.record {
            _ if !is_theirs => Ok(IsRecipient::No),
            None => Ok(IsRecipient::Yes),
            Some(record) => self.is_owner(record, person, &known.keys).await,
        }
    }

    // At the first sign-in of a person, the owner of their records may not have been found yet.
    async fn is_owner(
        &self,
        id: RecordId,
        person: PersonId,
        keys: &BTreeSet<OwnerKey>,
    ) -> Result<IsRecipient, InvitationError> {
        if !id.is_imported() {
            let enrollment = self.platform.enrollment(id.device().enrollment()).await?;
            let is_theirs = enrollment.owner().is_some_and(|owner| owner.person == person);
            return Ok(if is_theirs { IsRecipient::Yes } else { IsRecipient::No });
        }
        let (record, _) = self.platform.load::<Record>(&id.stream()).await?;
        let of_record: Vec<OwnerKey> = record.owner_keys.iter().cloned().collect();
        Ok(match record.owner {
            Some(RecordOwner::Unique { person: owner }) if owner == person => IsRecipient::Yes,
            Some(RecordOwner::Unique { .. } | RecordOwner::Several {} | RecordOwner::Left {}) => IsRecipient::No,
            // Another value of the person says that the record is somebody else's, and stays so.
            None | Some(RecordOwner::Account {} | RecordOwner::Unknown {})
                if has_one(keys, &of_record) && !of_record.iter().any(|key| contradicts(keys, key)) =>
            {
                IsRecipient::NotYetKnown
            }
            None | Some(RecordOwner::Account {} | RecordOwner::Unknown {}) => IsRecipient::No,
        })
    }

    // Hands the invitation's own key to the person, so that what it sealed is erased with the person.
    async fn give_key_to_person(
        &self,
        invitation: InvitationId,
        recipient: &Recipient,
        person: PersonId,
    ) -> Result<(), InvitationError> {
        if recipient.details.key().first() != invitation.key() {
            return Ok(());
        }
        self.set_owners(vec![(invitation.key(), person.key())]).await
    }
}

fn outcome(after: &Invitation, enrollment: EnrollmentId, is_recipient: bool) -> Spent {
    match after.used {
        Some(used) if used.enrollment == enrollment => Spent::Used,
        Some(_) => Spent::Refused(InvitationRefusal::Used),
        None if after.is_revoked => Spent::Refused(InvitationRefusal::Revoked),
        None if !is_recipient => Spent::Refused(InvitationRefusal::OtherPerson),
        None => Spent::NotOpened,
    }
}

fn has_one(keys: &BTreeSet<OwnerKey>, of: &[OwnerKey]) -> bool {
    of.iter().any(|key| keys.contains(key))
}
