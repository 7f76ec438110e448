//! Texts of mails: those of the settings, or the built-in ones. A text is a Handlebars template with the values of
//! [`MailValues`].

use super::{Findings, LANGUAGES, general::languages};
use events::settings::{MailText, Mails, Settings};
use handlebars::{Handlebars, RenderError};
use names::visible::wrong_in_line;
use serde::Serialize;
use std::collections::BTreeMap;

/// Maximum length of a subject in characters. A longer one is cut by mail programs.
const LONGEST_SUBJECT: usize = 200;
/// Maximum length of a body in characters.
const LONGEST_BODY: usize = 10_000;

/// The mails that Muster sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailKind {
    Invitation,
    Reminder,
    /// The earlier record of a device was retired.
    Retired,
}

impl MailKind {
    pub const ALL: [MailKind; 3] = [MailKind::Invitation, MailKind::Reminder, MailKind::Retired];

    /// Returns the key of the texts in the settings.
    pub fn as_str(self) -> &'static str {
        match self {
            MailKind::Invitation => "invitation",
            MailKind::Reminder => "reminder",
            MailKind::Retired => "retired",
        }
    }

    fn texts(self, mails: &Mails) -> &BTreeMap<String, MailText> {
        match self {
            MailKind::Invitation => &mails.invitation,
            MailKind::Reminder => &mails.reminder,
            MailKind::Retired => &mails.retired,
        }
    }

    fn has_link(self) -> bool {
        self != MailKind::Retired
    }
}

/// The values that a text can have in braces, such as `{{link}}`. `None` and empty ones count as false in `{{#if …}}`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct MailValues {
    pub organization: String,
    /// Full name of the recipient.
    pub name: Option<String>,
    /// The earlier record in words, such as `iPhone 13`.
    pub device: Option<String>,
    /// Empty in a mail about a retired record, like `code` and `until`.
    pub link: String,
    pub code: String,
    /// The day after which the link is no longer valid, such as `2026-12-24`.
    pub until: String,
    /// The sentence of the settings that says where people find help.
    pub help: Option<String>,
}

impl MailValues {
    /// Returns values for a preview.
    pub fn sample(settings: &Settings, kind: MailKind) -> MailValues {
        let of_invitation = |text: &str| if kind.has_link() { text.to_owned() } else { String::new() };
        MailValues {
            organization: settings.organization.clone(),
            name: Some("Anna Example".into()),
            device: Some("iPhone 13".into()),
            link: of_invitation("https://enroll.example.com/invitation/…"),
            code: of_invitation("7KQ-3M2"),
            until: of_invitation("2026-12-24"),
            help: settings.help.clone(),
        }
    }
}

/// Returns the text of a mail: that of the settings in this language, or the built-in one; of an unknown language, the
/// English one.
pub fn text(settings: &Settings, kind: MailKind, language: &str) -> MailText {
    let own = kind.texts(&settings.invitations.mails);
    own.get(language).cloned().unwrap_or_else(|| built_in(kind, language))
}

/// Fills in the values.
///
/// # Errors
/// Returns an error that names the line if the text is no template, or names a value that does not exist.
pub fn filled(text: &MailText, values: &MailValues) -> Result<MailText, RenderError> {
    // An imported name may have line breaks, which would look like lines of the mail.
    let line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let (name, device) = (values.name.as_deref().map(line), values.device.as_deref().map(line));
    let values = MailValues { name, device, ..values.clone() };
    let mut engine = Handlebars::new();
    engine.set_strict_mode(true);
    // Plain text needs no escapes.
    engine.register_escape_fn(handlebars::no_escape);
    let subject = engine.render_template(&text.subject, &values)?;
    let body = engine.render_template(&text.body, &values)?;
    // A value may have a line break: a header must not.
    Ok(MailText { subject: line(&subject), body })
}

pub(super) fn check(settings: &Settings, findings: &mut Findings) {
    let mails = &settings.invitations.mails;
    for kind in MailKind::ALL {
        let key = format!("invitations.mails.{}", kind.as_str());
        languages(&key, kind.texts(mails).keys(), findings);
        for (tag, text) in kind.texts(mails) {
            check_text(&format!("{key}.{tag}"), kind, text, settings, findings);
        }
    }
}

fn check_text(key: &str, kind: MailKind, text: &MailText, settings: &Settings, findings: &mut Findings) {
    if text.subject.trim().is_empty() || text.body.trim().is_empty() {
        findings.wrong(format!("{key} needs a subject and a body"));
    }
    if text.subject.chars().count() > LONGEST_SUBJECT || text.body.chars().count() > LONGEST_BODY {
        findings.wrong(format!(
            "{key} is too long: a subject has at most {LONGEST_SUBJECT} characters, a body {LONGEST_BODY}"
        ));
    }
    if let Some(wrong) = wrong_in_line(&text.subject).filter(|_| !text.subject.trim().is_empty()) {
        findings.wrong(format!("{key}.subject {wrong}"));
    }
    // Also those that a mail about a retired record does not have.
    let values = MailValues::sample(settings, MailKind::Invitation);
    let has = |mail: &MailText, value: &String| mail.subject.contains(value) || mail.body.contains(value);
    match filled(text, &values) {
        Err(error) => findings.wrong(format!("{key} cannot be filled in: {error}")),
        Ok(mail) if kind.has_link() && !mail.body.contains(&values.link) => {
            findings.wrong(format!("{key}.body does not contain {{{{link}}}}: the recipient could not enroll"));
        }
        Ok(mail)
            if !kind.has_link()
                && [&values.link, &values.code, &values.until].iter().any(|value| has(&mail, value)) =>
        {
            findings.wrong(format!(
                "{key} has {{{{link}}}}, {{{{code}}}} or {{{{until}}}}, which are empty in this mail: remove them"
            ));
        }
        Ok(_) => {}
    }
}

fn built_in(kind: MailKind, language: &str) -> MailText {
    let file = match (kind, LANGUAGES.into_iter().find(|known| *known == language).unwrap_or("en")) {
        (MailKind::Invitation, "de") => include_str!("../../../templates/mail/invitation.de.txt"),
        (MailKind::Invitation, "ja") => include_str!("../../../templates/mail/invitation.ja.txt"),
        (MailKind::Invitation, _) => include_str!("../../../templates/mail/invitation.en.txt"),
        (MailKind::Reminder, "de") => include_str!("../../../templates/mail/reminder.de.txt"),
        (MailKind::Reminder, "ja") => include_str!("../../../templates/mail/reminder.ja.txt"),
        (MailKind::Reminder, _) => include_str!("../../../templates/mail/reminder.en.txt"),
        (MailKind::Retired, "de") => include_str!("../../../templates/mail/retired.de.txt"),
        (MailKind::Retired, "ja") => include_str!("../../../templates/mail/retired.ja.txt"),
        (MailKind::Retired, _) => include_str!("../../../templates/mail/retired.en.txt"),
    };
    let (subject, body) = file.split_once("\n\n").unwrap_or((file, ""));
    MailText { subject: subject.to_owned(), body: body.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(kind: MailKind, tag: &str, subject: &str, body: &str) -> Vec<String> {
        let mut settings = Settings::default();
        let text = MailText { subject: subject.into(), body: body.into() };
        let mails = &mut settings.invitations.mails;
        let texts = match kind {
            MailKind::Invitation => &mut mails.invitation,
            MailKind::Reminder => &mut mails.reminder,
            MailKind::Retired => &mut mails.retired,
        };
        texts.insert(tag.into(), text);
        let mut findings = Findings::default();
        check(&settings, &mut findings);
        findings.wrong
    }

    #[test]
    fn every_built_in_text_is_filled_in_with_and_without_the_values_that_may_be_missing() {
        let settings = Settings::default();
        for (kind, language) in MailKind::ALL.into_iter().flat_map(|kind| LANGUAGES.map(|language| (kind, language))) {
            let text = text(&settings, kind, language);
            let full = filled(&text, &MailValues::sample(&settings, kind)).unwrap();
            assert!(full.subject.contains("Your organization") && full.body.contains("Anna Example"), "{full:?}");
            assert_eq!(full.body.contains("7KQ-3M2"), kind.has_link(), "{full:?}");
            let bare = MailValues { name: None, device: None, help: None, ..MailValues::sample(&settings, kind) };
            let bare = filled(&text, &bare).unwrap();
            assert!(!bare.body.contains("{{") && !bare.body.contains("Anna") && !bare.body.contains("iPhone 13"));
        }
    }

    #[test]
    fn a_text_of_the_settings_stands_over_the_built_in_one_in_its_language_alone() {
        let mut settings = Settings::default();
        let own = MailText { subject: "S".into(), body: "{{link}}".into() };
        settings.invitations.mails.invitation.insert("de".into(), own.clone());
        assert_eq!(text(&settings, MailKind::Invitation, "de"), own);
        assert_eq!(text(&settings, MailKind::Invitation, "fr"), built_in(MailKind::Invitation, "en"));
        assert_ne!(text(&settings, MailKind::Reminder, "de"), own);
    }

    #[test]
    fn a_line_break_in_a_value_does_not_begin_another_header() {
        let text = MailText { subject: "For {{name}}".into(), body: "B".into() };
        let values = MailValues { name: Some("Anna\r\nBcc: x@example.com".into()), ..MailValues::default() };
        assert_eq!(filled(&text, &values).unwrap().subject, "For Anna Bcc: x@example.com");
        let text = MailText { subject: "S".into(), body: "Hello {{name}},".into() };
        assert_eq!(filled(&text, &values).unwrap().body, "Hello Anna Bcc: x@example.com,", "nor another line");
    }

    #[test]
    fn a_text_that_cannot_be_filled_in_or_has_no_link_is_refused() {
        assert_eq!(found(MailKind::Invitation, "en", "S", "{{link}}"), Vec::<String>::new());
        assert_eq!(found(MailKind::Retired, "en", "S", "B"), Vec::<String>::new());
        let wrong = [
            (MailKind::Invitation, "en", "S", "no link"),
            (MailKind::Reminder, "en", "S", "{{link}} {{nmae}}"),
            (MailKind::Reminder, "en", "S", "{{link}} {{#if name}}"),
            (MailKind::Invitation, "en", "", "{{link}}"),
            (MailKind::Invitation, "en", "a\u{202e}b", "{{link}}"),
            (MailKind::Invitation, "fr", "S", "{{link}}"),
            (MailKind::Retired, "en", "S", "{{link}}"),
            (MailKind::Retired, "en", "Until {{until}}", "{{code}}"),
        ];
        for (kind, tag, subject, body) in wrong {
            assert_eq!(found(kind, tag, subject, body).len(), 1, "{tag} {subject:?} {body:?}");
        }
        let long = "a".repeat(LONGEST_BODY);
        assert_eq!(found(MailKind::Invitation, "en", "S", &format!("{{{{link}}}}{long}")).len(), 1);
    }
}
