//! Sends an invitation again from a page that showed its present link.

use crate::error::{AgainError, ChangeError};
use crate::{Invitations, step};
use decisions::Aggregate as _;
use decisions::invitation::{Command, Invitation, Refusal};
use events::Timestamp;
use events::invitation::{InvitationId, RenewalCause};
use platform::PerformError;
use platform::context::Context;

impl Invitations {
    /// Same as [`Invitations::renew`], but changes nothing if the invitation has a later link than `generation`: a form
    /// that is sent twice voids one link. Returns the valid generation.
    ///
    /// # Errors
    /// Same as [`Invitations::renew`], and why nobody can be invited for the record now.
    pub async fn renew_from(
        &self,
        invitation: InvitationId,
        generation: u32,
        cause: RenewalCause,
        expires: Timestamp,
        context: &Context,
    ) -> Result<u32, AgainError> {
        let command = Command::Renew { cause, expires };
        let loaded = self.platform.load::<Invitation>(&invitation.stream()).await.map_err(ChangeError::from)?;
        if loaded.0.generation != generation {
            return Ok(loaded.0.generation);
        }
        // A refused renewal reserves no code.
        loaded.0.decide(&command).map_err(ChangeError::Refused)?;
        if let Some(issued) = loaded.0.issued.as_ref() {
            let present = self.present(invitation, issued).await.map_err(ChangeError::from)?;
            present.map_err(AgainError::NotNow)?;
        }
        self.reserve_code(invitation, generation + 1, context).await.map_err(ChangeError::from)?;
        let is_same = |state: &Invitation, _: &[_]| match state.generation == generation {
            true => Ok(()),
            false => Err(Renewed::Meanwhile(state.generation)),
        };
        let (stream, context) = (invitation.stream(), step(context, "renew"));
        match self.platform.perform_if(&stream, loaded, &command, &context, is_same).await {
            Ok(renewed) => Ok(renewed.state.generation),
            Err(Renewed::Meanwhile(generation)) => Ok(generation),
            Err(Renewed::Not(error)) => Err(ChangeError::from(error).into()),
        }
    }
}

/// Why the link was not replaced.
enum Renewed {
    /// Another request replaced it; the valid generation.
    Meanwhile(u32),
    Not(PerformError<Refusal>),
}

impl From<PerformError<Refusal>> for Renewed {
    fn from(error: PerformError<Refusal>) -> Renewed {
        Renewed::Not(error)
    }
}
