//! Refusals at once, and servers that do not answer.

use super::{ADA, mailer_of, message, sent};
use ::mail::{NotSent, Step};
use harness::mail_server::{MailServer, is_here};
use harness::test_name;
use std::time::Duration;

#[tokio::test]
async fn a_refused_recipient_is_told_with_command_code_and_a_text_that_no_log_shows() {
    if !is_here(test_name!()) {
        return;
    }
    let server = MailServer::start(&["refuse"]);
    let error = sent(&server, "").await.unwrap_err();
    assert!(error.is_permanent() && !error.may_have_been_accepted(), "{error}");
    let NotSent::Refused(refusal) = &error else { panic!("{error}") };
    assert_eq!((refusal.at, refusal.code, refusal.enhanced.as_deref()), (Step::Recipient, 550, Some("5.1.1")));
    let said = refusal.said.as_str();
    assert!(said.contains(ADA) && !said.contains(char::is_control), "{said}");
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains(ADA), "{shown}");
    assert_eq!(error.to_string(), "the mail server refused RCPT TO with 550 (5.1.1)");
    assert!(server.mails().is_empty());
    assert!(server.transcript().ends_with("tls QUIT\n"), "{}", server.transcript());
}

#[tokio::test]
async fn a_refusal_for_now_is_not_permanent_and_the_next_attempt_may_be_accepted() {
    if !is_here(test_name!()) {
        return;
    }
    let server = MailServer::start(&["later"]);
    let mailer = mailer_of(&server.keys(""));
    let error = mailer.send(message()).await.unwrap_err();
    let NotSent::RefusedForNow(refusal) = &error else { panic!("{error}") };
    assert_eq!((refusal.at, refusal.code, error.is_permanent()), (Step::Recipient, 451, false));
    mailer.send(message()).await.unwrap();
    assert_eq!(server.mails().len(), 1);
}

#[tokio::test]
async fn a_refused_text_is_told_from_a_refused_recipient() {
    if !is_here(test_name!()) {
        return;
    }
    let server = MailServer::start(&["refuse-data"]);
    let error = sent(&server, "").await.unwrap_err();
    let NotSent::Refused(refusal) = &error else { panic!("{error}") };
    assert_eq!((refusal.at, refusal.code, error.is_permanent()), (Step::Content, 554, true));
}

// The deadline is the subject of these tests. What they find does not depend on its length.
#[tokio::test]
async fn a_server_that_never_greets_is_left_at_the_deadline() {
    if !is_here(test_name!()) {
        return;
    }
    let server = MailServer::start(&["mute"]);
    for (tls, at) in [("starttls", Step::Greeting), ("implicit", Step::Connect), ("none", Step::Greeting)] {
        let mailer = mailer_of(&server.keys(&format!("tls = '{tls}'"))).with_limit(Duration::from_secs(1));
        let error = mailer.send(message()).await.unwrap_err();
        assert_eq!(error, NotSent::Deadline { at }, "{tls}");
        assert!(!error.is_permanent() && !error.may_have_been_accepted());
    }
}

// The limit is long, because a machine under load needs time up to the text of the mail.
#[tokio::test]
async fn a_server_that_takes_the_text_and_does_not_answer_may_have_accepted_the_mail() {
    if !is_here(test_name!()) {
        return;
    }
    let server = MailServer::start(&["mute-data"]);
    let mailer = mailer_of(&server.keys("")).with_limit(Duration::from_secs(8));
    let error = mailer.send(message()).await.unwrap_err();
    assert_eq!(error, NotSent::Deadline { at: Step::Content });
    assert!(error.may_have_been_accepted() && !error.is_permanent());
    assert_eq!(server.mails().len(), 1);
}
