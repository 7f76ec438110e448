//! Directory servers that do not answer, are down, restart, or have the wrong certificate.

use harness::directory::slapd::{self, PASSWORD, Slapd};
use harness::directory::{changed, config, denied, proven, unavailable, verdict};
use harness::test_name;
use identity::ldap::Ldap;
use std::net::TcpListener;
use std::time::{Duration, Instant};

/// Starts a server that accepts connections and never answers. Returns it with its LDAPS and LDAP addresses.
fn mute() -> (TcpListener, String, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, format!("ldaps://127.0.0.1:{port}"), format!("ldap://127.0.0.1:{port}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_a_mute_server_the_next_one_answers_and_is_asked_first_from_then_on() {
    if !slapd::is_here(test_name!()) {
        return;
    }
    let slapd = Slapd::start();
    let (listener, ldaps, ldap) = mute();
    listener.set_nonblocking(true).unwrap();
    // Number of connections since the last call.
    let came = || std::iter::from_fn(|| listener.accept().ok()).count();
    for silent in [ldaps, ldap] {
        let directory = changed(&slapd, |config| {
            config.servers = vec![silent.clone(), slapd.ldaps()];
            config.connect_timeout_seconds = 2;
        });
        let begun = Instant::now();
        proven(verdict(&directory, "ada", PASSWORD).await);
        // A lower limit, which holds on any machine: the timeout of a real socket.
        assert!(begun.elapsed() >= Duration::from_secs(2), "the client must wait for {silent}");
        assert!(came() > 0);
        proven(verdict(&directory, "alan", PASSWORD).await);
        assert_eq!(came(), 0, "{silent} must not be asked again");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mute_server_alone_is_given_up_after_its_timeout() {
    if !slapd::is_here(test_name!()) {
        return;
    }
    let slapd = Slapd::start();
    let (listener, ldaps, _) = mute();
    listener.set_nonblocking(true).unwrap();
    let directory = changed(&slapd, |config| {
        config.servers = vec![ldaps];
        config.connect_timeout_seconds = 1;
    });
    let asked = std::iter::repeat_with(|| verdict(&directory, "ada", PASSWORD)).take(20);
    for verdict in futures_util::future::join_all(asked).await {
        let why = unavailable(verdict);
        assert!(why.contains("no answer within 1 s"), "{why}");
    }
    let came = std::iter::from_fn(|| listener.accept().ok()).count();
    assert_eq!(came, 1, "concurrent attempts share one wait");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_its_time_out_a_mute_server_is_left_alone_for_some_seconds() {
    if !slapd::is_here(test_name!()) {
        return;
    }
    let slapd = Slapd::start();
    let (listener, ldaps, _) = mute();
    listener.set_nonblocking(true).unwrap();
    let directory = changed(&slapd, |config| {
        config.servers = vec![ldaps];
        config.connect_timeout_seconds = 1;
    });
    unavailable(verdict(&directory, "ada", PASSWORD).await);
    let came = std::iter::from_fn(|| listener.accept().ok()).count();
    assert_eq!(came, 1, "one attempt waits once: no second connection for the password");
    for _ in 0..5 {
        let why = unavailable(verdict(&directory, "ada", PASSWORD).await);
        assert!(why.contains("no answer within 1 s"), "{why}");
    }
    assert!(listener.accept().is_err(), "the server is not asked again within some seconds");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_restarted_in_the_middle_of_use_is_found_again() {
    if !slapd::is_here(test_name!()) {
        return;
    }
    let mut slapd = Slapd::start();
    let ldap = Ldap::load(&config(&slapd)).unwrap();
    let before = proven(verdict(&ldap, "ada", PASSWORD).await);
    slapd.pause();
    let why = unavailable(verdict(&ldap, "ada", PASSWORD).await);
    assert!(why.contains("no connection"), "{why}");
    slapd.go_on();
    assert_eq!(proven(verdict(&ldap, "ada", PASSWORD).await), before);
    slapd.pause();
    slapd.go_on();
    assert_eq!(
        proven(verdict(&ldap, "ada", PASSWORD).await),
        before,
        "the connection was lost and restored between two attempts"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_searchers_connection_is_kept_and_never_used_for_a_password() {
    if !slapd::is_here(test_name!()) {
        return;
    }
    let slapd = Slapd::start();
    let ldap = Ldap::load(&config(&slapd)).unwrap();
    for _ in 0..3 {
        denied(verdict(&ldap, "alan", "a wrong one").await);
    }
    proven(verdict(&ldap, "ada", PASSWORD).await);
    assert_eq!(slapd.binds_of(slapd::SEARCHER), 1, "bound once, for four searches");
    let log = slapd.log();
    let bound: Vec<&str> = log.lines().filter(|line| line.contains(" BIND dn=") && line.contains("method=")).collect();
    let connection =
        |line: &str| line.split("conn=").nth(1).and_then(|rest| rest.split(' ').next()).unwrap().to_owned();
    let connections: std::collections::BTreeSet<String> = bound.iter().map(|line| connection(line)).collect();
    assert_eq!((bound.len(), connections.len()), (5, 5), "each bind on its own connection: {bound:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_of_another_ca_or_for_another_name_is_refused() {
    if !slapd::is_here(test_name!()) {
        return;
    }
    let slapd = Slapd::start();
    for servers in [vec![slapd.ldaps()], vec![slapd.ldap()]] {
        let ldap = changed(&slapd, |config| {
            config.root = Some(slapd.other_ca());
            config.servers = servers.clone();
        });
        let why = unavailable(verdict(&ldap, "ada", PASSWORD).await);
        assert!(why.contains("no TLS connection") && why.contains("certificate verify failed"), "{why}");
        let ldap = changed(&slapd, |config| {
            config.root = None;
            config.servers = servers.clone();
        });
        unavailable(verdict(&ldap, "ada", PASSWORD).await);
        let ldap = changed(&slapd, |config| {
            config.servers = servers.iter().map(|server| server.replace("127.0.0.1", "127.0.0.2")).collect();
        });
        unavailable(verdict(&ldap, "ada", PASSWORD).await);
    }
    assert_eq!(slapd.binds_of(slapd::SEARCHER), 0, "no bind was sent to an untrusted server");
}

/// No configuration sends a password without TLS: `ldap://` uses StartTLS. The directory would refuse it as well.
#[tokio::test(flavor = "multi_thread")]
async fn without_tls_no_password_is_sent() {
    if !slapd::is_here(test_name!()) {
        return;
    }
    let slapd = Slapd::start();
    // A server that does not support StartTLS answers with an error. A client that continued would send the password
    // in plain text.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = std::thread::spawn(move || {
        use std::io::{Read as _, Write as _};
        let (mut stream, _) = listener.accept().unwrap();
        let mut asked = [0; 256];
        let length = stream.read(&mut asked).unwrap();
        // ExtendedResponse with protocolError (2) to the first message.
        stream
            .write_all(&[0x30, 0x0c, 0x02, 0x01, 0x01, 0x78, 0x07, 0x0a, 0x01, 0x02, 0x04, 0x00, 0x04, 0x00])
            .unwrap();
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest);
        (asked[..length].to_vec(), rest)
    });
    let ldap = changed(&slapd, |config| config.servers = vec![format!("ldap://127.0.0.1:{port}")]);
    unavailable(verdict(&ldap, "ada", PASSWORD).await);
    drop(ldap);
    let (asked, rest) = server.join().unwrap();
    let contains = |bytes: &[u8], text: &str| bytes.windows(text.len()).any(|part| part == text.as_bytes());
    assert!(contains(&asked, "1.3.6.1.4.1.1466.20037"), "the client requests StartTLS");
    for text in [slapd::SEARCHER_PASSWORD, PASSWORD] {
        assert!(!contains(&asked, text) && !contains(&rest, text));
    }
    let plain = std::process::Command::new("ldapwhoami")
        .args(["-x", "-H", &slapd.ldap(), "-D", slapd::SEARCHER, "-w", slapd::SEARCHER_PASSWORD])
        .output()
        .unwrap();
    assert_eq!(plain.status.code(), Some(13), "result 13: confidentiality required");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_searcher_that_is_denied_is_not_tried_again_and_again() {
    if !slapd::is_here(test_name!()) {
        return;
    }
    let slapd = Slapd::start();
    let wrong = slapd.searcher_password().with_file_name("wrong.password");
    std::fs::write(&wrong, "not it\n").unwrap();
    let ldap = changed(&slapd, |config| {
        config.bind_password = wrong;
        config.servers = vec![slapd.ldaps(), slapd.ldap()];
    });
    let why = unavailable(verdict(&ldap, "ada", PASSWORD).await);
    assert!(why.contains("rejected the name or password"), "{why}");
    for _ in 0..10 {
        let why = unavailable(verdict(&ldap, "ada", PASSWORD).await);
        assert!(why.contains("does not try them again for 15 min"), "{why}");
    }
    assert_eq!(slapd.binds_of(slapd::SEARCHER), 1, "only one bind, so that the account is not locked");
}
