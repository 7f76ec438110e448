//! Verifies a second factor at sign-in or to confirm a change.

use super::{OwnAccount, OwnAccountError, Pending, Proved, recovery_hash};
use decisions::staff::{Command, FactorCommand, Refusal};
use events::Personal;
use events::staff::{FactorRefusal, PasskeyId, Purpose, SecondFactor};
use identity::throttle::{Asked, Attempt, RetryAfter};
use identity::{one_time_codes, recovery_codes};
use sign_in::{granted_to, granted_to_wait};
use std::net::{IpAddr, Ipv6Addr};

impl OwnAccount {
    /// Verifies a code as it was typed: a one-time code, or at sign-in also a recovery code.
    ///
    /// # Errors
    /// Returns an error if `sessions.db` or the log cannot be read or written.
    pub async fn prove_code(&self, typed: &str, purpose: Purpose) -> Result<Proved, OwnAccountError> {
        let factor = match recovery_codes::canonical(typed) {
            Some(_) if purpose == Purpose::SignIn => SecondFactor::RecoveryCode,
            _ => SecondFactor::OneTimeCode,
        };
        // Only one-time codes of six digits can be guessed. A recovery code has 80 bits, so it is not throttled.
        // Otherwise an attacker who knows only the password could lock the owner out.
        let attempt = if factor == SecondFactor::RecoveryCode { Ok(None) } else { self.attempt().await.map(Some) };
        let attempt = match attempt {
            Ok(attempt) => attempt,
            Err(RetryAfter(seconds)) => {
                if granted_to_wait(&self.staff.sign_in, self.id(), self.address()) {
                    self.refused(factor, FactorRefusal::Throttled).await?;
                }
                return Ok(Proved::Wait { seconds });
            }
        };
        let Some(command) = self.code_command(typed, factor, purpose) else {
            return self.wrong(factor, FactorRefusal::Wrong, attempt).await;
        };
        match self.perform(Command::Factor(command)).await {
            Ok(_) => self.proved(purpose).await,
            Err(OwnAccountError::Refused(Refusal::CodeUsed)) => {
                self.wrong(factor, FactorRefusal::UsedBefore, attempt).await
            }
            Err(OwnAccountError::Refused(Refusal::FactorUnknown)) => {
                self.wrong(factor, FactorRefusal::Wrong, attempt).await
            }
            Err(error) => Err(error),
        }
    }

    fn code_command(&self, typed: &str, factor: SecondFactor, purpose: Purpose) -> Option<FactorCommand> {
        let entering = self.entering();
        if factor == SecondFactor::RecoveryCode {
            let code = recovery_codes::canonical(typed)?;
            let code_hash = recovery_hash(&self.staff.platform.secrets, self.id(), &code);
            return Some(FactorCommand::UseRecoveryCode { code_hash, entering });
        }
        let seed = self.state().factors.one_time_codes.as_ref().and_then(|codes| Personal::get(&codes.seed))?;
        let step = one_time_codes::step_of(seed, typed, self.staff.platform.world.now())?;
        Some(FactorCommand::UseOneTimeCode { step, purpose, entering })
    }

    /// Begins a proof with one of the person's passkeys.
    ///
    /// # Errors
    /// Returns an error if the account has no passkey or `sessions.db` cannot be written.
    pub async fn begin_proof(&self) -> Result<(), OwnAccountError> {
        let begun = self.passkeys().await?.begin_proof(&self.credentials())?;
        self.keep(&Pending::ProvePasskey { options: begun.options, state: begun.state }).await
    }

    /// Returns the WebAuthn options of the pending proof, as JSON for the browser.
    ///
    /// # Errors
    /// Returns an error if `sessions.db` cannot be read.
    pub async fn pending_proof(&self) -> Result<Option<String>, OwnAccountError> {
        Ok(match self.kept().await? {
            Some(Pending::ProvePasskey { options, .. }) => Some(options),
            _ => None,
        })
    }

    /// Verifies the browser's `answer` (JSON) to a passkey challenge. A challenge can be used only once, also if the
    /// answer is not valid. A signature cannot be guessed, so it is not throttled after wrong codes.
    ///
    /// # Errors
    /// Returns an error if `sessions.db` or the log cannot be read or written.
    pub async fn prove_passkey(&self, answer: &str, purpose: Purpose) -> Result<Proved, OwnAccountError> {
        let factor = SecondFactor::Passkey;
        let Some(Pending::ProvePasskey { state, .. }) = self.take_kept().await? else {
            return self.wrong(factor, FactorRefusal::UsedBefore, None).await;
        };
        let proven = match self.passkeys().await?.finish_proof(&state, answer, &self.credentials()) {
            Ok(proven) => proven,
            Err(error) => {
                tracing::warn!(staff.id = %self.resumed.session.staff, %error, "the proof with a passkey is not valid");
                return self.wrong(factor, FactorRefusal::Wrong, None).await;
            }
        };
        let command = FactorCommand::UsePasskey {
            passkey: PasskeyId(proven.passkey),
            credential: proven.credential.map(|credential| self.sealed(credential)),
            purpose,
            entering: self.entering(),
        };
        self.perform(Command::Factor(command)).await?;
        self.proved(purpose).await
    }

    async fn proved(&self, purpose: Purpose) -> Result<Proved, OwnAccountError> {
        let key = match purpose {
            Purpose::SignIn => {
                self.staff.sign_in.staff_sessions.enter(&self.staff.platform.world, &self.key, true).await?
            }
            Purpose::Confirmation => {
                self.staff.sign_in.staff_sessions.confirm(self.staff.platform.world.now(), &self.key).await?;
                None
            }
        };
        Ok(Proved::Yes { key })
    }

    async fn wrong(
        &self,
        factor: SecondFactor,
        reason: FactorRefusal,
        attempt: Option<Attempt>,
    ) -> Result<Proved, OwnAccountError> {
        if let Some(attempt) = attempt {
            self.staff.sign_in.factors.failed(self.staff.platform.world.now(), attempt);
        }
        if granted_to(&self.staff.sign_in, self.id(), self.address()) {
            self.refused(factor, reason).await?;
        }
        Ok(Proved::No)
    }

    async fn refused(&self, factor: SecondFactor, reason: FactorRefusal) -> Result<(), OwnAccountError> {
        self.perform(Command::Factor(FactorCommand::Refuse { factor, reason })).await.map(drop)
    }

    // An attacker can guess six digits from many addresses at once, so wrong codes are counted by account and not by
    // source: the throttle gets an address that is derived from the account's id. This does not lock the owner out,
    // because a passkey or a recovery code still works.
    async fn attempt(&self) -> Result<Attempt, RetryAfter> {
        let id = self.id();
        let network = u128::from_be_bytes(*id.0.as_bytes()) & (u128::MAX << 64);
        let address = IpAddr::V6(Ipv6Addr::from(network));
        self.staff.sign_in.factors.begin(&self.staff.platform.world, Asked::of(&id.to_string(), address)).await
    }
}
