//! Lists one's own sessions and ends one of them or all others.

use super::{OwnAccount, OwnAccountError};
use decisions::staff::Command;
use sign_in::staff_sessions::Session;
use uuid::Uuid;

impl OwnAccount {
    /// Returns the sessions that have not ended, including this one.
    ///
    /// # Errors
    /// Returns an error if `sessions.db` cannot be read.
    pub async fn sessions(&self) -> Result<Vec<Session>, OwnAccountError> {
        Ok(self.staff.sign_in.staff_sessions.list(self.staff.platform.world.now(), Some(self.id())).await?)
    }

    /// Returns the id of this session.
    pub fn this_session(&self) -> Uuid {
        self.resumed.session.id
    }

    /// Ends one session of this account.
    ///
    /// # Errors
    /// Returns an error if `sessions.db` or the log cannot be written.
    pub async fn end_session(&self, session: Uuid) -> Result<(), OwnAccountError> {
        if self.staff.sign_in.staff_sessions.end_one(self.id(), session).await? {
            self.perform(Command::EndSession { session }).await?;
        }
        Ok(())
    }

    /// Ends all sessions of this account except this one.
    ///
    /// # Errors
    /// Returns an error if `sessions.db` or the log cannot be written.
    pub async fn end_other_sessions(&self) -> Result<(), OwnAccountError> {
        if self.staff.sign_in.staff_sessions.end_all(self.id(), Some(self.this_session())).await? > 0 {
            self.perform(Command::EndSessions).await?;
        }
        Ok(())
    }
}
