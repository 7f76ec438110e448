//! `muster check-config --live` with a mail server, and what `serve` refuses.

use harness::binary::{Said, muster_at};
use harness::mail_server::{MailServer, PASSWORD, is_here};
use harness::{installation, ports, test_name};

/// Runs the command for an installation with these keys in `[mail]`.
async fn run(keys: &str, arguments: &'static [&'static str]) -> Said {
    let (_directory, config) = installation().await;
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, format!("{text}\n[mail]\n{keys}")).unwrap();
    let said = tokio::task::spawn_blocking(move || muster_at(&config, arguments, "")).await.unwrap();
    assert!(!format!("{said:?}").contains(PASSWORD), "{said:#?}");
    said
}

async fn live(server: &MailServer, more: &str) -> Said {
    let said = run(&server.keys(more), &["check-config", "--live"]).await;
    assert!(server.mails().is_empty() && !server.transcript().contains("MAIL FROM"), "{}", server.transcript());
    said
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_server_that_works_is_told_and_gets_no_mail() {
    if !is_here(test_name!()) {
        return;
    }
    let server = MailServer::start(&["auth"]);
    let told = live(&server, &server.login()).await.expect_success();
    let begin = format!("mail server localhost:{}: it answers as mail.example.test; ", server.port());
    for words in [&begin, "TLS with a valid certificate", "user name and password accepted", "no mail was sent"] {
        assert!(told.contains(words), "{words:?} is missing in {told}");
    }
    let transcript = server.transcript();
    let verbs = |line: &str| line.split(' ').take(2).collect::<Vec<_>>().join(" ");
    let seen: Vec<String> = transcript.lines().map(verbs).collect();
    assert_eq!(seen, ["clear EHLO", "clear STARTTLS", "tls EHLO", "tls AUTH", "tls QUIT"], "{transcript}");

    let implicit = MailServer::start(&["implicit"]);
    let told = live(&implicit, "tls = 'implicit'").await.expect_success();
    assert!(told.contains("TLS with a valid certificate; no mail was sent"), "{told}");
    let plain = MailServer::start(&["no-tls"]);
    let told = live(&plain, "tls = 'none'").await.expect_success();
    assert!(told.contains("no encryption; no mail was sent"), "{told}");
    assert!(told.contains("warning: mail.tls: mails go to the mail server without encryption"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_mail_server_that_does_not_work_what_failed_is_told_and_what_to_do() {
    if !is_here(test_name!()) {
        return;
    }
    let cases: [(MailServer, &str, &[&str]); 4] = [
        (MailServer::start(&["no-tls"]), "", &["does not offer STARTTLS", "tls to \"implicit\""]),
        (MailServer::start_misnamed(&[]), "", &["no TLS connection", "ostname mismatch", "mail.host"]),
        (MailServer::start(&[]), "tls = 'implicit'\n", &["no TLS connection", "587: starttls, 465: implicit"]),
        (MailServer::start(&["no-auth"]), "", &["no authentication that Muster supports", "enable PLAIN"]),
    ];
    for (server, more, words) in cases {
        says(&live(&server, &format!("{more}{}", server.login())).await, words);
    }
    let server = MailServer::start(&["auth"]);
    let wrong = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(wrong.path(), "wrong\n").unwrap();
    let right = server.password().display().to_string();
    let said = live(&server, &server.login().replace(&right, wrong.path().to_str().unwrap())).await;
    says(&said, &["AUTH with 535", "the server says: ", "mail.password_file"]);
}

/// Checks that there is a warning about the mail server with these words.
#[track_caller]
fn says(said: &Said, words: &[&str]) {
    assert_eq!(said.code, Some(1), "{said:#?}");
    for word in ["warning: mail: mail server localhost:"].iter().chain(words) {
        assert!(said.out.contains(word), "{word:?} is missing in {said:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_untrusted_ca_and_a_closed_port_are_told() {
    if !is_here(test_name!()) {
        return;
    }
    let server = MailServer::start(&[]);
    let (ca, other) = (server.ca().display().to_string(), server.other_ca().display().to_string());
    let said = run(&server.keys("").replace(&ca, &other), &["check-config", "--live"]).await;
    assert!(said.code == Some(1) && said.out.contains("certificate verify failed"), "{said:#?}");
    assert!(said.out.contains("mail.ca_file"), "{said:#?}");
    let closed = server.keys("").replace(&format!("port = {}", server.port()), &format!("port = {}", ports::free()));
    let said = run(&closed, &["check-config", "--live"]).await;
    assert!(said.code == Some(1) && said.out.contains("cannot be reached"), "{said:#?}");
    assert!(server.mails().is_empty());
}

// Takes the 30 seconds of the deadline, which is its subject.
#[tokio::test(flavor = "multi_thread")]
async fn a_mute_mail_server_is_told_at_the_deadline_as_json_too() {
    if !is_here(test_name!()) {
        return;
    }
    let server = MailServer::start(&["mute"]);
    let said = run(&server.keys(""), &["check-config", "--live", "--json"]).await;
    assert_eq!(said.code, Some(1), "{said:#?}");
    let findings: Vec<serde_json::Value> = serde_json::from_str(&said.out).unwrap();
    let finding = findings.iter().find(|finding| finding["code"] == "mail-server-does-not-do").unwrap();
    assert_eq!((finding["severity"].as_str(), finding["about"].as_str()), (Some("warning"), Some("mail")));
    let wrong = finding["wrong"].as_str().unwrap();
    assert!(wrong.contains("did not answer in time: the wait ended during the greeting"), "{wrong}");
    assert!(finding["mend"].as_str().unwrap().contains("tls to \"implicit\""), "{finding}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_without_tls_and_a_missing_password_stop_the_server() {
    let cases = [
        ("tls = 'none'\nuser_name = 'muster'\npassword_file = 'x'\n", "mail.tls", "without encryption"),
        ("user_name = 'muster'\npassword_file = 'hunter2'\n", "mail.password_file", "no file has that name"),
        ("user_name = 'muster'\n", "mail.user_name", "only one of"),
    ];
    for (more, about, words) in cases {
        let keys = format!("host = 'localhost'\nfrom = 'muster@school.example'\n{more}");
        let said = run(&keys, &["check-config"]).await;
        assert_eq!(said.code, Some(1), "{said:#?}");
        assert!(said.out.contains(&format!("error: {about}: ")) && said.out.contains(words), "{said:#?}");
        assert!(said.out.contains("the server does not start") && !said.out.contains("hunter2"), "{said:#?}");
        let served = run(&keys, &["serve"]).await;
        assert!(served.code == Some(1) && served.err.contains(words), "{served:#?}");
        assert!(!format!("{served:?}").contains("hunter2"), "{served:#?}");
    }
}
