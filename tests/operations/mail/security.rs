//! What must never happen: a mail or a password without TLS, trust in a wrong certificate, a header from a value.

use super::{ADA, mailer_of, message, sent};
use ::mail::{Message, NotSent, Step};
use harness::mail_server::{MailServer, PASSWORD, is_here};
use harness::{logs, test_name};

/// Checks that the server got neither a mail nor a password without encryption.
#[track_caller]
fn got_nothing(server: &MailServer) {
    let transcript = server.transcript();
    assert!(!transcript.contains("AUTH") && !transcript.contains("MAIL FROM"), "{transcript}");
    assert!(server.mails().is_empty());
}

#[tokio::test]
async fn without_starttls_a_server_gets_neither_mail_nor_password() {
    if !is_here(test_name!()) {
        return;
    }
    // It offers AUTH without encryption, as someone who removes STARTTLS from the answer would.
    let server = MailServer::start(&["no-tls"]);
    for credentials in [String::new(), server.login()] {
        let error = sent(&server, &credentials).await.unwrap_err();
        assert!(error == NotSent::TlsNotOffered && !error.is_permanent(), "{error}");
        got_nothing(&server);
    }
    assert!(server.transcript().contains("clear EHLO"), "{}", server.transcript());
}

#[tokio::test]
async fn a_certificate_for_another_name_is_refused() {
    if !is_here(test_name!()) {
        return;
    }
    for (tls, options) in [("starttls", &[][..]), ("implicit", &["implicit"])] {
        let server = MailServer::start_misnamed(options);
        let error = sent(&server, &format!("tls = '{tls}'\n{}", server.login())).await.unwrap_err();
        let NotSent::TlsFailed { why } = &error else { panic!("{tls}: {error}") };
        assert!(why.to_ascii_lowercase().contains("hostname mismatch"), "{why}");
        got_nothing(&server);
    }
}

#[tokio::test]
async fn a_certificate_of_an_unknown_ca_is_refused() {
    if !is_here(test_name!()) {
        return;
    }
    for (tls, options) in [("starttls", &[][..]), ("implicit", &["implicit"])] {
        let server = MailServer::start(options);
        let own = server.keys(&format!("tls = '{tls}'\n{}", server.login()));
        let (ca, other) = (server.ca().display().to_string(), server.other_ca().display().to_string());
        let with_other_ca = own.replace(&ca, &other);
        let with_public_cas = own.replace(&format!("ca_file = '{ca}'\n"), "");
        for keys in [with_other_ca, with_public_cas] {
            let error = mailer_of(&keys).send(message()).await.unwrap_err();
            let NotSent::TlsFailed { why } = &error else { panic!("{tls}: {error}") };
            assert!(why.contains("certificate verify failed"), "{why}");
            got_nothing(&server);
        }
    }
}

#[tokio::test]
async fn a_server_with_another_kind_of_tls_than_configured_gets_nothing() {
    if !is_here(test_name!()) {
        return;
    }
    let server = MailServer::start(&[]);
    let error = sent(&server, &format!("tls = 'implicit'\n{}", server.login())).await.unwrap_err();
    assert!(matches!(error, NotSent::TlsFailed { .. }), "{error}");
    got_nothing(&server);
}

#[tokio::test]
async fn credentials_go_only_inside_tls_and_a_refusal_of_them_is_told() {
    if !is_here(test_name!()) {
        return;
    }
    let server = MailServer::start(&["auth"]);
    sent(&server, &server.login()).await.unwrap();
    let transcript = server.transcript();
    let mut auth = transcript.lines().filter(|line| line.contains("AUTH"));
    assert!(auth.clone().count() == 1 && auth.all(|line| line.starts_with("tls ")), "{transcript}");

    let wrong = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(wrong.path(), "wrong\n").unwrap();
    let with_wrong = server.login().replace(&server.password().display().to_string(), wrong.path().to_str().unwrap());
    let error = sent(&server, &with_wrong).await.unwrap_err();
    let NotSent::CredentialsRefused(refusal) = &error else { panic!("{error}") };
    assert_eq!((refusal.at, refusal.code, error.is_permanent()), (Step::Authenticate, 535, false));

    let missing = sent(&server, "").await.unwrap_err();
    assert!(matches!(missing, NotSent::CredentialsRefused(_)) && !missing.is_permanent(), "{missing}");
    let unable = MailServer::start(&["no-auth"]);
    assert_eq!(sent(&unable, &unable.login()).await, Err(NotSent::AuthenticationNotOffered));
    assert_eq!((server.mails().len(), unable.mails().len()), (1, 0));
}

#[tokio::test]
async fn neither_password_nor_recipient_is_in_a_log_line_or_in_debug() {
    if !is_here(test_name!()) {
        return;
    }
    let secret_ada = "very-own-name@people.example";
    let mut shown = String::new();
    for options in [&["auth"][..], &["auth", "refuse"], &["auth", "refuse-data"], &["no-tls"], &["no-auth"]] {
        let server = MailServer::start(options);
        let keys = server.keys(&server.login());
        let section: ::mail::Mail = toml::from_str(&keys).unwrap();
        let message = Message { to: secret_ada.into(), to_name: Some("Very Own".into()), ..message() };
        shown.push_str(&format!("{section:?} {message:?}"));
        match mailer_of(&keys).send(message).await {
            Ok(accepted) => shown.push_str(&format!("{accepted:?}")),
            Err(error) => shown.push_str(&format!("{error} {error:?}")),
        }
    }
    shown.push_str(&logs::so_far());
    // The password as SASL PLAIN sends it.
    let plain = openssl::base64::encode_block(format!("\0muster\0{PASSWORD}").as_bytes());
    for secret in [PASSWORD, &plain, secret_ada, "Very Own"] {
        assert!(!shown.contains(secret), "{secret} is shown");
    }
}

#[tokio::test]
async fn no_value_of_a_mail_becomes_a_header_or_a_recipient() {
    if !is_here(test_name!()) {
        return;
    }
    let server = MailServer::start(&[]);
    let mailer = mailer_of(&server.keys(""));
    mailer.send(message()).await.unwrap();
    for end in ["\r\n", "\n", "\r", "\u{85}", "\u{2028}", "\0"] {
        let evil = format!("x{end}Bcc: eve@evil.example{end}{end}.{end}MAIL FROM:<eve@evil.example>");
        let (to_name, subject, language) = (Some(evil.clone()), evil.clone(), evil.clone());
        let body = format!("Hello{end}.{end}MAIL FROM:<eve@evil.example>{end}");
        mailer.send(Message { to_name, subject, language, body, ..message() }).await.unwrap();
        for to in [format!("{ADA}{end}RCPT TO:<eve@evil.example>"), format!("{ADA}>{end}"), format!("a{end}{ADA}")] {
            let error = mailer.send(Message { to, ..message() }).await.unwrap_err();
            assert_eq!(error, NotSent::RecipientInvalid, "{end:?}");
        }
    }
    let mails = server.mails();
    assert_eq!(mails.len(), 7);
    let names = |mail: &harness::mail_server::Taken| -> Vec<String> {
        mail.headers.iter().map(|(name, _)| name.clone()).collect()
    };
    for mail in &mails {
        assert_eq!((mail.from.as_str(), &mail.to[..]), ("muster@school.example", &[ADA.to_owned()][..]));
        assert_eq!(names(mail), names(&mails[0]));
        assert!(mail.body.starts_with("Hello"), "{:?}", mail.body);
    }
}
