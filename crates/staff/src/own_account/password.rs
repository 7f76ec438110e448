//! The password of one's own account: confirms changes with it, and changes it.

use super::{OwnAccount, OwnAccountError, Proved};
use decisions::staff::{Command, UserName};
use events::StreamName;
use events::enrollment::SignInMethodName;
use events::settings::Ways;
use events::staff::StaffId;
use identity::password::{WeakPassword, check_new_password, hash_password};
use secrecy::SecretString;
use settings::shared_networks;
use sign_in::SignIn;
use sign_in::redirect::Place;
use sign_in::{Proof, Trying, Verified, granted_to, granted_to_wait, staff_account_name, verify};
use std::net::IpAddr;

/// Why a new password was refused.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    #[error(transparent)]
    Weak(#[from] WeakPassword),
    #[error(transparent)]
    Own(#[from] OwnAccountError),
}

impl OwnAccount {
    /// Returns whether the account has a password for confirmations: of a local account or of a directory.
    pub fn has_password(&self) -> bool {
        match &self.state().external {
            None => true,
            Some(external) => external.method == SignInMethodName::Directory,
        }
    }

    /// Confirms a change with the password of the account.
    ///
    /// # Errors
    /// Returns an error if the local accounts, `sessions.db` or the log cannot be read or written.
    pub async fn confirm_password(&self, password: &SecretString) -> Result<Proved, OwnAccountError> {
        let settings = self.staff.settings.current().await?;
        let people = shared_networks::people(&settings.shared_networks, self.address());
        let switched_on = settings.sign_in.staff;
        let ways = match &self.state().external {
            None => Ways { local_accounts: switched_on.local_accounts, ..Ways::default() },
            Some(_) => Ways { local_accounts: false, ..switched_on },
        };
        let user_name = self.user_name();
        let trying = Trying {
            place: Place::Console,
            ways: &ways,
            user_name: &user_name,
            password,
            source: self.address(),
            known_browser: None,
            people,
        };
        let verified = verify(&self.staff.sign_in, &trying, |_| true).await?;
        let reason = match verified {
            Verified::Proven(proof) if self.is_own(&proof).await? => {
                self.perform(Command::ConfirmPassword).await?;
                self.staff.sign_in.staff_sessions.confirm(self.staff.platform.world.now(), &self.key).await?;
                return Ok(Proved::Yes { key: None });
            }
            Verified::Proven(_) => events::enrollment::SignInRefusal::NotEntitled,
            Verified::Refused(refused) => {
                if refused.is_held_up() {
                    self.refuse_confirmation(refused.reason, granted_to_wait).await?;
                } else {
                    self.refuse_confirmation(refused.reason, granted_to).await?;
                }
                refused.beat.wait().await;
                return Ok(refused.retry_after.map_or(Proved::No, |seconds| Proved::Wait { seconds }));
            }
        };
        self.refuse_confirmation(reason, granted_to).await?;
        Ok(Proved::No)
    }

    async fn refuse_confirmation(
        &self,
        reason: events::enrollment::SignInRefusal,
        granted: impl Fn(&SignIn, StaffId, IpAddr) -> bool,
    ) -> Result<(), OwnAccountError> {
        if granted(&self.staff.sign_in, self.id(), self.address()) {
            self.perform(Command::RefuseConfirmation { reason }).await?;
        }
        Ok(())
    }

    // Returns whether the proven account is this account: in a directory the same name may belong to another person.
    async fn is_own(&self, proof: &Proof) -> Result<bool, OwnAccountError> {
        if let Some((id, _)) = &proof.local {
            return Ok(*id == self.id());
        }
        let account = &proof.account;
        let name = staff_account_name(&self.staff.platform.secrets, proof.method, &account.issuer, &account.subject);
        let (found, _) = self.staff.platform.load::<UserName>(&StreamName::of("username", name)).await?;
        Ok(found.account == Some(self.id()))
    }

    /// Changes the password of a local account and ends all its other sessions.
    ///
    /// # Errors
    /// Returns an error if the password is too weak, the account is not a local account, or `sessions.db` or the log
    /// cannot be read or written.
    pub async fn change_password(&self, password: SecretString) -> Result<(), PasswordError> {
        check_new_password(&self.user_name(), &password)?;
        let world = self.staff.platform.world.clone();
        let hashed = tokio::task::spawn_blocking(move || hash_password(&world, &password)).await;
        let hashed = hashed.map_err(|error| OwnAccountError::Broken(error.to_string()))?;
        self.perform(Command::ChangePassword { password: self.sealed(hashed) }).await?;
        self.end_other_sessions().await?;
        Ok(())
    }
}
