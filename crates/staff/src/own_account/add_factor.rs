//! Adds and removes second factors. A new factor counts only after it was proven with a right code or a signature.

use super::{OwnAccount, OwnAccountError, Pending, recovery_hash};
use decisions::staff::{Command, FactorCommand, LocalAccount};
use events::Personal;
use events::staff::PasskeyId;
use identity::passkeys::Owner;
use identity::{one_time_codes, recovery_codes};
use std::sync::Arc;

/// Result of adding a second factor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Added {
    /// The new key of the session.
    pub key: Option<String>,
    /// Recovery codes, which are created with the first factor. They are shown only now.
    pub recovery_codes: Vec<String>,
}

/// Maximum length of the name of a passkey in characters.
const LONGEST_LABEL: usize = 60;

impl OwnAccount {
    /// Begins to set up one-time codes with a new seed.
    ///
    /// # Errors
    /// Returns an error if `sessions.db` cannot be written.
    pub async fn begin_one_time_codes(&self) -> Result<(), OwnAccountError> {
        self.keep(&Pending::OneTimeCodes { seed: one_time_codes::new_seed(&self.staff.platform.world) }).await
    }

    /// Returns the seed that is being set up.
    ///
    /// # Errors
    /// Returns an error if `sessions.db` cannot be read.
    pub async fn pending_seed(&self) -> Result<Option<String>, OwnAccountError> {
        Ok(match self.kept().await? {
            Some(Pending::OneTimeCodes { seed }) => Some(seed),
            _ => None,
        })
    }

    /// Completes the set-up of one-time codes with a code, which proves that the app has the seed. `None` if the code
    /// is wrong or nothing is being set up.
    ///
    /// # Errors
    /// Returns an error if `sessions.db` or the log cannot be read or written.
    pub async fn finish_one_time_codes(&self, code: &str) -> Result<Option<Added>, OwnAccountError> {
        let Some(seed) = self.pending_seed().await? else { return Ok(None) };
        let Some(step) = one_time_codes::step_of(&seed, code, self.staff.platform.world.now()) else { return Ok(None) };
        let seed = self.sealed(seed);
        let command = FactorCommand::AddOneTimeCodes { seed, step, entering: self.entering() };
        self.added(command).await.map(Some)
    }

    /// Begins to add a passkey.
    ///
    /// # Errors
    /// Returns an error if `sessions.db` cannot be written, or `server.public_url` has no domain name.
    pub async fn begin_passkey(&self) -> Result<(), OwnAccountError> {
        let user_name = self.user_name();
        let display_name = self.state().display_name.as_ref().and_then(Personal::get).unwrap_or(&user_name).clone();
        let owner = Owner { id: self.id().0, user_name: &user_name, display_name: &display_name };
        let credentials = self.credentials();
        let existing: Vec<&str> = credentials.iter().map(|(_, credential)| *credential).collect();
        let begun = self.passkeys().await?.begin_adding(owner, &existing)?;
        self.keep(&Pending::AddPasskey { options: begun.options, state: begun.state }).await
    }

    /// Returns the WebAuthn options for the passkey that is being added, as JSON for the browser.
    ///
    /// # Errors
    /// Returns an error if `sessions.db` cannot be read.
    pub async fn pending_passkey(&self) -> Result<Option<String>, OwnAccountError> {
        Ok(match self.kept().await? {
            Some(Pending::AddPasskey { options, .. }) => Some(options),
            _ => None,
        })
    }

    /// Completes adding a passkey with the browser's `answer` (JSON). `None` if the answer is not valid or no passkey
    /// is being added. A challenge can be used only once.
    ///
    /// # Errors
    /// Returns an error if `sessions.db` or the log cannot be read or written.
    pub async fn finish_passkey(&self, answer: &str, label: &str) -> Result<Option<Added>, OwnAccountError> {
        let Some(Pending::AddPasskey { state, .. }) = self.take_kept().await? else { return Ok(None) };
        let credential = match self.passkeys().await?.finish_adding(&state, answer) {
            Ok(credential) => credential,
            Err(error) => {
                tracing::warn!(staff.id = %self.resumed.session.staff, %error, "a passkey was not added");
                return Ok(None);
            }
        };
        let label: String = label.trim().chars().filter(|c| !c.is_control()).take(LONGEST_LABEL).collect();
        let label = if label.is_empty() { self.resumed.session.browser.clone() } else { label };
        let command = FactorCommand::AddPasskey {
            passkey: PasskeyId(self.staff.platform.world.random_uuid()),
            label: self.sealed(label),
            credential: self.sealed(credential),
            entering: self.entering(),
        };
        self.added(command).await.map(Some)
    }

    // Adding a factor also counts as proving it. Recovery codes are created with the first factor.
    async fn added(&self, command: FactorCommand) -> Result<Added, OwnAccountError> {
        let account = self.perform(Command::Factor(command)).await?;
        let key = self.staff.sign_in.staff_sessions.enter(&self.staff.platform.world, &self.key, true).await?;
        let recovery_codes = match account.factors.recovery_codes.is_empty() {
            true => self.make_recovery_codes().await?,
            false => vec![],
        };
        Ok(Added { key, recovery_codes })
    }

    /// Creates recovery codes, which replace the earlier ones. They are shown only now.
    ///
    /// # Errors
    /// Returns an error if the account has no second factor, or the log cannot be read or written.
    pub async fn make_recovery_codes(&self) -> Result<Vec<String>, OwnAccountError> {
        let codes = recovery_codes::new_codes(&self.staff.platform.world);
        let hashed = codes.iter().filter_map(|code| recovery_codes::canonical(code));
        let hashes = hashed.map(|code| recovery_hash(&self.staff.platform.secrets, self.id(), &code)).collect();
        self.perform(Command::Factor(FactorCommand::MakeRecoveryCodes { hashes })).await?;
        Ok(codes)
    }

    /// Removes a passkey.
    ///
    /// # Errors
    /// Returns an error if it is the last factor and one is required, or the log cannot be read or written.
    pub async fn remove_passkey(&self, passkey: PasskeyId) -> Result<Arc<LocalAccount>, OwnAccountError> {
        let required = self.factor_required();
        self.perform(Command::Factor(FactorCommand::RemovePasskey { passkey, required })).await
    }

    /// Removes the one-time codes.
    ///
    /// # Errors
    /// Returns an error if they are the last factor and one is required, or the log cannot be read or written.
    pub async fn remove_one_time_codes(&self) -> Result<Arc<LocalAccount>, OwnAccountError> {
        let required = self.factor_required();
        self.perform(Command::Factor(FactorCommand::RemoveOneTimeCodes { required })).await
    }

    /// Returns the passkeys in the format of the WebAuthn library. Those of an erased account are lost.
    pub(super) fn credentials(&self) -> Vec<(uuid::Uuid, &str)> {
        let passkeys = self.state().factors.passkeys.iter();
        passkeys.filter_map(|(id, passkey)| Some((id.0, passkey.credential.get()?.as_str()))).collect()
    }
}
