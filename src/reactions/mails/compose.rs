//! The text of a mail, from the present settings: a mail that is sent later because its text was wrong has the
//! corrected text.

use super::failed;
use crate::app::App;
use crate::reactions::ReactionError;
use decisions::invitation::Invitation;
use decisions::record::Record;
use events::invitation::MailFailure;
use events::record::RecordId;
use mail::Message;
use projections::mails::MailDue;
use settings::mails::{MailKind, MailValues, filled, text};
use uuid::Uuid;

pub(super) enum Composed {
    Mail(Message),
    /// It can never be sent.
    Impossible(MailFailure),
    /// Nobody can be invited for the record: it has another owner, is done, or its migration is closed.
    Needless,
}

pub(super) async fn compose(app: &App, due: MailDue, state: &Invitation) -> Result<Composed, ReactionError> {
    let Some(issued) = state.issued.as_ref().filter(|issued| issued.recipient.details.gone().is_none()) else {
        return Ok(Composed::Impossible(MailFailure::AddressInvalid));
    };
    let present = app.invitations.present(due.invitation, issued).await.map_err(failed)?;
    let Ok(recipient) = present else { return Ok(Composed::Needless) };
    let Some(to) = recipient.mail.clone() else { return Ok(Composed::Impossible(MailFailure::AddressInvalid)) };
    let settings = app.settings.current().await?;
    let values = MailValues {
        organization: settings.organization.clone(),
        name: recipient.full_name.clone(),
        device: match issued.record {
            Some(record) => device_words(app, record).await?,
            None => None,
        },
        link: app.invitations.link(due.invitation, state.generation),
        code: app.invitations.code(due.invitation, state.generation).await.map_err(failed)?,
        until: state.expires.to_rfc3339().chars().take("2026-12-24".len()).collect(),
        help: settings.help.clone(),
    };
    let kind = if state.reminders == 0 { MailKind::Invitation } else { MailKind::Reminder };
    // The settings are checked before they are applied, so this fails only for settings of another program version.
    let mail = filled(&text(&settings, kind, &issued.language), &values).map_err(failed)?;
    Ok(Composed::Mail(Message {
        to,
        to_name: recipient.full_name.clone(),
        subject: mail.subject,
        body: mail.body,
        language: issued.language.clone(),
        id: Uuid::new_v5(&due.invitation.0, &state.generation.to_be_bytes()),
        date: due.at,
    }))
}

/// Returns the model of an earlier record, as its owner knows it; `None` if it is unknown.
pub(super) async fn device_words(app: &App, record: RecordId) -> Result<Option<String>, ReactionError> {
    if !record.is_imported() {
        let device = app.platform.device(record.device()).await?;
        return Ok(device.product_name.as_deref().and_then(apple::models::name).map(str::to_owned));
    }
    let (known, _) = app.platform.load::<Record>(&record.stream()).await?;
    let details = known.details.as_ref();
    let by_identifier = details.and_then(|details| apple::models::name(details.product_name.as_deref()?));
    let named = details.and_then(|details| details.model_name.clone());
    Ok(named.or_else(|| by_identifier.map(str::to_owned)))
}
