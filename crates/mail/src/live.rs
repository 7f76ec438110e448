//! The live check of the mail server: a conversation as for a mail, which ends before the mail.

use crate::DEADLINE;
use crate::conversation::Conversation;
use crate::outcome::{NotSent, Step};
use crate::relay::Relay;
use crate::section::{Mail, Tls};
use findings::Finding;
use tokio::time::Instant;

/// Code of the finding that the mail server does not do what a mail needs.
const CODE: &str = "mail-server-does-not-do";

/// Connects, says EHLO, begins TLS and authenticates as configured, and ends the conversation. Sends no mail. Each
/// result is a line for what works, or a finding.
pub async fn live_check(mail: &Mail, own_name: &str) -> Vec<Result<String, Finding>> {
    let relay = match Relay::load(mail, own_name) {
        Ok(relay) => relay,
        Err(wrong) => {
            return vec![Err(Finding::warning(CODE, "mail", wrong.to_string(), "correct the section [mail]"))];
        }
    };
    let server = format!("mail server {}:{}", relay.host, relay.port);
    match Conversation::open(&relay, Instant::now() + DEADLINE).await {
        Ok(conversation) => {
            let name = conversation.server_name();
            let tls = if conversation.is_encrypted() { "TLS with a valid certificate" } else { "no encryption" };
            let login = if relay.login.is_some() { ", user name and password accepted" } else { "" };
            conversation.end().await;
            vec![Ok(format!("{server}: it answers as {}; {tls}{login}; no mail was sent", name.as_str()))]
        }
        Err(error) => vec![Err(finding(&server, mail, &error))],
    }
}

fn finding(server: &str, mail: &Mail, error: &NotSent) -> Finding {
    let said = error.refusal().map(|refusal| format!("; the server says: {}", refusal.said.as_str()));
    let wrong = format!("{server}: {error}{}", said.unwrap_or_default());
    Finding::warning(CODE, "mail", wrong, mend(mail, error))
}

fn mend(mail: &Mail, error: &NotSent) -> &'static str {
    match error {
        NotSent::TlsNotOffered => {
            "enable STARTTLS at the mail server, or set tls to \"implicit\" with the port of its TLS listener (usually 465); if it \
             usually offers STARTTLS, somebody on the network removes it"
        }
        NotSent::TlsFailed { .. } => {
            "write mail.host as in the server's certificate, and name its CA in mail.ca_file if it is a private one; if port and tls \
             do not fit together, the handshake fails too (587: starttls, 465: implicit)"
        }
        NotSent::Unreachable { .. } => "check mail.host, mail.port and the firewall between",
        NotSent::Deadline { at: Step::Greeting } if mail.tls == Tls::StartTls => {
            "check whether the port expects TLS from the first byte: then set tls to \"implicit\"; otherwise the server or a firewall \
             holds the connection"
        }
        NotSent::Deadline { .. } => "check whether the mail server is overloaded or a firewall drops packets",
        NotSent::CredentialsRefused(_) => "correct mail.user_name and mail.password_file",
        NotSent::AuthenticationNotOffered => {
            "enable PLAIN or LOGIN at the mail server, or remove user_name and password_file if it knows this machine by its address"
        }
        NotSent::NotUnderstood { .. } => "check mail.port: something other than a mail server answers there",
        NotSent::Refused(_)
        | NotSent::RefusedForNow(_)
        | NotSent::Interrupted { .. }
        | NotSent::NotConfigured
        | NotSent::RecipientInvalid
        | NotSent::RecipientNeedsUtf8 => {
            "look into the log of the mail server: it may not accept this machine, or not now"
        }
    }
}
