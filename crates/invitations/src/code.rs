//! Codes of invitations: six characters that people type at the portal or in Settings, where they cannot open a link.
//!
//! The code of a generation is derived from the invitation, the generation and the number of the attempt with a key of
//! the installation. A stream whose name is an HMAC of the code leads to the invitation. If a code leads to another
//! invitation, the next attempt is made. The attempt is not stored: the first whose stream names the invitation counts.

use crate::error::{ChangeError, InvitationError};
use crate::{Invitations, step};
use decisions::invitation::{Command, Invitation, Shown};
use decisions::wave::{Code, CodeTaken, Reserve};
use events::enrollment::{parse_short_code, short_code};
use events::invitation::InvitationId;
use events::{StreamName, Timestamp};
use platform::PerformError;
use platform::context::Context;
use platform::secrets::Secrets;

/// Number of codes that are tried for a generation. There are 2^30 codes, so the second is rarely needed.
const ATTEMPTS: u32 = 8;
/// Seconds for which a code of the page of a device-bound invitation is valid.
const DEVICE_CODE_SECONDS: i64 = 600;

/// A code that the page of a device-bound invitation shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceCode {
    /// Such as `7KQ-3M2`.
    pub code: String,
    pub expires: Timestamp,
}

impl Invitations {
    /// Returns the code of a generation of an invitation, such as `7KQ-3M2`.
    ///
    /// # Errors
    /// Returns an error if the log cannot be read, or the generation was not issued.
    pub async fn code(&self, invitation: InvitationId, generation: u32) -> Result<String, InvitationError> {
        for attempt in 0..ATTEMPTS {
            let code = derived(&self.platform.secrets, invitation, generation, attempt);
            if self.invitation_of(&code).await? == Some(invitation) {
                return Ok(code);
            }
        }
        Err(InvitationError::NoCode)
    }

    /// Makes a code for Settings on the page of a device-bound invitation.
    ///
    /// # Errors
    /// Returns an error if the invitation is not device-bound, cannot be used, or issued too many codes, or the log
    /// cannot be written.
    pub async fn issue_device_code(
        &self,
        invitation: InvitationId,
        context: &Context,
    ) -> Result<DeviceCode, ChangeError> {
        let at = self.moment(&*self.state(invitation).await?).await?;
        let now = at.now;
        for attempt in 0..ATTEMPTS {
            let code = short_code(u128::from(u32::from_be_bytes(self.platform.world.random())));
            if !self.reserve(&code, invitation, &step(context, &format!("reserve {attempt}"))).await? {
                continue;
            }
            let expires = now.plus_seconds(DEVICE_CODE_SECONDS);
            let command = Command::IssueCode { code: digest(&self.platform.secrets, &code), expires, at };
            let issued = self.platform.perform::<Invitation>(&invitation.stream(), &command, context).await?;
            return Ok(DeviceCode { code, expires: expires.min(issued.state.expires) });
        }
        Err(InvitationError::NoCode.into())
    }

    /// Reserves a code for a generation of an invitation.
    pub(crate) async fn reserve_code(
        &self,
        invitation: InvitationId,
        generation: u32,
        context: &Context,
    ) -> Result<(), InvitationError> {
        for attempt in 0..ATTEMPTS {
            let code = derived(&self.platform.secrets, invitation, generation, attempt);
            let name = format!("reserve {generation} {attempt}");
            if self.reserve(&code, invitation, &step(context, &name)).await? {
                return Ok(());
            }
        }
        Err(InvitationError::NoCode)
    }

    // Returns whether the code leads to this invitation now.
    async fn reserve(&self, code: &str, to: InvitationId, context: &Context) -> Result<bool, InvitationError> {
        match self.platform.perform::<Code>(&stream(&self.platform.secrets, code), &Reserve(to), context).await {
            Ok(_) => Ok(true),
            Err(PerformError::Refused(CodeTaken)) => Ok(false),
            Err(PerformError::Append(error)) => Err(error.into()),
            Err(PerformError::Read(error)) => Err(error.into()),
        }
    }

    async fn invitation_of(&self, code: &str) -> Result<Option<InvitationId>, InvitationError> {
        let (known, _) = self.platform.load::<Code>(&stream(&self.platform.secrets, code)).await?;
        Ok(known.invitation)
    }

    /// Returns the invitation that a typed code leads to, and what the code shows. `None`: it leads to none.
    pub(crate) async fn parse_code(&self, typed: &str) -> Result<Option<(InvitationId, Shown)>, InvitationError> {
        let Some(code) = parse_short_code(typed) else { return Ok(None) };
        let Some(invitation) = self.invitation_of(&code).await? else { return Ok(None) };
        let (state, _) = self.platform.load::<Invitation>(&invitation.stream()).await?;
        let generations = (0..=state.generation).rev();
        let of_generation = |generation: &u32| {
            (0..ATTEMPTS).any(|attempt| derived(&self.platform.secrets, invitation, *generation, attempt) == code)
        };
        let shown = match generations.into_iter().find(of_generation) {
            Some(generation) => Shown::Code(generation),
            None => Shown::DeviceCode(digest(&self.platform.secrets, &code)),
        };
        Ok(Some((invitation, shown)))
    }
}

fn derived(secrets: &Secrets, invitation: InvitationId, generation: u32, attempt: u32) -> String {
    let parts = [invitation.to_string(), generation.to_string(), attempt.to_string()];
    let digits = secrets.name("invitation-code-of", &parts.each_ref().map(String::as_str));
    // The name has 64 hexadecimal digits.
    short_code(u128::from_str_radix(&digits[..32], 16).unwrap_or_default())
}

/// HMAC of a code: the id of its stream.
fn digest(secrets: &Secrets, code: &str) -> String {
    secrets.name("invitation-code", &[code])
}

fn stream(secrets: &Secrets, code: &str) -> StreamName {
    StreamName::of("code", digest(secrets, code))
}

#[cfg(test)]
mod tests {
    use super::*;
    use events::personal::keys::MasterKey;
    use std::collections::BTreeSet;
    use uuid::Uuid;

    #[test]
    fn a_code_depends_on_invitation_generation_attempt_and_installation() {
        let secrets = [7, 8].map(|byte| Secrets::derive(&MasterKey::from_bytes([byte; 32])));
        let [one, other] = [1, 2].map(|id| InvitationId(Uuid::from_u128(id)));
        let codes = [
            derived(&secrets[0], one, 0, 0),
            derived(&secrets[0], other, 0, 0),
            derived(&secrets[0], one, 1, 0),
            derived(&secrets[0], one, 0, 1),
            derived(&secrets[1], one, 0, 0),
        ];
        assert!(codes.iter().all(|code| parse_short_code(code).as_ref() == Some(code)), "{codes:?}");
        assert_eq!(codes.iter().collect::<BTreeSet<_>>().len(), codes.len(), "{codes:?}");
        assert_eq!(derived(&secrets[0], one, 0, 0), codes[0]);
    }
}
