//! A mail, and its text as SMTP carries it.

use crate::address::{mailbox, one_line};
use lettre::Address;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, SinglePart};
use std::fmt;
use std::time::{Duration, SystemTime};
use uuid::Uuid;
use world::Timestamp;

/// The end of the year 9999, in seconds since 1970: the newest date that the header can have.
const NEWEST: u64 = 253_402_300_799;

/// A mail to one recipient. `Debug` shows no personal data.
#[derive(Clone)]
pub struct Message {
    /// Address of the recipient.
    pub to: String,
    /// Name of the recipient, shown before the address.
    pub to_name: Option<String>,
    /// The subject. Line ends and other control characters become spaces.
    pub subject: String,
    /// The text. Each line end becomes CRLF.
    pub body: String,
    /// The language of the text as in BCP 47, such as `en`.
    pub language: String,
    /// The id of the mail, from which its `Message-ID` is made. A mail that is sent again after a crash has the same
    /// id, so that mail programs can show it once.
    pub id: Uuid,
    /// The header `Date`: when the mail was written. The same for a mail that is sent again.
    pub date: Timestamp,
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message").field("id", &self.id).field("language", &self.language).finish_non_exhaustive()
    }
}

impl Message {
    /// Returns the headers and the text, with CRLF at each line end. `None` if the mail cannot be written.
    pub(crate) fn written(&self, from: &Mailbox, to: Address) -> Option<Vec<u8>> {
        let part = SinglePart::builder().header(ContentType::TEXT_PLAIN).body(plain(&self.body));
        let id = format!("<{}@{}>", self.id, from.email.domain());
        let header = |name, value| HeaderValue::new(HeaderName::new_from_ascii_str(name), value);
        let mail = lettre::Message::builder()
            .from(from.clone())
            .to(mailbox(self.to_name.as_deref(), to))
            .subject(one_line(&self.subject))
            .date(system_time(self.date))
            .message_id(Some(id))
            // RFC 3834 section 5: nobody's out-of-office replies to it.
            .raw_header(header("Auto-Submitted", "auto-generated".into()))
            .raw_header(header("Content-Language", one_line(&self.language)))
            .singlepart(part)
            .ok()?;
        Some(mail.formatted())
    }
}

/// Removes control characters other than line ends and tabs. Each line end becomes LF, which the encoder turns into
/// CRLF.
fn plain(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect()
}

fn system_time(at: Timestamp) -> SystemTime {
    let seconds = u64::try_from(at.0 / 1_000_000).unwrap_or(0).min(NEWEST);
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::{parse, parse_mailbox};

    fn message() -> Message {
        Message {
            to: "ada@school.example".into(),
            to_name: None,
            subject: "Your device".into(),
            body: "Hello Ada\n".into(),
            language: "en".into(),
            id: Uuid::from_u128(7),
            date: Timestamp(1_800_000_000_000_000),
        }
    }

    /// The headers, unfolded, and the text.
    fn written(message: &Message, from: &str) -> (Vec<String>, String) {
        let bytes = message.written(&parse_mailbox(from).unwrap(), parse(&message.to).unwrap()).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        assert!(!text.replace("\r\n", "").contains(['\r', '\n']), "a bare CR or LF: {text:?}");
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        (head.replace("\r\n ", " ").split("\r\n").map(str::to_owned).collect(), body.to_owned())
    }

    #[test]
    fn a_mail_has_the_headers_of_an_automatic_mail_and_the_id_that_it_was_given() {
        let (head, body) = written(&message(), "Muster <muster@school.example>");
        for line in [
            "From: Muster <muster@school.example>",
            "To: ada@school.example",
            "Subject: Your device",
            "Date: Fri, 15 Jan 2027 08:00:00 +0000",
            "Message-ID: <00000000-0000-0000-0000-000000000007@school.example>",
            "Auto-Submitted: auto-generated",
            "Content-Language: en",
            "MIME-Version: 1.0",
            "Content-Type: text/plain; charset=utf-8",
        ] {
            assert!(head.iter().any(|header| header == line), "{line} is not in {head:#?}");
        }
        assert_eq!(body.trim_end(), "Hello Ada");
        assert_eq!(written(&message(), "Muster <muster@school.example>"), (head, body), "sent again, it is the same");
    }

    #[test]
    fn a_line_end_in_a_field_begins_no_header() {
        let evil = "x\r\nBcc: eve@evil.example\r\n\r\nbody\u{0}\u{85}";
        let harmless = written(&message(), "muster@school.example").0.len();
        let hostile = Message { to_name: Some(evil.into()), subject: evil.into(), language: evil.into(), ..message() };
        let (head, body) = written(&hostile, "muster@school.example");
        assert_eq!(head.len(), harmless, "{head:#?}");
        assert!(!head.iter().any(|line| line.to_ascii_lowercase().starts_with("bcc")), "{head:#?}");
        assert_eq!(body.trim_end(), "Hello Ada");
    }

    #[test]
    fn texts_outside_ascii_are_encoded() {
        let (to_name, subject) = (Some("Ada Überall".into()), "Ihr Gerät für die Schule — 端末の登録".into());
        let foreign = Message { to_name, subject, body: "Grüße\n端末\n".into(), ..message() };
        let (head, body) = written(&foreign, "Schüle <muster@school.example>");
        assert!(head.iter().all(|line| line.is_ascii()) && body.is_ascii(), "{head:#?} {body}");
        for name in ["From: =?utf-8?b?", "To: =?utf-8?b?", "Subject: "] {
            assert!(head.iter().any(|line| line.starts_with(name)), "{name} is not in {head:#?}");
        }
        assert!(head.iter().any(|line| line.starts_with("Content-Transfer-Encoding: ")), "{head:#?}");
    }

    #[test]
    fn no_text_ends_the_mail_early() {
        let body = "a\n.\nb\r.\r\nMAIL FROM:<eve@evil.example>\n";
        let (_, written) = written(&Message { body: body.into(), ..message() }, "muster@school.example");
        assert!(written.contains("a\r\n.\r\nb\r\n.\r\nMAIL"), "SMTP doubles the dots of such lines: {written:?}");
    }

    #[test]
    fn a_date_that_no_header_can_have_is_no_panic() {
        for at in [i64::MIN, -1, i64::MAX] {
            written(&Message { date: Timestamp(at), ..message() }, "muster@school.example");
        }
    }

    #[test]
    fn debug_shows_no_personal_data() {
        let shown = format!("{:?}", Message { to_name: Some("Ada".into()), ..message() });
        assert!(!shown.contains("ada@") && !shown.contains("Ada") && !shown.contains("device"), "{shown}");
    }
}
