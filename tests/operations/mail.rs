//! Mails to a real mail server (aiosmtpd), which accepts them, refuses them, or does not answer.

mod addresses;
mod invitations;
mod live;
mod notices;
mod refusals;
mod security;

use ::mail::{Accepted, Mail, Mailer, Message, NotSent};
use harness::mail_server::{MailServer, is_here};
use harness::{ports, test_name};
use telemetry::Metrics;
use uuid::Uuid;
use world::Timestamp;

const OWN_NAME: &str = "enroll.school.example";
const ADA: &str = "ada@people.example";

fn mailer_of(keys: &str) -> Mailer {
    harness::logs::capture();
    let section: Mail = toml::from_str(keys).unwrap();
    Mailer::load(Some(&section), OWN_NAME, Metrics::new()).unwrap()
}

fn message() -> Message {
    Message {
        to: ADA.into(),
        to_name: None,
        subject: "Your device".into(),
        body: "Hello\n".into(),
        language: "en".into(),
        id: Uuid::from_u128(0x1234),
        date: Timestamp(1_800_000_000_000_000),
    }
}

async fn sent(server: &MailServer, more: &str) -> Result<Accepted, NotSent> {
    mailer_of(&server.keys(more)).send(message()).await
}

#[tokio::test]
async fn a_mail_arrives_encrypted_and_sent_again_it_is_the_same() {
    if !is_here(test_name!()) {
        return;
    }
    let server = MailServer::start(&[]);
    let mailer = mailer_of(&server.keys("bounces_to = 'bounces@school.example'"));
    let subject = "Ihr Gerät für die Schule: bitte richten Sie es bis Freitag ein — 端末の登録";
    let body = "Grüße,\n\n.\n..\nFrom the school\n端末\n";
    let (to_name, language) = (Some("Überall, Ada \"Countess\"".into()), "de".into());
    let message = Message { to_name, subject: subject.into(), body: body.into(), language, ..message() };
    let accepted = mailer.send(message.clone()).await.unwrap();
    assert_eq!((accepted.id, accepted.said.as_str()), (message.id, "2.0.0 queued as 1"));
    mailer.send(message).await.unwrap();
    let mails = server.mails();
    let [first, second] = &mails[..] else { panic!("{mails:#?}") };
    assert_eq!(first.text, second.text);
    assert!(first.encrypted && !first.authenticated, "{first:#?}");
    assert_eq!((first.from.as_str(), &first.to[..]), ("bounces@school.example", &[ADA.to_owned()][..]));
    assert_eq!((first.hello.as_str(), first.body.replace("\r\n", "\n").trim_end()), (OWN_NAME, body.trim_end()));
    for (name, value) in [
        ("From", "Example School <muster@school.example>"),
        ("To", "\"Überall, Ada \\\"Countess\\\"\" <ada@people.example>"),
        ("Subject", subject),
        ("Message-ID", "<00000000-0000-0000-0000-000000001234@school.example>"),
        ("Date", "Fri, 15 Jan 2027 08:00:00 +0000"),
        ("Auto-Submitted", "auto-generated"),
        ("Content-Language", "de"),
        ("MIME-Version", "1.0"),
    ] {
        assert_eq!(first.header(name), value);
    }
    assert_eq!(server.transcript().matches("tls QUIT").count(), 2, "{}", server.transcript());
}

#[tokio::test]
async fn with_implicit_tls_or_without_tls_a_mail_arrives_if_that_is_configured() {
    if !is_here(test_name!()) {
        return;
    }
    let implicit = MailServer::start(&["implicit", "auth"]);
    sent(&implicit, &format!("tls = 'implicit'\n{}", implicit.login())).await.unwrap();
    let [mail] = &implicit.mails()[..] else { panic!("no mail") };
    assert!(mail.encrypted && mail.authenticated, "{mail:#?}");
    assert!(!implicit.transcript().contains("clear "), "{}", implicit.transcript());

    let plain = MailServer::start(&["no-tls"]);
    sent(&plain, "tls = 'none'").await.unwrap();
    let [mail] = &plain.mails()[..] else { panic!("no mail") };
    assert!(!mail.encrypted, "{mail:#?}");
    assert_eq!(mail.from, "muster@school.example", "without bounces_to, bounces go to the sender");
}

#[tokio::test]
async fn with_credentials_a_mail_arrives_at_a_server_that_requires_them() {
    if !is_here(test_name!()) {
        return;
    }
    let server = MailServer::start(&["auth"]);
    sent(&server, &server.login()).await.unwrap();
    let [mail] = &server.mails()[..] else { panic!("no mail") };
    assert!(mail.encrypted && mail.authenticated, "{mail:#?}");
}

#[tokio::test]
async fn a_domain_outside_ascii_works_everywhere_and_a_name_outside_ascii_needs_a_server_with_smtputf8() {
    if !is_here(test_name!()) {
        return;
    }
    let to = |to: &str| Message { to: to.into(), ..message() };
    let server = MailServer::start(&[]);
    let mailer = mailer_of(&server.keys(""));
    mailer.send(to("ada@bücher.example")).await.unwrap();
    assert_eq!(server.mails()[0].to, ["ada@xn--bcher-kva.example"]);
    let error = mailer.send(to("jürgen@bücher.example")).await.unwrap_err();
    assert!(error == NotSent::RecipientNeedsUtf8 && error.is_permanent(), "{error}");
    assert_eq!(server.mails().len(), 1);
    assert_eq!(server.transcript().matches("MAIL FROM").count(), 1, "{}", server.transcript());

    let international = MailServer::start(&["utf8"]);
    mailer_of(&international.keys("")).send(to("jürgen@bücher.example")).await.unwrap();
    let [mail] = &international.mails()[..] else { panic!("no mail") };
    assert_eq!(mail.to, ["jürgen@xn--bcher-kva.example"]);
    assert!(mail.options.contains(&"SMTPUTF8".into()), "{:?}", mail.options);
}

#[tokio::test]
async fn the_metric_counts_each_outcome() {
    if !is_here(test_name!()) {
        return;
    }
    let server = MailServer::start(&["later"]);
    let metrics = Metrics::new();
    let section: Mail = toml::from_str(&server.keys("")).unwrap();
    let mailer = Mailer::load(Some(&section), OWN_NAME, metrics.clone()).unwrap();
    mailer.send(message()).await.unwrap_err();
    mailer.send(message()).await.unwrap();
    mailer.send(Message { to: "nobody".into(), ..message() }).await.unwrap_err();
    let shown = metrics.render();
    for line in ["{outcome=\"accepted\"} 1", "{outcome=\"refused_for_now\"} 1", "{outcome=\"recipient_invalid\"} 1"] {
        assert!(shown.contains(&format!("muster_mails_total{line}")), "{line} is not in {shown}");
    }
    assert!(!shown.contains("people.example"), "{shown}");
}

#[tokio::test]
async fn a_server_that_does_not_listen_is_unreachable() {
    let port = ports::free();
    let mailer = mailer_of(&format!("host = '127.0.0.1'\nport = {port}\nfrom = 'muster@school.example'"));
    let error = mailer.send(message()).await.unwrap_err();
    assert!(matches!(error, NotSent::Unreachable { .. }) && !error.is_permanent(), "{error}");
}
