//! What became of a mail.

use names::visible::visible_line;
use std::fmt;
use uuid::Uuid;

/// Maximum length of a server's text in characters.
const LONGEST: usize = 500;

/// Part of the conversation with the mail server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The TCP connection; with implicit TLS also the handshake and the greeting.
    Connect,
    /// The server's greeting, and the answer to EHLO.
    Greeting,
    /// STARTTLS, the handshake, and the answer to the second EHLO.
    StartTls,
    Authenticate,
    /// MAIL FROM: the server judges the sender.
    Sender,
    /// RCPT TO: the server judges the recipient.
    Recipient,
    Data,
    /// The mail itself, up to the server's answer. If this answer is lost, the server may have accepted the mail.
    Content,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Step::Connect => "the connection",
            Step::Greeting => "the greeting or EHLO",
            Step::StartTls => "STARTTLS",
            Step::Authenticate => "AUTH",
            Step::Sender => "MAIL FROM",
            Step::Recipient => "RCPT TO",
            Step::Data => "DATA",
            Step::Content => "the text of the mail",
        })
    }
}

/// Text of a mail server: one line, bounded, with control characters escaped. It often contains the recipient's
/// address, so it belongs into no log line, and `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Said(String);

impl Said {
    pub(crate) fn new(text: &str) -> Said {
        let line =
            text.split(['\r', '\n']).map(str::trim).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
        Said(visible_line(&line).chars().take(LONGEST).collect())
    }

    /// Returns the text. It may be personal data.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Said(…)")
    }
}

/// A reply with a code from 400 to 599. `Display` shows the codes and not the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The command that was refused.
    pub at: Step,
    /// Reply code (RFC 5321 section 4.2).
    pub code: u16,
    /// Enhanced status code, such as `5.1.1` (RFC 3463), if the text begins with one.
    pub enhanced: Option<String>,
    pub said: Said,
}

impl Refusal {
    pub(crate) fn new(at: Step, code: u16, text: &str) -> Refusal {
        let said = Said::new(text);
        let first = said.as_str().split(' ').next().unwrap_or_default();
        let parts: Vec<&str> = first.split('.').collect();
        let is_number = |part: &&str| (1..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
        let enhanced = (parts.len() == 3 && parts.iter().all(is_number)).then(|| first.to_owned());
        Refusal { at, code, enhanced, said }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} with {}", self.at, self.code)?;
        self.enhanced.iter().try_for_each(|enhanced| write!(f, " ({enhanced})"))
    }
}

/// The mail server has taken the mail and the responsibility for it. A later bounce goes to `mail.bounces_to`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// The id of the mail, as in its `Message-ID`.
    pub id: Uuid,
    /// The server's answer, which often has its own name for the mail.
    pub said: Said,
}

/// Why a mail was not sent. `Display` shows no personal data and none of the server's text, so it may be logged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotSent {
    #[error("mail is not configured: muster.toml has no section [mail]")]
    NotConfigured,
    /// 5xx. Is permanent if the server refused this mail, and not if it refused every client.
    #[error("the mail server refused {0}")]
    Refused(Refusal),
    /// 4xx.
    #[error("the mail server refused {0} for now")]
    RefusedForNow(Refusal),
    /// The server refused user name and password, or requires some.
    #[error("the mail server refused the credentials: {0}")]
    CredentialsRefused(Refusal),
    #[error("the mail server offers no authentication that Muster supports (PLAIN or LOGIN)")]
    AuthenticationNotOffered,
    #[error("the mail server does not offer STARTTLS: nothing was sent without encryption")]
    TlsNotOffered,
    #[error("no TLS connection to the mail server: {why}")]
    TlsFailed { why: String },
    #[error("the mail server cannot be reached: {why}")]
    Unreachable { why: String },
    /// The connection was lost. At [`Step::Content`] the server may have accepted the mail.
    #[error("the connection to the mail server was lost during {at}: {why}")]
    Interrupted { at: Step, why: String },
    /// The whole conversation took too long. At [`Step::Content`] the server may have accepted the mail.
    #[error("the mail server did not answer in time: the wait ended during {at}")]
    Deadline { at: Step },
    #[error("the answer to {at} is no SMTP")]
    NotUnderstood { at: Step },
    #[error("the recipient's address is not valid")]
    RecipientInvalid,
    /// The recipient's address has characters outside ASCII before the `@`, and the server lacks SMTPUTF8 (RFC 6531).
    #[error("the mail server does not accept addresses with characters outside ASCII (SMTPUTF8)")]
    RecipientNeedsUtf8,
}

impl NotSent {
    /// Returns whether the same mail to the same address would fail again. Faults of the configuration, of the
    /// network and of the server are not permanent: somebody corrects them, and the mail can be sent again.
    pub fn is_permanent(&self) -> bool {
        match self {
            NotSent::Refused(refusal) => {
                matches!(refusal.at, Step::Sender | Step::Recipient | Step::Data | Step::Content)
            }
            NotSent::RecipientInvalid | NotSent::RecipientNeedsUtf8 => true,
            NotSent::NotConfigured
            | NotSent::RefusedForNow(_)
            | NotSent::CredentialsRefused(_)
            | NotSent::AuthenticationNotOffered
            | NotSent::TlsNotOffered
            | NotSent::TlsFailed { .. }
            | NotSent::Unreachable { .. }
            | NotSent::Interrupted { .. }
            | NotSent::Deadline { .. }
            | NotSent::NotUnderstood { .. } => false,
        }
    }

    /// Returns whether the server may have accepted the mail all the same: its answer to the text is missing. Sent
    /// again, the mail has the same `Message-ID`.
    pub fn may_have_been_accepted(&self) -> bool {
        matches!(
            self,
            NotSent::Interrupted { at: Step::Content, .. }
                | NotSent::Deadline { at: Step::Content }
                | NotSent::NotUnderstood { at: Step::Content }
        )
    }

    /// Returns the reply of the server, if it refused.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            NotSent::Refused(refusal) | NotSent::RefusedForNow(refusal) | NotSent::CredentialsRefused(refusal) => {
                Some(refusal)
            }
            _ => None,
        }
    }

    /// Returns the kind in one word, for events; the label `outcome` of `muster_mails_total`.
    pub fn kind(&self) -> &'static str {
        match self {
            NotSent::NotConfigured => "not_configured",
            NotSent::Refused(_) => "refused",
            NotSent::RefusedForNow(_) => "refused_for_now",
            NotSent::CredentialsRefused(_) | NotSent::AuthenticationNotOffered => "credentials_refused",
            NotSent::TlsNotOffered => "tls_not_offered",
            NotSent::TlsFailed { .. } => "tls_failed",
            NotSent::Unreachable { .. } => "unreachable",
            NotSent::Interrupted { .. } => "interrupted",
            NotSent::Deadline { .. } => "deadline",
            NotSent::NotUnderstood { .. } => "not_understood",
            NotSent::RecipientInvalid | NotSent::RecipientNeedsUtf8 => "recipient_invalid",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_of_a_server_is_one_bounded_line_without_control_characters() {
        let said = Said::new("5.1.1 no\u{1b}[31m such\r\nuser\u{202e}\u{0}");
        assert!(!said.as_str().contains(|c: char| c.is_control() || c == '\u{202e}'), "{}", said.as_str());
        assert_eq!(Said::new(&"x".repeat(9_000)).as_str().len(), LONGEST);
    }

    #[test]
    fn a_refusal_shows_its_codes_and_not_the_text_with_the_address() {
        let refusal = Refusal::new(Step::Recipient, 550, "5.1.1 <ada@school.example>: unknown user");
        assert_eq!(refusal.enhanced.as_deref(), Some("5.1.1"));
        let error = NotSent::Refused(refusal);
        assert_eq!(error.to_string(), "the mail server refused RCPT TO with 550 (5.1.1)");
        assert!(!format!("{error:?}").contains("ada@"), "{error:?}");
        assert_eq!(Refusal::new(Step::Recipient, 550, "1.2 no").enhanced, None);
    }

    #[test]
    fn only_a_refusal_of_this_mail_is_permanent() {
        let at = |at, code| Refusal::new(at, code, "no");
        for step in [Step::Sender, Step::Recipient, Step::Data, Step::Content] {
            assert!(NotSent::Refused(at(step, 550)).is_permanent(), "{step}");
            assert!(!NotSent::RefusedForNow(at(step, 451)).is_permanent(), "{step}");
        }
        for step in [Step::Connect, Step::Greeting, Step::StartTls] {
            assert!(!NotSent::Refused(at(step, 554)).is_permanent(), "{step}");
        }
        assert!(!NotSent::CredentialsRefused(at(Step::Authenticate, 535)).is_permanent());
        assert!(!NotSent::Deadline { at: Step::Content }.is_permanent());
    }
}
