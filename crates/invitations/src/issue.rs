//! Issues, renews, revokes and expires invitations.

use crate::error::{ChangeError, InvitationError, IssueError, NotIssued};
use crate::recipient::Invitee;
use crate::{Invitations, step};
use decisions::Aggregate as _;
use decisions::invitation::{Command, Invitation, Issued, Refusal};
use events::Timestamp;
use events::invitation::{InvitationDelivery, InvitationId, RenewalCause, WaveId};
use platform::PerformError;
use platform::context::Context;
use std::sync::Arc;

/// An invitation that is to be issued.
#[derive(Debug, Clone)]
pub struct Request {
    /// [`Invitations::id_of`]: the same request leads to the same invitation.
    pub id: InvitationId,
    pub invitee: Invitee,
    pub wave: Option<WaveId>,
    pub delivery: InvitationDelivery,
    /// Language tag of the mail, such as `de`.
    pub language: String,
    pub expires: Timestamp,
}

impl Invitations {
    /// Returns the id of the invitation that a request leads to. `request`: an id of the request that no other request
    /// has, such as that of a form, or the ids of a wave and a record.
    pub fn id_of(&self, request: &str) -> InvitationId {
        let digest = self.platform.secrets.name("invitation", &[request]);
        let mut bytes = [0; 16];
        // 64 hexadecimal digits always fill 16 bytes.
        let _ = hex::decode_to_slice(&digest[..32], &mut bytes);
        InvitationId(uuid::Builder::from_custom_bytes(bytes).into_uuid())
    }

    /// Returns the state of an invitation.
    ///
    /// # Errors
    /// Returns an error if its stream cannot be read, or its key is damaged.
    pub async fn state(&self, invitation: InvitationId) -> Result<Arc<Invitation>, InvitationError> {
        Ok(self.platform.load::<Invitation>(&invitation.stream()).await?.0)
    }

    /// Issues an invitation. A repeated request changes nothing and returns the invitation as it is by now.
    ///
    /// # Errors
    /// Returns why nobody can be invited, or an error if the log or the projections cannot be used.
    pub async fn issue(&self, request: &Request, context: &Context) -> Result<Arc<Invitation>, IssueError> {
        let known = self.state(request.id).await?;
        if known.issued.is_some() {
            return Ok(known);
        }
        if request.delivery.is_device_bound() && request.invitee.record().is_none() {
            return Err(NotIssued::NeedsRecord.into());
        }
        let recipient = self.recipient(request.id, &request.invitee).await?;
        let mail = recipient.details.get().and_then(|details| details.mail.as_ref());
        if request.delivery == InvitationDelivery::Mail && mail.is_none() {
            return Err(NotIssued::NoMail.into());
        }
        self.reserve_code(request.id, 0, context).await?;
        let issued = Box::new(Issued {
            recipient,
            record: request.invitee.record(),
            wave: request.wave,
            delivery: request.delivery,
            language: request.language.clone(),
        });
        let command = Command::Issue { issued, expires: request.expires };
        let context = step(context, &format!("issue {}", request.id));
        match self.platform.perform::<Invitation>(&request.id.stream(), &command, &context).await {
            Ok(performed) => Ok(performed.state),
            // No state refuses to be issued.
            Err(PerformError::Refused(_)) => Ok(self.state(request.id).await?),
            Err(PerformError::Append(error)) => Err(InvitationError::from(error).into()),
            Err(PerformError::Read(error)) => Err(error.into()),
        }
    }

    /// Makes a new link and code, and voids those before. Returns the new generation.
    ///
    /// # Errors
    /// Returns an error if the invitation is used, revoked or was renewed too often, or the log cannot be written.
    pub async fn renew(
        &self,
        invitation: InvitationId,
        cause: RenewalCause,
        expires: Timestamp,
        context: &Context,
    ) -> Result<u32, ChangeError> {
        let command = Command::Renew { cause, expires };
        let state = self.state(invitation).await?;
        // A refused renewal reserves no code.
        state.decide(&command).map_err(ChangeError::Refused)?;
        self.reserve_code(invitation, state.generation + 1, context).await?;
        let renewed = self.change(invitation, &command, &step(context, "renew")).await?;
        if renewed.generation > state.generation + 1 {
            // Somebody else renewed it meanwhile, so this is a later generation.
            self.reserve_code(invitation, renewed.generation, context).await?;
        }
        Ok(renewed.generation)
    }

    /// Revokes an invitation.
    ///
    /// # Errors
    /// Returns an error if the invitation was used, or the log cannot be written.
    pub async fn revoke(&self, invitation: InvitationId, context: &Context) -> Result<(), ChangeError> {
        self.change(invitation, &Command::Revoke, context).await.map(drop)
    }

    /// Marks an invitation as expired, if it is.
    ///
    /// # Errors
    /// Returns an error if the log cannot be read or written.
    pub async fn expire(&self, invitation: InvitationId, context: &Context) -> Result<(), ChangeError> {
        let command = Command::Expire { now: self.platform.world.now() };
        self.change(invitation, &command, context).await.map(drop)
    }

    pub(crate) async fn change(
        &self,
        invitation: InvitationId,
        command: &Command,
        context: &Context,
    ) -> Result<Arc<Invitation>, ChangeError> {
        let changed: Result<_, PerformError<Refusal>> =
            self.platform.perform::<Invitation>(&invitation.stream(), command, context).await;
        Ok(changed?.state)
    }
}
