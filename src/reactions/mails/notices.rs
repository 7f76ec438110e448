//! Tells the owner of a record by mail that the record was retired. Nobody waits for it, so one mail is sent at a time,
//! and one that cannot be sent for two days is given up.

use super::compose::device_words;
use super::{LOOK, failed, failure};
use crate::app::App;
use crate::reactions::written::Written;
use crate::reactions::{ReactionError, settled};
use decisions::person::Person;
use decisions::record::{Command, Record};
use events::invitation::{MailFailure, RecipientDetails};
use events::personal::{Personal, is_placeholder};
use events::{Actor, ActorKind, Timestamp};
use mail::Message;
use platform::aside::Aside;
use platform::context::Context;
use projections::mails::{NoticeDue, notices_due};
use settings::mails::{MailKind, MailValues, filled, text};
use uuid::Uuid;

/// Seconds after the confirmation until a mail that could not be sent is given up.
const GIVEN_UP_AFTER: i64 = 2 * 86_400;

/// State between two looks.
#[derive(Default)]
struct Notices {
    written: Written,
    aside: Aside<Uuid>,
}

/// Sends until it is dropped. A notice that is under way then may be sent again.
pub(in crate::reactions) async fn run(app: &App) {
    let (mut notices, mut look) = (Notices::default(), tokio::time::interval(LOOK));
    loop {
        look.tick().await;
        if let Err(error) = notices.look(app).await {
            tracing::error!(%error, "owners cannot be told that records were retired; it will be retried");
        }
    }
}

impl Notices {
    /// Sends the next notice that is due, and records its outcome.
    ///
    /// # Errors
    /// Returns an error if the log or the projections cannot be used.
    async fn look(&mut self, app: &App) -> Result<(), ReactionError> {
        if !self.written.is_folded(app).await? {
            return Ok(());
        }
        let now = app.platform.world.now();
        self.aside.look(now);
        let due = notices_due(&app.platform.projections, self.aside.besides(1)).await?;
        let Some(due) = due.into_iter().find(|due| !self.aside.holds(&due.record.0)) else { return Ok(()) };
        match tell(app, due, now).await? {
            Told::Settled(outcome) => {
                let context =
                    Context::effect(Actor::new(ActorKind::System, "mails"), due.cause, due.record.0, "tell-retirement");
                let note = Command::NoteNotified { successor: due.successor, failed: outcome };
                settled(app.platform.perform::<Record>(&due.record.stream(), &note, &context).await)?;
                self.written.note_head(app).await?;
            }
            Told::Later => self.aside.put(due.record.0),
        }
        Ok(())
    }
}

enum Told {
    /// `None`: the mail server accepted the mail.
    Settled(Option<MailFailure>),
    Later,
}

async fn tell(app: &App, due: NoticeDue, now: Timestamp) -> Result<Told, ReactionError> {
    let Some(owner) = owner(app, due).await? else { return Ok(Told::Settled(Some(MailFailure::AddressInvalid))) };
    let Some(to) = owner.details.mail else { return Ok(Told::Settled(Some(MailFailure::AddressInvalid))) };
    if !app.mailer.is_configured() {
        return Ok(Told::Settled(Some(MailFailure::NotConfigured)));
    }
    let settings = app.settings.current().await?;
    let values = MailValues {
        organization: settings.organization.clone(),
        name: owner.details.full_name.clone(),
        device: device_words(app, due.record).await?,
        help: settings.help.clone(),
        ..MailValues::default()
    };
    let mail = filled(&text(&settings, MailKind::Retired, &owner.language), &values).map_err(failed)?;
    let message = Message {
        to,
        to_name: owner.details.full_name,
        subject: mail.subject,
        body: mail.body,
        language: owner.language,
        id: Uuid::new_v5(&due.cause.0, b"retired"),
        date: due.at,
    };
    match app.mailer.send(message).await {
        Ok(_) => Ok(Told::Settled(None)),
        Err(error) if error.is_permanent() || now.seconds_since(due.at) > GIVEN_UP_AFTER => {
            Ok(Told::Settled(Some(failure(&error))))
        }
        Err(error) => {
            tracing::warn!(record.id = %due.record, %error, "an owner was not told that a record was retired; it will be retried");
            Ok(Told::Later)
        }
    }
}

struct Owner {
    details: RecipientDetails,
    /// The language of the person at the portal.
    language: String,
}

// The owner enrolled the device that took the record's place. Their present address counts, then the record's.
async fn owner(app: &App, due: NoticeDue) -> Result<Option<Owner>, ReactionError> {
    let enrollment = app.platform.enrollment(due.successor.enrollment()).await?;
    let Some(person) = enrollment.owner().map(|owner| owner.person) else { return Ok(None) };
    let (known, _) = app.platform.load::<Person>(&person.stream()).await?;
    if known.erased {
        return Ok(None);
    }
    let shown = |value: &Option<Personal<String>>| {
        value.as_ref().and_then(Personal::get).filter(|text| !is_placeholder(text)).cloned()
    };
    let (record, _) = app.platform.load::<Record>(&due.record.stream()).await?;
    let personal = record.details.as_ref().and_then(|details| details.personal.get());
    let details = RecipientDetails {
        full_name: shown(&known.attributes.display_name),
        mail: shown(&known.attributes.mail).or_else(|| personal?.mail.clone()),
    };
    Ok(Some(Owner { details, language: enrollment.language().cloned().unwrap_or_else(|| "en".to_owned()) }))
}
