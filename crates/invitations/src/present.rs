//! Who an invitation is for now. The owner of its record or their address may have changed since it was issued.

use crate::Invitations;
use crate::error::{ChangeError, InvitationError, IssueError, NotIssued};
use crate::recipient::Invitee;
use decisions::invitation::{Issued, Standing};
use decisions::person::Person;
use decisions::record::{Record, contradicts};
use events::invitation::{InvitationId, Recipient, RecipientDetails};
use events::record::{OwnerKey, RecordOwner};
use platform::context::Context;
use std::collections::BTreeSet;

impl Invitations {
    /// Returns name and mail address of the recipient: those that the record has now, else those of the invitation. The
    /// inner error says why nobody can be invited for the record any more.
    ///
    /// # Errors
    /// Returns an error if the log cannot be read, or a key is damaged.
    pub async fn present(
        &self,
        invitation: InvitationId,
        issued: &Issued,
    ) -> Result<Result<RecipientDetails, NotIssued>, InvitationError> {
        let told = issued.recipient.details.get().cloned().unwrap_or_default();
        let Some(record) = issued.record else { return Ok(Ok(told)) };
        let now = match self.recipient(invitation, &Invitee::Record(record)).await {
            Ok(now) => now,
            Err(IssueError::Refused(why)) => return Ok(Err(why)),
            Err(IssueError::Failed(error)) => return Err(error),
        };
        let (known, _) = self.platform.load::<Record>(&record.stream()).await?;
        if !self.is_same(&issued.recipient, &now, known.owner).await? {
            return Ok(Err(NotIssued::OtherOwner));
        }
        let RecipientDetails { full_name, mail } = now.details.get().cloned().unwrap_or_default();
        Ok(Ok(RecipientDetails { full_name: full_name.or(told.full_name), mail: mail.or(told.mail) }))
    }

    /// Revokes an invitation that can still be used if nobody can be invited for its record any more.
    ///
    /// # Errors
    /// Returns an error if the log cannot be read or written.
    pub async fn revoke_if_misaddressed(&self, invitation: InvitationId, context: &Context) -> Result<(), ChangeError> {
        let state = self.state(invitation).await?;
        let Some(issued) = state.issued.as_ref() else { return Ok(()) };
        if state.standing(self.platform.world.now()) != Standing::Open {
            return Ok(());
        }
        match self.present(invitation, issued).await? {
            Ok(_) | Err(NotIssued::MigrationClosed) => Ok(()),
            Err(_) => self.revoke(invitation, context).await,
        }
    }

    // Whether the recipient of an invitation is the present one of its record. `owner`: `None` if they are not found
    // yet.
    async fn is_same(
        &self,
        then: &Recipient,
        now: &Recipient,
        owner: Option<RecordOwner>,
    ) -> Result<bool, InvitationError> {
        let shares = |keys: &BTreeSet<OwnerKey>| then.keys.iter().any(|key| keys.contains(key));
        let keys: BTreeSet<OwnerKey> = now.keys.iter().cloned().collect();
        Ok(match (then.person, now.person) {
            (Some(then), Some(now)) => then == now,
            (Some(_), None) => owner.is_none(),
            (None, Some(person)) => {
                shares(&keys) || shares(&self.platform.load::<Person>(&person.stream()).await?.0.keys)
            }
            // An import with another owner rule has other keys, and says nothing against the recipient.
            (None, None) => shares(&keys) || !then.keys.iter().any(|key| contradicts(&keys, key)),
        })
    }
}
