//! Second factors: passkeys, one-time codes, recovery codes.

use super::{FactorCommand, LocalAccount, Refusal};
use events::enrollment::{SecretHash, SignInMethodName};
use events::personal::Personal;
use events::staff::{PasskeyId, StaffEvent};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The second factors of an account.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Factors {
    pub passkeys: BTreeMap<PasskeyId, Passkey>,
    pub one_time_codes: Option<OneTimeCodes>,
    /// Hashes of the unused recovery codes.
    pub recovery_codes: Vec<SecretHash>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Passkey {
    pub label: Personal<String>,
    pub credential: Personal<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OneTimeCodes {
    pub seed: Personal<String>,
    /// Time step (RFC 6238) of the latest used code.
    pub last_step: u64,
}

impl Factors {
    /// Returns whether there is a second factor. Recovery codes alone do not count.
    pub fn any(&self) -> bool {
        self.count() > 0
    }

    fn count(&self) -> usize {
        self.passkeys.len() + usize::from(self.one_time_codes.is_some())
    }

    pub(super) fn evolve(mut self, event: &StaffEvent) -> Factors {
        match event {
            StaffEvent::PasskeyAdded { passkey, label, credential } => {
                let added = Passkey { label: label.clone(), credential: credential.clone() };
                self.passkeys.insert(*passkey, added);
            }
            StaffEvent::PasskeyUsed { passkey, credential: Some(credential), .. } => {
                if let Some(used) = self.passkeys.get_mut(passkey) {
                    used.credential = credential.clone();
                }
            }
            StaffEvent::PasskeyRemoved { passkey } => {
                self.passkeys.remove(passkey);
            }
            StaffEvent::OneTimeCodesAdded { seed, step } => {
                self.one_time_codes = Some(OneTimeCodes { seed: seed.clone(), last_step: *step });
            }
            StaffEvent::OneTimeCodeUsed { step, .. } => {
                if let Some(codes) = &mut self.one_time_codes {
                    codes.last_step = codes.last_step.max(*step);
                }
            }
            StaffEvent::OneTimeCodesRemoved {} => self.one_time_codes = None,
            StaffEvent::RecoveryCodesMade { hashes } => self.recovery_codes = hashes.clone(),
            StaffEvent::RecoveryCodeUsed { code_hash } => self.recovery_codes.retain(|code| code != code_hash),
            StaffEvent::RecoveryCodesRemoved {} => self.recovery_codes.clear(),
            StaffEvent::PasskeyUsed { credential: None, .. }
            | StaffEvent::LocalAccountAdded { .. }
            | StaffEvent::ExternalStaffKnown { .. }
            | StaffEvent::ApiClientAdded { .. }
            | StaffEvent::ApiTokenIssued { .. }
            | StaffEvent::ApiTokenRefused { .. }
            | StaffEvent::LocalAccountDisabled {}
            | StaffEvent::LocalAccountEnabled {}
            | StaffEvent::PasswordChanged { .. }
            | StaffEvent::PrivilegesChanged { .. }
            | StaffEvent::SetUpLinkIssued { .. }
            | StaffEvent::SetUpLinkRevoked {}
            | StaffEvent::FirstFactorProven { .. }
            | StaffEvent::StaffSignedIn { .. }
            | StaffEvent::StaffSignInRefused { .. }
            | StaffEvent::StaffSignedOut {}
            | StaffEvent::StaffRefusalsSuppressed(_)
            | StaffEvent::StaffSessionEnded { .. }
            | StaffEvent::StaffSessionsEnded {}
            | StaffEvent::PasswordConfirmed {}
            | StaffEvent::PasswordConfirmationRefused { .. }
            | StaffEvent::SecondFactorRefused { .. } => {}
        }
        self
    }
}

pub(super) fn decide(account: &LocalAccount, command: &FactorCommand) -> Result<Vec<StaffEvent>, Refusal> {
    match command {
        FactorCommand::RemovePasskey { .. }
        | FactorCommand::RemoveOneTimeCodes { .. }
        | FactorCommand::RemoveAll
        | FactorCommand::MakeRecoveryCodes { .. }
        | FactorCommand::Refuse { .. } => change(&account.factors, command),
        _ if account.disabled => Err(Refusal::Disabled),
        proof => prove(&account.factors, proof),
    }
}

// A person who uses a factor may complete a sign-in with it.
fn prove(factors: &Factors, command: &FactorCommand) -> Result<Vec<StaffEvent>, Refusal> {
    match command {
        FactorCommand::AddPasskey { passkey, label, credential, entering } => Ok(with_sign_in(
            StaffEvent::PasskeyAdded { passkey: *passkey, label: label.clone(), credential: credential.clone() },
            *entering,
        )),
        FactorCommand::UsePasskey { passkey, credential, purpose, entering } => {
            factors.passkeys.get(passkey).ok_or(Refusal::FactorUnknown)?;
            let credential = credential.clone();
            let used = StaffEvent::PasskeyUsed { passkey: *passkey, purpose: *purpose, credential };
            Ok(with_sign_in(used, *entering))
        }
        FactorCommand::AddOneTimeCodes { seed, step, entering } => {
            Ok(with_sign_in(StaffEvent::OneTimeCodesAdded { seed: seed.clone(), step: *step }, *entering))
        }
        FactorCommand::UseOneTimeCode { step, purpose, entering } => {
            let codes = factors.one_time_codes.as_ref().ok_or(Refusal::FactorUnknown)?;
            // RFC 6238, 5.2: a code is accepted once. Codes of earlier time steps are refused too.
            if *step <= codes.last_step {
                return Err(Refusal::CodeUsed);
            }
            Ok(with_sign_in(StaffEvent::OneTimeCodeUsed { step: *step, purpose: *purpose }, *entering))
        }
        FactorCommand::UseRecoveryCode { code_hash, entering } => {
            if !factors.recovery_codes.contains(code_hash) {
                return Err(Refusal::FactorUnknown);
            }
            Ok(with_sign_in(StaffEvent::RecoveryCodeUsed { code_hash: code_hash.clone() }, *entering))
        }
        _ => Ok(vec![]),
    }
}

fn change(factors: &Factors, command: &FactorCommand) -> Result<Vec<StaffEvent>, Refusal> {
    match command {
        FactorCommand::RemovePasskey { passkey, required } => {
            factors.passkeys.get(passkey).ok_or(Refusal::FactorUnknown)?;
            remove(factors, StaffEvent::PasskeyRemoved { passkey: *passkey }, *required)
        }
        FactorCommand::RemoveOneTimeCodes { required } => {
            factors.one_time_codes.as_ref().ok_or(Refusal::FactorUnknown)?;
            remove(factors, StaffEvent::OneTimeCodesRemoved {}, *required)
        }
        FactorCommand::RemoveAll => {
            let passkeys = factors.passkeys.keys().map(|passkey| StaffEvent::PasskeyRemoved { passkey: *passkey });
            let codes = factors.one_time_codes.as_ref().map(|_| StaffEvent::OneTimeCodesRemoved {});
            Ok(passkeys.chain(codes).chain(without_recovery(factors)).collect())
        }
        FactorCommand::MakeRecoveryCodes { .. } if !factors.any() => Err(Refusal::FactorUnknown),
        FactorCommand::MakeRecoveryCodes { hashes } => {
            Ok(vec![StaffEvent::RecoveryCodesMade { hashes: hashes.clone() }])
        }
        FactorCommand::Refuse { factor, reason } => {
            Ok(vec![StaffEvent::SecondFactorRefused { factor: *factor, reason: *reason }])
        }
        _ => Ok(vec![]),
    }
}

// Recovery codes replace a lost factor, so they are removed with the last one.
fn remove(factors: &Factors, removed: StaffEvent, required: bool) -> Result<Vec<StaffEvent>, Refusal> {
    match (factors.count(), required) {
        (..=1, true) => Err(Refusal::LastFactor),
        (..=1, false) => Ok(std::iter::once(removed).chain(without_recovery(factors)).collect()),
        _ => Ok(vec![removed]),
    }
}

fn without_recovery(factors: &Factors) -> Option<StaffEvent> {
    (!factors.recovery_codes.is_empty()).then_some(StaffEvent::RecoveryCodesRemoved {})
}

fn with_sign_in(event: StaffEvent, entering: Option<SignInMethodName>) -> Vec<StaffEvent> {
    std::iter::once(event).chain(entering.map(|method| StaffEvent::StaffSignedIn { method })).collect()
}
