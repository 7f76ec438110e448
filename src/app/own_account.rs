//! What somebody at the console does with their own account: second factors, password, sessions. It has no way to
//! anybody else's.

use crate::app::context::Context;
use crate::app::sign_in::single_sign_on;
use crate::app::staff_sessions::SessionError;
use crate::app::staff_sign_in::{Resumed, staff_context};
use crate::app::{App, PerformError};
use crate::enrollment::staff::{Command, LocalAccount, Refusal};
use std::net::IpAddr;
use url::Url;

/// Somebody's own account, in one of their sessions.
pub struct OwnAccount {
    app: App,
    key: String,
    resumed: Resumed,
    source: Option<IpAddr>,
}

#[derive(Debug, thiserror::Error)]
pub enum OwnAccountError {
    #[error(transparent)]
    Perform(#[from] PerformError<Refusal>),
    #[error(transparent)]
    Session(#[from] SessionError),
}

impl OwnAccount {
    pub fn new(app: App, key: String, resumed: Resumed, source: Option<IpAddr>) -> OwnAccount {
        OwnAccount { app, key, resumed, source }
    }

    fn context(&self) -> Context {
        staff_context(self.resumed.session.staff, self.source, self.resumed.session.id)
    }

    async fn perform(&self, command: Command) -> Result<LocalAccount, PerformError<Refusal>> {
        let stream = self.resumed.session.staff.stream();
        Ok(self.app.perform::<LocalAccount>(&stream, &command, &self.context()).await?.state)
    }

    /// Ends this session.
    ///
    /// # Errors
    /// If sessions or log cannot be used.
    pub async fn sign_out(&self) -> Result<(), OwnAccountError> {
        self.app.staff_sessions.end(&self.key).await?;
        self.perform(Command::SignOut).await?;
        Ok(())
    }

    /// Where to sign out at the identity provider that vouches for them as well, and come back to `back`; `None` if there
    /// is none, or it offers that nowhere.
    pub async fn sign_out_at_provider(&self, back: &str) -> Option<Url> {
        let external = self.resumed.account.external.as_ref()?;
        single_sign_on::sign_out(&self.app, &external.provider, back).await
    }
}
