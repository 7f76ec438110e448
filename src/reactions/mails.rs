//! Sends the mails of invitations that are due, a few at a time, and begins reminders.
//!
//! The outcome of a mail is an event. If the process stops between the mail server's answer and this event, the mail is
//! sent again with the same `Message-ID`. A fault of the mail server, not of one mail, stops all mails for a while, so
//! that an outage neither fills the log nor uses up the attempts of each mail.

mod compose;
mod notices;
mod reminders;

pub(super) use notices::run as tell_owners;

use super::ReactionError;
use super::written::Written;
use crate::app::App;
use compose::{Composed, compose};
use decisions::invitation::Standing;
use events::invitation::{InvitationId, MailFailure};
use events::{Actor, ActorKind, Timestamp};
use invitations::ChangeError;
use mail::{Accepted, Message, NotSent};
use platform::context::Context;
use projections::mails::{self, MailDue};
use reminders::Reminders;
use std::collections::HashSet;
use std::time::Duration;
use telemetry::Alarm;
use tokio::task::JoinSet;

/// Maximum number of concurrent mails.
const AT_ONCE: usize = 4;
/// Interval of the look at what is due.
const LOOK: Duration = Duration::from_secs(1);
/// Seconds until one mail is tried after a fault of the mail server: the first time and the longest one.
const PAUSE: i64 = 60;
const LONGEST_PAUSE: i64 = 3_600;

/// Time for the mails that are under way when the server stops. A mail server that answers later gets its mail again.
const ENDING: Duration = Duration::from_secs(5);

/// A mail whose conversation has ended.
#[derive(Clone)]
struct Ended {
    due: MailDue,
    outcome: Result<Accepted, NotSent>,
}

/// Sends mails. What is under way outlives the task that runs it, until [`Sender::end`].
#[derive(Default)]
pub(super) struct Sender {
    under_way: JoinSet<Option<Ended>>,
    /// An outcome that is being recorded.
    unrecorded: Option<Ended>,
    invitations: HashSet<InvitationId>,
    /// Until this time nothing is sent, because the mail server cannot be used.
    paused_until: Option<Timestamp>,
    pause: i64,
    /// The last outcome.
    written: Written,
}

impl Sender {
    /// Sends what is due, until it is dropped.
    pub(super) async fn run(&mut self, app: &App) {
        let (mut reminders, mut look) = (Reminders::default(), tokio::time::interval(LOOK));
        loop {
            tokio::select! {
                _ = look.tick() => {
                    let looked = self.look(app).await.and(reminders.look(app).await);
                    if let Err(error) = looked {
                        tracing::error!(%error, "due mails cannot be sent and will be retried");
                    }
                }
                Some(ended) = self.under_way.join_next() => self.settle(app, ended.ok().flatten()).await,
            }
        }
    }

    /// Waits for the answers about the mails that are under way.
    pub(super) async fn end(mut self, app: &App) {
        let rest = async {
            // The task may have ended while this outcome was recorded.
            let interrupted = self.unrecorded.take();
            self.settle(app, interrupted).await;
            while let Some(ended) = self.under_way.join_next().await {
                self.settle(app, ended.ok().flatten()).await;
            }
        };
        if tokio::time::timeout(ENDING, rest).await.is_err() {
            tracing::warn!("the server stops while mails are under way; they may be sent again");
        }
    }

    async fn look(&mut self, app: &App) -> Result<(), ReactionError> {
        let now = app.platform.world.now();
        if self.paused_until.is_some_and(|until| now < until) || !self.written.is_folded(app).await? {
            return Ok(());
        }
        // After a fault, one mail shows whether the server can be used again.
        let most = if self.paused_until.is_some() { 1 } else { AT_ONCE };
        let room = most.saturating_sub(self.under_way.len()).min(self.room(app, now).await?);
        if room == 0 {
            return Ok(());
        }
        let due = mails::due(&app.platform.projections, now, room + self.under_way.len()).await?;
        for due in
            due.into_iter().filter(|due| !self.invitations.contains(&due.invitation)).take(room).collect::<Vec<_>>()
        {
            if let Some(message) = self.begin(app, due).await? {
                self.invitations.insert(due.invitation);
                let mailer = app.mailer.clone();
                self.under_way.spawn(async move { Some(Ended { due, outcome: mailer.send(message).await }) });
            }
        }
        Ok(())
    }

    // How many more mails the settings permit in this hour.
    async fn room(&self, app: &App, now: Timestamp) -> Result<usize, ReactionError> {
        let most = app.settings.current().await?.invitations.most_mails_per_hour;
        let sent = mails::sent_since(&app.platform.projections, now.plus_seconds(-3_600)).await?;
        let left = u64::from(most).saturating_sub(sent + self.under_way.len() as u64);
        Ok(usize::try_from(left).unwrap_or(usize::MAX))
    }

    // Returns the mail if it still has to be sent. The stream decides, since the projection may lag.
    async fn begin(&mut self, app: &App, due: MailDue) -> Result<Option<Message>, ReactionError> {
        let state = app.invitations.state(due.invitation).await.map_err(failed)?;
        let is_open = state.standing(app.platform.world.now()) == Standing::Open;
        if !is_open || state.is_mail_settled || (state.generation, state.failures) != (due.generation, due.failures) {
            return Ok(None);
        }
        match compose(app, due, &state).await? {
            Composed::Mail(message) => Ok(Some(message)),
            Composed::Needless => {
                let revoked = app.invitations.revoke(due.invitation, &context(due)).await;
                revoked.map_err(not_noted)?;
                self.written.note_head(app).await?;
                Ok(None)
            }
            Composed::Impossible(why) => {
                self.note_failure(app, due, (why, None, true)).await?;
                Ok(None)
            }
        }
    }

    async fn settle(&mut self, app: &App, ended: Option<Ended>) {
        let Some(ended) = ended else {
            // The task panicked: its invitation is unknown, so all that were under way are looked at again.
            if self.under_way.is_empty() {
                self.invitations.clear();
            }
            return;
        };
        let Ended { due, outcome } = self.unrecorded.insert(ended).clone();
        if let Err(error) = self.note(app, due, &outcome).await {
            tracing::error!(invitation.id = %due.invitation, %error, "the outcome of a mail cannot be recorded; the mail may be sent again");
        }
        self.unrecorded = None;
        self.invitations.remove(&due.invitation);
    }

    async fn note(
        &mut self,
        app: &App,
        due: MailDue,
        outcome: &Result<Accepted, NotSent>,
    ) -> Result<(), ReactionError> {
        match outcome {
            Ok(_) => {
                (self.paused_until, self.pause) = (None, 0);
                let context = context(due);
                let sent = app.invitations.note_sent(due.invitation, due.generation, &context).await;
                sent.map_err(not_noted)?;
                self.written.note_head(app).await
            }
            Err(error) => {
                tracing::warn!(invitation.id = %due.invitation, %error, "a mail was not sent");
                let is_of_server = is_of_server(error);
                if is_of_server {
                    self.pause(app.platform.world.now());
                }
                let code = error.refusal().map(|refusal| refusal.code);
                let what = (failure(error), code, error.is_permanent());
                let is_final = self.note_failure(app, due, what).await?;
                // A server that asks to try later (greylisting) is no reason for an alarm.
                if is_of_server || is_final {
                    app.platform.metrics.alarm(Alarm::MailNotSent);
                }
                Ok(())
            }
        }
    }

    // Returns whether the mail is not tried again.
    async fn note_failure(
        &mut self,
        app: &App,
        due: MailDue,
        what: (MailFailure, Option<u16>, bool),
    ) -> Result<bool, ReactionError> {
        let noted = app.invitations.note_not_sent(due.invitation, due.generation, what, &context(due)).await;
        let is_final = noted.map_err(not_noted)?;
        self.written.note_head(app).await?;
        Ok(is_final)
    }

    // Mails that were under way at the same time are one fault.
    fn pause(&mut self, now: Timestamp) {
        if self.paused_until.is_some_and(|until| now < until) {
            return;
        }
        self.pause = (self.pause * 2).clamp(PAUSE, LONGEST_PAUSE);
        self.paused_until = Some(now.plus_seconds(self.pause));
    }
}

fn context(due: MailDue) -> Context {
    Context::effect(Actor::new(ActorKind::System, "mails"), due.cause, due.invitation.0, "send-mail")
}

/// Returns whether the fault concerns every mail, so that the next one would fail too.
fn is_of_server(error: &NotSent) -> bool {
    match error {
        NotSent::Refused(_) | NotSent::RefusedForNow(_) => error.refusal().is_some_and(|refusal| {
            matches!(refusal.at, mail::Step::Connect | mail::Step::Greeting | mail::Step::StartTls)
        }),
        NotSent::RecipientInvalid | NotSent::RecipientNeedsUtf8 => false,
        NotSent::NotConfigured | NotSent::CredentialsRefused(_) | NotSent::AuthenticationNotOffered => true,
        NotSent::TlsNotOffered | NotSent::TlsFailed { .. } | NotSent::Unreachable { .. } => true,
        NotSent::Interrupted { .. } | NotSent::Deadline { .. } | NotSent::NotUnderstood { .. } => true,
    }
}

fn failure(error: &NotSent) -> MailFailure {
    match error {
        NotSent::NotConfigured => MailFailure::NotConfigured,
        NotSent::Refused(_) => MailFailure::Refused,
        NotSent::RefusedForNow(_) => MailFailure::RefusedForNow,
        NotSent::CredentialsRefused(_) | NotSent::AuthenticationNotOffered => MailFailure::CredentialsRefused,
        NotSent::TlsNotOffered | NotSent::TlsFailed { .. } => MailFailure::NotSecure,
        NotSent::Unreachable { .. } | NotSent::Interrupted { .. } => MailFailure::Unreachable,
        NotSent::Deadline { .. } | NotSent::NotUnderstood { .. } => MailFailure::Unreachable,
        NotSent::RecipientInvalid | NotSent::RecipientNeedsUtf8 => MailFailure::AddressInvalid,
    }
}

fn failed(error: impl std::fmt::Display) -> ReactionError {
    ReactionError::Perform(error.to_string())
}

// A refusal settles it: the invitation was revoked meanwhile.
fn not_noted(error: ChangeError) -> ReactionError {
    failed(error)
}
