//! One's own sessions: listed, ended one by one, or all others at once.

use super::{OwnAccount, OwnAccountError};
use decisions::staff::Command;
use sign_in::staff_sessions::Session;
use uuid::Uuid;

impl OwnAccount {
    /// The sessions that have not ended, this one among them.
    ///
    /// # Errors
    /// If sessions cannot be read.
    pub async fn sessions(&self) -> Result<Vec<Session>, OwnAccountError> {
        Ok(self.staff.sign_in.staff_sessions.list(self.staff.platform.world.now(), Some(self.id())).await?)
    }

    /// Which of them this is.
    pub fn this_session(&self) -> Uuid {
        self.resumed.session.id
    }

    /// Ends one of them.
    ///
    /// # Errors
    /// If sessions or log cannot be used.
    pub async fn end_session(&self, session: Uuid) -> Result<(), OwnAccountError> {
        if self.staff.sign_in.staff_sessions.end_one(self.id(), session).await? {
            self.perform(Command::EndSession { session }).await?;
        }
        Ok(())
    }

    /// Ends all but this one.
    ///
    /// # Errors
    /// If sessions or log cannot be used.
    pub async fn end_other_sessions(&self) -> Result<(), OwnAccountError> {
        if self.staff.sign_in.staff_sessions.end_all(self.id(), Some(self.this_session())).await? > 0 {
            self.perform(Command::EndSessions).await?;
        }
        Ok(())
    }
}
