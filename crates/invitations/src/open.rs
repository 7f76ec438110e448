//! Reads a link or a code, and opens the invitation in an enrollment.

use crate::error::{ChangeError, InvitationError};
use crate::{Guess, Invitations, link};
use decisions::device::Phase;
use decisions::invitation::{Command, Invitation, Moment, Shown, Standing};
use events::device::DeviceId;
use events::enrollment::EnrollmentId;
use events::invitation::{InvitationId, InvitationRefusal, InvitationToken};
use platform::context::Context;
use std::net::IpAddr;
use std::sync::Arc;

/// An invitation that somebody showed a link or a code of.
#[derive(Debug, Clone)]
pub struct Seen {
    pub invitation: InvitationId,
    pub state: Arc<Invitation>,
    pub(crate) shown: Shown,
    /// Why it cannot be used; `None` if it can.
    pub refused: Option<InvitationRefusal>,
}

impl Seen {
    /// Returns whether the secret of the link belongs to no generation. Nothing about the invitation is told then.
    pub fn is_forged(&self) -> bool {
        self.shown == Shown::Link(None)
    }

    pub fn token(&self) -> InvitationToken {
        self.shown.token()
    }
}

/// What a typed code leads to.
#[derive(Debug, Clone)]
pub enum Typed {
    Invitation(Seen),
    /// It leads to no invitation. `is_recorded`: the budget of all sources has room for the event.
    Wrong {
        is_recorded: bool,
    },
}

/// Result of opening an invitation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opened {
    /// It is open in this enrollment.
    Here,
    Refused(InvitationRefusal),
    /// It was opened in too many browsers.
    TooOften,
}

impl Invitations {
    /// Reads the token of a link. `None`: no invitation has it. Records nothing.
    ///
    /// # Errors
    /// Returns an error if the log cannot be read.
    pub async fn by_link(&self, token: &str) -> Result<Option<Seen>, InvitationError> {
        match link::parse(&self.platform.secrets, token) {
            Some((invitation, shown)) => self.seen(invitation, shown).await,
            None => Ok(None),
        }
    }

    /// Takes room for a wrong code of `source`. Call it before [`Invitations::by_code`].
    ///
    /// # Errors
    /// Returns the seconds to wait if the source, or all sources together, typed too many wrong codes.
    pub fn begin_guess(&self, source: IpAddr) -> Result<Guess, i64> {
        self.guesses.begin(self.platform.world.now(), source)
    }

    /// Reads a typed code, in any case, with spaces or hyphens.
    ///
    /// # Errors
    /// Returns an error if the log cannot be read.
    pub async fn by_code(&self, typed: &str, guess: Guess) -> Result<Typed, InvitationError> {
        let seen = match self.parse_code(typed).await {
            Ok(Some((invitation, shown))) => self.seen(invitation, shown).await,
            Ok(None) => Ok(None),
            Err(error) => Err(error),
        };
        if !matches!(seen, Ok(None)) {
            self.guesses.give_back(&guess);
        }
        Ok(seen?.map_or(Typed::Wrong { is_recorded: guess.is_of_all }, Typed::Invitation))
    }

    async fn seen(&self, invitation: InvitationId, shown: Shown) -> Result<Option<Seen>, InvitationError> {
        let (state, now) = (self.state(invitation).await?, self.platform.world.now());
        let at = self.moment(&state).await?;
        let refused = state.refuses(&shown, at);
        let is_known = state.standing(now) != Standing::Unknown;
        Ok(is_known.then_some(Seen { invitation, state, shown, refused }))
    }

    /// Opens an invitation in an enrollment, or records that it was refused. A second call changes nothing.
    /// `enrollment`: `None` if it is refused and nobody's enrollment is open.
    ///
    /// # Errors
    /// Returns an error if the log cannot be read or written.
    pub async fn open(
        &self,
        seen: &Seen,
        enrollment: Option<EnrollmentId>,
        context: &Context,
    ) -> Result<Opened, InvitationError> {
        let at = self.moment(&seen.state).await?;
        let command = Command::Open { enrollment, shown: seen.shown.clone(), at };
        let state = match self.change(seen.invitation, &command, context).await {
            Ok(state) => state,
            Err(ChangeError::Refused(_)) => return Ok(Opened::TooOften),
            Err(ChangeError::Failed(error)) => return Err(error),
        };
        let is_here = enrollment.is_some_and(|enrollment| state.opened.contains_key(&enrollment));
        match state.refuses(&seen.shown, at).filter(|_| !is_here) {
            Some(why) => Ok(Opened::Refused(why)),
            None => Ok(Opened::Here),
        }
    }

    /// Returns this moment, and whether the enrollment that used the invitation has no device.
    pub(crate) async fn moment(&self, state: &Invitation) -> Result<Moment, InvitationError> {
        let now = self.platform.world.now();
        let Some(used) = state.used else { return Ok(Moment::of(now)) };
        let device = self.platform.device(DeviceId(used.enrollment.0)).await?;
        Ok(Moment { now, without_device: (device.phase == Phase::Unknown).then_some(used.enrollment) })
    }
}
