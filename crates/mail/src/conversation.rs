//! The conversation with the mail server, step by step, so that each failure names its command.

use crate::address::is_international;
use crate::guarded::Guarded;
use crate::outcome::{NotSent, Refusal, Said, Step};
use crate::relay::{Relay, Security};
use lettre::Address;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::Mechanism;
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::{Extension, MailBodyParameter, MailParameter};
use lettre::transport::smtp::response::{Response, Severity};
use std::error::Error as _;
use std::io;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};

/// Time limit for each address of the server's name, so that one that does not answer leaves time for the others.
const PER_ADDRESS: Duration = Duration::from_secs(10);
/// Time limit for QUIT. Its answer decides nothing.
const FAREWELL: Duration = Duration::from_secs(2);
/// Both reveal the password to the server, so both need TLS.
const MECHANISMS: [Mechanism; 2] = [Mechanism::Plain, Mechanism::Login];
/// lettre's text for a connection that the server has closed.
const CLOSED: &str = "incomplete response";
/// Replies to the commands of a mail that say that the client must authenticate first, or with a stronger mechanism
/// (RFC 4954 section 6).
const AUTHENTICATE_FIRST: [u16; 4] = [530, 534, 535, 538];

/// A conversation that is ready for a mail: encrypted and authenticated as configured.
pub(crate) struct Conversation {
    smtp: AsyncSmtpConnection,
    deadline: Instant,
}

impl Conversation {
    pub(crate) async fn open(relay: &Relay, deadline: Instant) -> Result<Conversation, NotSent> {
        let mut conversation = Conversation { smtp: connect(relay, deadline).await?, deadline };
        match conversation.prepare(relay).await {
            Ok(()) => Ok(conversation),
            Err(error) => {
                conversation.end_after(&error).await;
                Err(error)
            }
        }
    }

    async fn prepare(&mut self, relay: &Relay) -> Result<(), NotSent> {
        if let Security::StartTls(parameters) = &relay.security {
            if !self.smtp.can_starttls() {
                return Err(NotSent::TlsNotOffered);
            }
            within(self.deadline, Step::StartTls, self.smtp.starttls(parameters.clone(), &relay.hello)).await?;
        }
        let Some(login) = &relay.login else { return Ok(()) };
        if !self.smtp.is_encrypted() {
            return Err(NotSent::TlsNotOffered);
        }
        if self.smtp.server_info().get_auth_mechanism(&MECHANISMS).is_none() {
            return Err(NotSent::AuthenticationNotOffered);
        }
        within(self.deadline, Step::Authenticate, self.smtp.auth(&MECHANISMS, &login.credentials())).await?;
        Ok(())
    }

    /// Name with which the server answered EHLO. The server's text: escape it.
    pub(crate) fn server_name(&self) -> Said {
        Said::new(self.smtp.server_info().name())
    }

    pub(crate) fn is_encrypted(&self) -> bool {
        self.smtp.is_encrypted()
    }

    /// Sends one mail. Returns the server's answer.
    pub(crate) async fn send(&mut self, from: &Address, to: &Address, mail: &[u8]) -> Result<Said, NotSent> {
        let server = self.smtp.server_info();
        let mut parameters = Vec::new();
        if is_international(to) {
            if !server.supports_feature(Extension::SmtpUtfEight) {
                return Err(NotSent::RecipientNeedsUtf8);
            }
            parameters.push(MailParameter::SmtpUtfEight);
        }
        // A server with SMTPUTF8 has 8BITMIME (RFC 6531 section 3.1), and only an international address brings a mail
        // outside ASCII about.
        if !mail.is_ascii() {
            parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
        }
        let deadline = self.deadline;
        within(deadline, Step::Sender, self.smtp.command(Mail::new(Some(from.clone()), parameters))).await?;
        within(deadline, Step::Recipient, self.smtp.command(Rcpt::new(to.clone(), vec![]))).await?;
        let go_on = within(deadline, Step::Data, self.smtp.command(Data)).await?;
        expect(&go_on, Severity::PositiveIntermediate, Step::Data)?;
        let taken = within(deadline, Step::Content, self.smtp.message(mail)).await?;
        expect(&taken, Severity::PositiveCompletion, Step::Content)?;
        Ok(Said::new(&taken.message().collect::<Vec<_>>().join(" ")))
    }

    /// Ends the conversation. The server may not answer.
    pub(crate) async fn end(mut self) {
        let _ = timeout(FAREWELL, self.smtp.quit()).await;
    }

    /// Ends the conversation with QUIT if the server waits for a command. After a failed handshake, lettre has no
    /// connection and panics in debug builds if it is used.
    pub(crate) async fn end_after(self, error: &NotSent) {
        let waits = match error {
            NotSent::TlsNotOffered | NotSent::AuthenticationNotOffered | NotSent::RecipientNeedsUtf8 => true,
            error => error.refusal().is_some(),
        };
        if waits {
            self.end().await;
        }
    }
}

async fn connect(relay: &Relay, deadline: Instant) -> Result<AsyncSmtpConnection, NotSent> {
    let server = (relay.host.as_str(), relay.port);
    let hello = &relay.hello;
    match &relay.security {
        Security::Implicit(tls) => {
            let opened = AsyncSmtpConnection::connect_tokio1(server, Some(PER_ADDRESS), hello, Some(tls.clone()), None);
            within(deadline, Step::Connect, opened).await
        }
        Security::StartTls(_) | Security::InClear => {
            let stream = timeout_at(deadline, reach(server)).await;
            let stream = stream.map_err(|_| NotSent::Deadline { at: Step::Connect })?;
            let stream = stream.map_err(|error| NotSent::Unreachable { why: error.to_string() })?;
            let opened = AsyncSmtpConnection::connect_with_transport(Box::new(Guarded::new(stream)), hello);
            within(deadline, Step::Greeting, opened).await
        }
    }
}

async fn reach(server: (&str, u16)) -> io::Result<TcpStream> {
    let mut failed = io::Error::other("the name has no address");
    for address in tokio::net::lookup_host(server).await? {
        match timeout(PER_ADDRESS, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => failed = error,
            Err(_) => failed = io::Error::new(io::ErrorKind::TimedOut, "no answer to the connection"),
        }
    }
    Err(failed)
}

async fn within<T>(deadline: Instant, at: Step, step: impl Future<Output = Result<T, Error>>) -> Result<T, NotSent> {
    match timeout_at(deadline, step).await {
        Ok(result) => result.map_err(|error| failed(&error, at)),
        Err(_) => Err(NotSent::Deadline { at }),
    }
}

// lettre takes any reply from 200 to 399 as success.
fn expect(reply: &Response, severity: Severity, at: Step) -> Result<(), NotSent> {
    if reply.code().severity == severity { Ok(()) } else { Err(NotSent::NotUnderstood { at }) }
}

fn failed(error: &Error, at: Step) -> NotSent {
    let source = error.source();
    let why = source.map_or_else(|| error.to_string(), ToString::to_string);
    if let Some(code) = error.status() {
        return refused(Refusal::new(at, code.into(), &why));
    }
    if let Some(tls) = cause::<native_tls::Error>(error) {
        return NotSent::TlsFailed { why: Said::new(&tls.to_string()).as_str().to_owned() };
    }
    if let Some(lost) = cause::<io::Error>(error) {
        let why = lost.to_string();
        return if at == Step::Connect { NotSent::Unreachable { why } } else { NotSent::Interrupted { at, why } };
    }
    if error.is_response() && why == CLOSED {
        return NotSent::Interrupted { at, why: "the server closed it".into() };
    }
    NotSent::NotUnderstood { at }
}

/// Finds the error of another library: lettre wraps it once or twice.
fn cause<E: std::error::Error + 'static>(error: &Error) -> Option<&E> {
    let mut next = error.source();
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        next = error.source();
    }
    None
}

fn refused(refusal: Refusal) -> NotSent {
    let of_the_mail = matches!(refusal.at, Step::Sender | Step::Recipient | Step::Data | Step::Content);
    match refusal.code {
        ..500 => NotSent::RefusedForNow(refusal),
        _ if refusal.at == Step::Authenticate => NotSent::CredentialsRefused(refusal),
        code if of_the_mail && AUTHENTICATE_FIRST.contains(&code) => NotSent::CredentialsRefused(refusal),
        _ => NotSent::Refused(refusal),
    }
}
