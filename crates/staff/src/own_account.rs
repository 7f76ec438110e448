//! Actions of a member of the staff on their own account: second factors, password and sessions. Other accounts cannot
//! be reached through this module.

mod add_factor;
mod password;
mod prove;
mod sessions;

pub use add_factor::Added;
pub use identity::one_time_codes;
pub use password::PasswordError;

use crate::Staff;
use crate::console::{Resumed, staff_context};
use decisions::staff::{Command, LocalAccount, Refusal};
use events::Personal;
use events::enrollment::{SecretHash, SignInMethodName};
use events::staff::StaffId;
use events::store::ReadError;
use identity::Unavailable;
use identity::passkeys::{PasskeyError, Passkeys};
use platform::PerformError;
use platform::context::Context;
use platform::secrets::Secrets;
use serde::{Deserialize, Serialize};
use sign_in::redirect;
use sign_in::staff_sessions::SessionError;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use url::Url;

/// The account of a signed-in member of the staff, in one of their sessions.
pub struct OwnAccount {
    staff: Arc<Staff>,
    key: String,
    resumed: Resumed,
    source: Option<IpAddr>,
}

/// Result of a proof.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proved {
    /// The proof is valid. `key` is the new key of the session, if it changed: the console's cookie must contain it.
    Yes {
        key: Option<String>,
    },
    No,
    /// Too many wrong proofs. The person must wait this many seconds.
    Wait {
        seconds: i64,
    },
}

#[derive(Debug, thiserror::Error)]
pub enum OwnAccountError {
    /// The state of the account does not permit it. The reason is shown to the person.
    #[error("{0}")]
    Refused(Refusal),
    #[error(transparent)]
    Perform(PerformError<Refusal>),
    #[error(transparent)]
    Session(#[from] SessionError),
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    #[error(transparent)]
    Passkey(#[from] PasskeyError),
    #[error("{0}")]
    Broken(String),
    #[error("passkeys are not possible: `server.public_url` has no domain name, and browsers need one")]
    NoPasskeysHere,
}

impl From<PerformError<Refusal>> for OwnAccountError {
    fn from(error: PerformError<Refusal>) -> OwnAccountError {
        match error {
            PerformError::Refused(refusal) => OwnAccountError::Refused(refusal),
            other => OwnAccountError::Perform(other),
        }
    }
}

/// The pending data of an action that one request begins and another completes. Stored in the session's row.
#[derive(Serialize, Deserialize)]
enum Pending {
    OneTimeCodes { seed: String },
    AddPasskey { options: String, state: String },
    ProvePasskey { options: String, state: String },
}

impl OwnAccount {
    pub fn new(staff: Arc<Staff>, key: String, resumed: Resumed, source: Option<IpAddr>) -> OwnAccount {
        OwnAccount { staff, key, resumed, source }
    }

    pub fn state(&self) -> &LocalAccount {
        &self.resumed.account
    }

    pub fn id(&self) -> StaffId {
        self.resumed.session.staff
    }

    /// Returns whether the settings require a second factor of this account.
    pub fn factor_required(&self) -> bool {
        self.resumed.factor_required
    }

    /// Returns the name that the person signs in with.
    pub fn user_name(&self) -> String {
        self.state().user_name.as_ref().and_then(Personal::get).cloned().unwrap_or_default()
    }

    /// Returns the name of the organization, which authenticators show.
    ///
    /// # Errors
    /// Returns an error if the settings cannot be read.
    pub async fn organization(&self) -> Result<String, OwnAccountError> {
        Ok(self.staff.settings.current().await?.organization)
    }

    /// Returns whether browsers can store passkeys for `server.public_url`.
    pub fn passkeys_possible(&self) -> bool {
        Passkeys::new(&self.staff.platform.public_url, "").is_some()
    }

    fn context(&self) -> Context {
        staff_context(self.id(), self.source, self.resumed.session.id)
    }

    async fn perform(&self, command: Command) -> Result<Arc<LocalAccount>, OwnAccountError> {
        Ok(self.staff.platform.perform::<LocalAccount>(&self.id().stream(), &command, &self.context()).await?.state)
    }

    async fn passkeys(&self) -> Result<Passkeys, OwnAccountError> {
        let organization = self.organization().await?;
        Passkeys::new(&self.staff.platform.public_url, &organization).ok_or(OwnAccountError::NoPasskeysHere)
    }

    // Returns the method of the first proof, if the sign-in is not complete yet.
    fn entering(&self) -> Option<SignInMethodName> {
        (!self.resumed.session.entered).then_some(self.resumed.session.method)
    }

    fn sealed(&self, text: impl Into<String>) -> Personal<String> {
        Personal::new(self.id().key(), text.into())
    }

    fn address(&self) -> IpAddr {
        self.source.unwrap_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED))
    }

    async fn keep(&self, pending: &Pending) -> Result<(), OwnAccountError> {
        let text = serde_json::to_string(pending).map_err(|error| OwnAccountError::Broken(error.to_string()))?;
        Ok(self.staff.sign_in.staff_sessions.set_pending(self.staff.platform.world.now(), &self.key, text).await?)
    }

    async fn kept(&self) -> Result<Option<Pending>, OwnAccountError> {
        let text = self.staff.sign_in.staff_sessions.pending(self.staff.platform.world.now(), &self.key).await?;
        Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
    }

    async fn take_kept(&self) -> Result<Option<Pending>, OwnAccountError> {
        let text = self.staff.sign_in.staff_sessions.take_pending(self.staff.platform.world.now(), &self.key).await?;
        Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
    }

    /// Ends this session.
    ///
    /// # Errors
    /// Returns an error if `sessions.db` or the log cannot be written.
    pub async fn sign_out(&self) -> Result<(), OwnAccountError> {
        self.staff.sign_in.staff_sessions.end(&self.key).await?;
        self.perform(Command::SignOut).await?;
        Ok(())
    }

    /// Returns the URL that also signs the person out at their identity provider and then redirects to the path `back`.
    /// `None` if the account has no provider or the provider has no such URL.
    pub async fn sign_out_at_provider(&self, back: &str) -> Option<Url> {
        let external = self.resumed.account.external.as_ref()?;
        redirect::sign_out(&self.staff.sign_in, &external.provider, back).await
    }
}

/// Returns the stored form of a recovery code: an HMAC, so that a reader of the log cannot guess codes offline.
fn recovery_hash(secrets: &Secrets, id: StaffId, code: &str) -> SecretHash {
    SecretHash(secrets.name("recovery-code", &[&id.to_string(), code]))
}
