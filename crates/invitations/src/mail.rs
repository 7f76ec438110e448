//! What became of the mail of an invitation.

use crate::Invitations;
use crate::error::ChangeError;
use decisions::invitation::Command;
use events::invitation::{InvitationId, MailFailure};
use platform::context::Context;

impl Invitations {
    /// Notes that the mail server accepted the mail with the link of this generation.
    ///
    /// # Errors
    /// Returns an error if the log cannot be read or written.
    pub async fn note_sent(
        &self,
        invitation: InvitationId,
        generation: u32,
        context: &Context,
    ) -> Result<(), ChangeError> {
        self.change(invitation, &Command::NoteSent { generation }, context).await.map(drop)
    }

    /// Notes that the mail was not sent. `code`: reply code of the mail server. `is_final`: it is not tried again.
    /// Returns whether this was the last attempt.
    ///
    /// # Errors
    /// Returns an error if the log cannot be read or written.
    pub async fn note_not_sent(
        &self,
        invitation: InvitationId,
        generation: u32,
        (why, code, is_final): (MailFailure, Option<u16>, bool),
        context: &Context,
    ) -> Result<bool, ChangeError> {
        let command = Command::NoteNotSent { generation, why, code, is_final };
        Ok(self.change(invitation, &command, context).await?.is_mail_settled)
    }
}
