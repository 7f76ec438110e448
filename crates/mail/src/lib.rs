//! Sends mails through the SMTP server that `muster.toml` names, with TLS unless configured otherwise. This crate knows
//! nothing of events or enrollments.
//!
//! A mail has one recipient. What the server refuses at once is a result ([`NotSent`]); a bounce that comes later goes
//! to `mail.bounces_to`, which Muster does not read. SPF and DKIM are the task of the mail server.

pub(crate) mod address;
mod check;
mod conversation;
mod guarded;
mod live;
mod message;
mod outcome;
mod relay;
mod section;
#[cfg(test)]
mod tests;

pub use check::check;
pub use live::live_check;
pub use message::Message;
pub use outcome::{Accepted, NotSent, Refusal, Said, Step};
pub use relay::MailError;
pub use section::{Mail, Tls};

use conversation::Conversation;
use relay::Relay;
use std::sync::Arc;
use std::time::Duration;
use telemetry::Metrics;
use tokio::time::Instant;

/// Time limit of a whole conversation: connection, TLS, greeting, every reply.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

/// Sends mails. Clones share the configuration.
#[derive(Clone)]
pub struct Mailer {
    /// `None`: mail is not configured.
    relay: Option<Arc<Relay>>,
    limit: Duration,
    metrics: Metrics,
}

impl Mailer {
    /// Loads the files that the configuration names. Without a section `[mail]`, each mail is refused as
    /// [`NotSent::NotConfigured`]. `own_name` is the host name of this server, for EHLO.
    ///
    /// # Errors
    /// Returns an error that says which key or file cannot be used.
    pub fn load(mail: Option<&Mail>, own_name: &str, metrics: Metrics) -> Result<Mailer, MailError> {
        let relay = mail.map(|mail| Relay::load(mail, own_name)).transpose()?.map(Arc::new);
        Ok(Mailer { relay, limit: DEADLINE, metrics })
    }

    /// Returns a mailer with another time limit for a whole conversation than 30 seconds.
    pub fn with_limit(self, limit: Duration) -> Mailer {
        Mailer { limit, ..self }
    }

    pub fn is_configured(&self) -> bool {
        self.relay.is_some()
    }

    /// Sends one mail and waits for the server's answer, for 30 seconds at most. Counts the outcome in
    /// `muster_mails_total`. If the future is dropped, the server may have accepted the mail.
    ///
    /// # Errors
    /// Returns why the mail was not sent, or for a lost answer to the text of the mail that this is unknown
    /// ([`NotSent::may_have_been_accepted`]).
    pub async fn send(&self, message: Message) -> Result<Accepted, NotSent> {
        let relay = self.relay.as_deref().ok_or(NotSent::NotConfigured)?;
        let outcome = self.deliver(relay, &message).await;
        self.metrics.mail(outcome.as_ref().map_or_else(NotSent::kind, |_| "accepted"));
        outcome
    }

    async fn deliver(&self, relay: &Relay, message: &Message) -> Result<Accepted, NotSent> {
        let to = address::parse(&message.to).ok_or(NotSent::RecipientInvalid)?;
        let mail = message.written(&relay.from, to.clone()).ok_or(NotSent::RecipientInvalid)?;
        let mut conversation = Conversation::open(relay, Instant::now() + self.limit).await?;
        match conversation.send(&relay.bounces_to, &to, &mail).await {
            Ok(said) => {
                conversation.end().await;
                Ok(Accepted { id: message.id, said })
            }
            Err(error) => {
                conversation.end_after(&error).await;
                Err(error)
            }
        }
    }
}
