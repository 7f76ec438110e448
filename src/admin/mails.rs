//! Preview of the mails that Muster sends, filled in with sample values, in each language.

use super::pages::show;
use super::problem::Problem;
use super::query::{Parameters, Query, read};
use super::render::view;
use super::session::{ChangesSettings, May, PreviewsMails, is_permitted};
use crate::web::content::content;
use ::settings::LANGUAGES;
use ::settings::mails::{MailKind, MailValues, filled, text};
use actix_web::HttpResponse;
use events::settings::Settings;
use serde::{Deserialize, Serialize};

pub(crate) const PATH: &str = "/console/mails";

/// Language tag of a mail unless another one is chosen.
pub(crate) const USUAL: &str = "en";

/// Query parameters.
#[derive(Deserialize)]
pub(crate) struct Wish {
    language: Option<String>,
}

#[derive(Serialize)]
struct MailsPage {
    /// Tag of the chosen language.
    language: &'static str,
    languages: Vec<Tab>,
    /// The section `[mail]` of `muster.toml` is there.
    configured: bool,
    settings_href: Option<&'static str>,
    mails: Vec<Shown>,
}

view!(mails, Menu, MailsPage { language, languages, configured, settings_href, mails });

#[derive(Serialize)]
struct Tab {
    href: String,
    label: String,
    current: bool,
}

content!(Tab { href, label, current });

/// A mail as it would be sent.
#[derive(Serialize)]
struct Shown {
    name: &'static str,
    when: &'static str,
    /// Key of the texts in the settings, such as `invitations.mails.invitation.de`.
    key: String,
    /// The settings have a text for this language.
    own: bool,
    subject: String,
    body: String,
    /// Why the text cannot be filled in.
    wrong: Option<String>,
}

content!(Shown { name, when, key, own, subject, body, wrong });

/// Shows each mail in one language.
///
/// # Errors
/// Returns an error if the language is unknown, or the settings cannot be read.
pub(crate) async fn page(staff: May<PreviewsMails>, address: Parameters<Wish>) -> Result<HttpResponse, Problem> {
    let Parameters(wish, _) = address;
    let language = read("language", wish.language.as_deref(), |tag| {
        LANGUAGES.into_iter().find(|known| *known == tag).ok_or(Problem::Bad("There is no mail in this language."))
    })?;
    let language = language.unwrap_or(USUAL);
    let settings = staff.settings().await?;
    let page = MailsPage {
        language,
        languages: LANGUAGES.map(|tag| tab(tag, language)).into(),
        configured: staff.has_mail(),
        settings_href: is_permitted::<ChangesSettings>(&staff.roles).then_some("/console/settings/change"),
        mails: MailKind::ALL.map(|kind| shown(&settings, kind, language)).into(),
    };
    show("Mails", "again", &staff, &page)
}

fn tab(tag: &'static str, chosen: &str) -> Tab {
    Tab {
        href: Query::default().with("language", Some(tag)).href(PATH),
        label: language_name(tag).to_owned(),
        current: tag == chosen,
    }
}

/// Returns the name of a language in itself; the tag if it is unknown.
pub(crate) fn language_name(tag: &str) -> &str {
    match tag {
        "en" => "English",
        "de" => "Deutsch",
        "ja" => "日本語",
        other => other,
    }
}

fn shown(settings: &Settings, kind: MailKind, language: &str) -> Shown {
    let mails = &settings.invitations.mails;
    let (name, when, own) = match kind {
        MailKind::Invitation => ("Invitation", "Sent when an invitation is issued or sent again.", &mails.invitation),
        MailKind::Reminder => ("Reminder", "Sent to people who have not used their invitation.", &mails.reminder),
        MailKind::Retired => {
            ("Earlier record retired", "Sent to the owner of a record that was retired.", &mails.retired)
        }
    };
    let (mail, wrong) = match filled(&text(settings, kind, language), &MailValues::sample(settings, kind)) {
        Ok(mail) => (Some(mail), None),
        Err(error) => (None, Some(error.to_string())),
    };
    let (subject, body) = mail.map(|mail| (mail.subject, mail.body)).unwrap_or_default();
    let key = format!("invitations.mails.{}.{language}", kind.as_str());
    Shown { name, when, key, own: own.contains_key(language), subject, body, wrong }
}
