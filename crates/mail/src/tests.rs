//! Tests with servers that no mail server is, and of the checks of the section. `tests/operations/mail.rs` sends to a
//! real mail server.

use super::*;
use findings::Severity;
use openssl::asn1::Asn1Time;
use openssl::bn::BigNum;
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::ssl::{Ssl, SslAcceptor, SslMethod};
use openssl::x509::extension::{BasicConstraints, SubjectAlternativeName};
use openssl::x509::{X509, X509Builder, X509Name};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use telemetry::MAIL_OUTCOMES;
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use uuid::Uuid;
use world::Timestamp;

const OWN_NAME: &str = "enroll.school.example";

/// A certificate for `localhost` that is its own CA.
fn certificate() -> (X509, PKey<Private>) {
    let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
    let mut name = X509Name::builder().unwrap();
    name.append_entry_by_text("CN", "localhost").unwrap();
    let name = name.build();
    let mut builder: X509Builder = X509::builder().unwrap();
    builder.set_version(2).unwrap();
    builder.set_serial_number(&BigNum::from_u32(1).unwrap().to_asn1_integer().unwrap()).unwrap();
    builder.set_subject_name(&name).unwrap();
    builder.set_issuer_name(&name).unwrap();
    builder.set_pubkey(&key).unwrap();
    builder.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
    builder.set_not_after(&Asn1Time::days_from_now(2).unwrap()).unwrap();
    builder.append_extension(BasicConstraints::new().ca().build().unwrap()).unwrap();
    let names = SubjectAlternativeName::new().dns("localhost").build(&builder.x509v3_context(None, None)).unwrap();
    builder.append_extension(names).unwrap();
    builder.sign(&key, MessageDigest::sha256()).unwrap();
    (builder.build(), key)
}

/// Parses the keys of a section; `HERE` is the directory.
fn section(directory: &Path, keys: &str) -> Mail {
    toml::from_str(&keys.replace("HERE", directory.to_str().unwrap())).unwrap()
}

fn mailer(directory: &Path, port: u16, keys: &str) -> Mailer {
    let keys = format!("host = 'localhost'\nport = {port}\nfrom = 'muster@school.example'\n{keys}");
    Mailer::load(Some(&section(directory, &keys)), OWN_NAME, Metrics::new()).unwrap()
}

fn message() -> Message {
    Message {
        to: "ada@school.example".into(),
        to_name: None,
        subject: "Your device".into(),
        body: "Hello\n".into(),
        language: "en".into(),
        id: Uuid::from_u128(1),
        date: Timestamp(1_800_000_000_000_000),
    }
}

/// Reads up to the end of a line. Returns an empty text at the end of the connection.
async fn line(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut line = Vec::new();
    while let Ok(byte) = stream.read_u8().await {
        line.push(byte);
        if byte == b'\n' {
            break;
        }
    }
    String::from_utf8_lossy(&line).into_owned()
}

/// Answers each line with the next reply. An empty reply is none.
async fn replies(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), replies: &[&str]) {
    for reply in replies {
        if line(stream).await.is_empty() {
            return;
        }
        stream.write_all(reply.as_bytes()).await.unwrap();
    }
}

async fn listener() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

/// Sends a mail in clear to a server that greets with the first text and answers each line with one of the others.
async fn sent_to(greeting: &str, answers: &[&str]) -> Result<Accepted, NotSent> {
    let (listener, port) = listener().await;
    let server = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(greeting.as_bytes()).await.unwrap();
        replies(&mut stream, answers).await;
    };
    let mailer = mailer(Path::new("/"), port, "tls = 'none'");
    tokio::join!(mailer.send(message()), server).0
}

#[tokio::test]
async fn answers_that_were_inserted_before_tls_are_not_taken_for_answers_inside_it() {
    let directory = tempfile::tempdir().unwrap();
    let (own, key) = certificate();
    std::fs::write(directory.path().join("ca.pem"), own.to_pem().unwrap()).unwrap();
    for inserted in ["", "250-forged\r\n250 AUTH PLAIN\r\n"] {
        let (listener, port) = listener().await;
        let mailer = mailer(directory.path(), port, "ca_file = 'HERE/ca.pem'");
        let (own, key) = (own.clone(), key.clone());
        let server = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.write_all(b"220 a server\r\n").await.unwrap();
            replies(&mut stream, &["250-a server\r\n250 STARTTLS\r\n", &format!("220 go on\r\n{inserted}")]).await;
            let Some(mut stream) = tls(stream, &own, &key).await else { return false };
            let taken = ["250 a server\r\n", "250 ok\r\n", "250 ok\r\n", "354 go on\r\n"];
            replies(&mut stream, &taken).await;
            while !matches!(line(&mut stream).await.as_str(), "" | ".\r\n") {}
            let _ = stream.write_all(b"250 taken\r\n").await;
            true
        };
        let (outcome, encrypted) = tokio::join!(mailer.send(message()), server);
        if inserted.is_empty() {
            assert!(outcome.is_ok() && encrypted, "{outcome:?}");
        } else {
            assert!(matches!(outcome, Err(NotSent::TlsFailed { .. })), "{outcome:?}");
        }
    }
}

async fn tls(stream: TcpStream, own: &X509, key: &PKey<Private>) -> Option<tokio_openssl::SslStream<TcpStream>> {
    let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server()).unwrap();
    acceptor.set_certificate(own).unwrap();
    acceptor.set_private_key(key).unwrap();
    let mut stream = tokio_openssl::SslStream::new(Ssl::new(acceptor.build().context()).unwrap(), stream).unwrap();
    std::pin::Pin::new(&mut stream).accept().await.ok()?;
    Some(stream)
}

#[tokio::test]
async fn a_server_that_speaks_something_else_is_told_from_one_that_refuses() {
    let outcome = sent_to("HTTP/1.1 400 Bad Request\r\n\r\n", &[]).await;
    assert_eq!(outcome, Err(NotSent::NotUnderstood { at: Step::Greeting }));
    let closed = NotSent::Interrupted { at: Step::Greeting, why: "the server closed it".into() };
    assert_eq!(sent_to("", &[]).await, Err(closed));
    let Err(NotSent::Refused(refusal)) = sent_to("554 not you\r\n", &[]).await else { panic!("554 is a refusal") };
    assert_eq!((refusal.at, refusal.code, refusal.said.as_str()), (Step::Greeting, 554, "not you"));
}

#[tokio::test]
async fn only_354_asks_for_the_text_and_only_2xx_accepts_it() {
    const EHLO: &str = "250 a server\r\n";
    let data = sent_to("220 a\r\n", &[EHLO, "250 a\r\n", "250 a\r\n", "250 no 354\r\n", "221 bye\r\n"]).await;
    assert_eq!(data, Err(NotSent::NotUnderstood { at: Step::Data }));
    // The reply 354 also answers the first line of the text: no mail is accepted by it.
    let content = sent_to("220 a\r\n", &[EHLO, "250 a\r\n", "250 a\r\n", "354 go\r\n", "354 go\r\n"]).await;
    let error = content.unwrap_err();
    assert_eq!(error, NotSent::NotUnderstood { at: Step::Content });
    assert!(error.may_have_been_accepted() && !error.is_permanent());
    let lost = sent_to("220 a\r\n", &[EHLO, "250 a\r\n", "250 a\r\n", "354 go\r\n"]).await.unwrap_err();
    assert!(matches!(lost, NotSent::Interrupted { at: Step::Content, .. }) && lost.may_have_been_accepted(), "{lost}");
}

#[tokio::test]
async fn a_server_that_requires_authentication_refuses_the_credentials_and_not_the_mail() {
    for code in [530, 535, 538] {
        let reply = format!("{code} 5.7.0 Authentication required\r\n");
        let error = sent_to("220 a\r\n", &["250 a\r\n", &reply, "221 bye\r\n"]).await.unwrap_err();
        assert!(matches!(error, NotSent::CredentialsRefused(_)) && !error.is_permanent(), "{code}: {error}");
    }
}

#[tokio::test]
async fn a_text_without_an_end_fills_no_memory() {
    let (listener, port) = listener().await;
    let server = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        // Ends when the client closes the connection.
        while stream.write_all(&[b'2'; 4_096]).await.is_ok() {}
    };
    let mailer = mailer(Path::new("/"), port, "tls = 'none'");
    let (outcome, ()) = tokio::join!(mailer.send(message()), server);
    assert!(matches!(outcome, Err(NotSent::Interrupted { at: Step::Greeting, .. })), "{outcome:?}");
}

#[tokio::test]
async fn without_a_section_each_mail_is_refused_as_not_configured() {
    let mailer = Mailer::load(None, OWN_NAME, Metrics::new()).unwrap();
    assert!(!mailer.is_configured());
    assert_eq!(mailer.send(message()).await, Err(NotSent::NotConfigured));
}

#[tokio::test]
async fn an_invalid_recipient_costs_no_connection() {
    let (listener, port) = listener().await;
    let mailer = mailer(Path::new("/"), port, "tls = 'none'");
    for to in ["ada", "ada@school.example\r\nRCPT TO:<eve@evil.example>", "a b@school.example"] {
        let error = mailer.send(Message { to: to.into(), ..message() }).await.unwrap_err();
        assert!(error == NotSent::RecipientInvalid && error.is_permanent(), "{to:?}: {error}");
    }
    let connected = tokio::time::timeout(Duration::ZERO, listener.accept()).await;
    assert!(connected.is_err(), "a connection was opened");
    assert!(mailer.metrics.render().contains("muster_mails_total{outcome=\"recipient_invalid\"} 3"));
}

#[test]
fn each_kind_of_failure_is_an_outcome_of_the_metric_and_no_other() {
    let (at, why) = (Step::Sender, String::new());
    let refusal = Refusal::new(at, 550, "");
    let all = [
        NotSent::Refused(refusal.clone()),
        NotSent::RefusedForNow(refusal.clone()),
        NotSent::CredentialsRefused(refusal),
        NotSent::TlsNotOffered,
        NotSent::TlsFailed { why: why.clone() },
        NotSent::Unreachable { why: why.clone() },
        NotSent::Interrupted { at, why },
        NotSent::Deadline { at },
        NotSent::NotUnderstood { at },
        NotSent::RecipientInvalid,
    ];
    let kinds: Vec<&str> = std::iter::once("accepted").chain(all.iter().map(NotSent::kind)).collect();
    assert_eq!(kinds, MAIL_OUTCOMES);
    assert_eq!(NotSent::AuthenticationNotOffered.kind(), "credentials_refused");
    assert_eq!(NotSent::RecipientNeedsUtf8.kind(), "recipient_invalid");
}

/// A directory with a password file, an empty one, one that others can read, and a CA.
fn files() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let files =
        [("password", "secret\n", 0o600), ("empty", "\n", 0o600), ("open", "secret", 0o644), ("x.pem", "x", 0o600)];
    for (name, text, mode) in files {
        let path = directory.path().join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }
    std::fs::write(directory.path().join("ca.pem"), certificate().0.to_pem().unwrap()).unwrap();
    directory
}

const SOUND: &str = "host = 'mail.school.example'\nfrom = 'Muster <muster@school.example>'\n";
const LOGIN: &str = "user_name = 'muster'\npassword_file = 'HERE/password'\n";

#[test]
fn a_sound_section_has_no_findings_and_is_loaded() {
    let directory = files();
    for more in ["", LOGIN, "tls = 'implicit'", "ca_file = 'HERE/ca.pem'", "bounces_to = 'it@school.example'"] {
        let mail = section(directory.path(), &format!("{SOUND}{more}"));
        assert_eq!(check(&mail, OWN_NAME), [], "{more}");
        assert!(Mailer::load(Some(&mail), OWN_NAME, Metrics::new()).is_ok(), "{more}");
    }
}

#[test]
fn each_mistake_has_its_finding_and_an_error_is_not_loaded() {
    let directory = files();
    let with = |more: &str| format!("{SOUND}{more}");
    let cases = [
        (SOUND.replace("mail.school", "https://mail.school"), "mail-host-malformed", "mail.host"),
        (SOUND.replace("mail.school.example", "mail.school.example:587"), "mail-host-malformed", "mail.host"),
        (SOUND.replace("muster@school.example", "muster"), "mail-sender-malformed", "mail.from"),
        (SOUND.replace("muster@", "mustér@"), "mail-sender-malformed", "mail.from"),
        (with("bounces_to = 'it'"), "mail-sender-malformed", "mail.bounces_to"),
        (with("port = 0"), "mail-port-zero", "mail.port"),
        (with("hello_name = 'a b'"), "mail-hello-malformed", "mail.hello_name"),
        (with("ca_file = 'HERE/missing'"), "mail-ca-unusable", "mail.ca_file"),
        (with("ca_file = 'HERE/x.pem'"), "mail-ca-unusable", "mail.ca_file"),
        (with("user_name = 'muster'"), "mail-credentials-incomplete", "mail.user_name"),
        (with("password_file = 'HERE/password'"), "mail-credentials-incomplete", "mail.user_name"),
        (with(&format!("{LOGIN}tls = 'none'")), "mail-credentials-without-tls", "mail.tls"),
        (with(&LOGIN.replace("password'", "missing'")), "mail-password-unusable", "mail.password_file"),
        (with(&LOGIN.replace("password'", "empty'")), "mail-password-unusable", "mail.password_file"),
    ];
    for (text, code, about) in cases {
        let mail = section(directory.path(), &text);
        let findings = check(&mail, OWN_NAME);
        let found = |finding: &findings::Finding| {
            (finding.severity, finding.code, finding.about.as_str()) == (Severity::Error, code, about)
        };
        assert!(findings.iter().any(found), "{code} about {about} is not in {findings:#?}");
        assert!(Mailer::load(Some(&mail), OWN_NAME, Metrics::new()).is_err(), "{text}");
    }
}

#[test]
fn a_password_that_others_can_read_and_mails_in_clear_are_warnings() {
    let directory = files();
    for (more, code) in
        [(LOGIN.replace("password'", "open'"), "key-open-to-others"), ("tls = 'none'".into(), "mail-without-tls")]
    {
        let findings = check(&section(directory.path(), &format!("{SOUND}{more}")), OWN_NAME);
        assert_eq!(
            findings.iter().map(|found| (found.severity, found.code)).collect::<Vec<_>>(),
            [(Severity::Warning, code)]
        );
    }
}

#[test]
fn a_password_that_stands_in_place_of_its_file_is_not_shown() {
    let mail = section(Path::new("/"), &format!("{SOUND}user_name = 'muster'\npassword_file = 'hunter2'"));
    let error = Mailer::load(Some(&mail), OWN_NAME, Metrics::new()).err().unwrap();
    let shown = format!("{error} {error:?} {:?}", check(&mail, OWN_NAME));
    assert!(!shown.contains("hunter2"), "{shown}");
}

#[test]
fn an_unknown_key_is_refused_and_the_password_has_no_key() {
    for key in ["password = 'secret'", "no_such_key = 1", "tls = 'opportunistic'"] {
        assert!(toml::from_str::<Mail>(&format!("{SOUND}{key}")).is_err(), "{key}");
    }
}
