//! TLS as devices with OS 27 require it: what the listeners offer, and which certificates `init`, `check-config` and
//! `serve` refuse.

use harness::binary::{Serving, muster, muster_at};
use harness::certificates::{Made, Wanted, curve, rsa};
use harness::with_device_listener;
use harness::{TestServer, installation, ports};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::ssl::{Ssl, SslAcceptor, SslContext, SslMethod, SslStream, SslVersion};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::time::Duration;
use world::World;

/// Performs a handshake: in TLS 1.2 with these suites, or in the given version.
fn handshake(at: SocketAddr, suites: &str, version: SslVersion) -> Option<SslStream<TcpStream>> {
    handshake_in(at, suites, version, None)
}

fn handshake_in(
    at: SocketAddr,
    suites: &str,
    version: SslVersion,
    groups: Option<&str>,
) -> Option<SslStream<TcpStream>> {
    let mut context = SslContext::builder(SslMethod::tls_client()).unwrap();
    context.set_security_level(0);
    context.set_cipher_list(suites).unwrap();
    if let Some(groups) = groups {
        context.set_groups_list(groups).unwrap();
    }
    context.set_min_proto_version(Some(version)).unwrap();
    context.set_max_proto_version(Some(version)).unwrap();
    let stream = TcpStream::connect(at).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    Ssl::new(&context.build()).unwrap().connect(stream).ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_listener_offers_what_devices_with_os_27_ask_for_and_no_dhe() {
    let server = TestServer::start_with(World::system(), with_device_listener).await;
    let config = server.app().config.clone();
    for at in [config.server.listen, config.devices.listen.unwrap()] {
        let tried = tokio::task::spawn_blocking(move || {
            let tls12 = |suites: &str| handshake(at, suites, SslVersion::TLS1_2);
            for suite in ["ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-AES256-GCM-SHA384"] {
                let stream = tls12(suite).unwrap_or_else(|| panic!("{at} refuses {suite}"));
                assert_eq!(stream.ssl().extms_support(), Some(true), "Extended Master Secret");
            }
            for suites in ["DHE", "kRSA", "ECDHE+AES:!AESGCM"] {
                assert!(tls12(suites).is_none(), "{at} takes {suites}");
            }
            assert!(handshake(at, "ALL:@SECLEVEL=0", SslVersion::TLS1_1).is_none(), "{at} accepts TLS 1.1");
            let tls13 = |groups: &str| handshake_in(at, "ALL", SslVersion::TLS1_3, Some(groups));
            for group in ["X25519", "P-256", "P-384", "P-521", "X25519MLKEM768"] {
                assert!(tls13(group).is_some(), "{at} refuses {group}");
            }
            for group in ["ffdhe2048", "ffdhe3072", "ffdhe4096", "ffdhe6144", "ffdhe8192", "X448"] {
                assert!(tls13(group).is_none(), "{at} takes {group}");
            }
        });
        tried.await.unwrap();
    }
    server.stop().await;
}

fn root() -> Made {
    Wanted::new("Example root", None).make()
}

/// Runs `init` with a TLS certificate for mdm.example.com that was issued by this root.
fn init_with(own: &Made, root: Option<&Made>) -> harness::binary::Said {
    let directory = tempfile::tempdir().unwrap();
    let (certificate, key) = own.write(directory.path(), "tls");
    let to = directory.path().join("muster");
    let mut arguments =
        vec!["init", to.to_str().unwrap(), "--public-url", "https://mdm.example.com", "--organization", "Example"];
    arguments.extend(["--tls-certificate", certificate.to_str().unwrap(), "--tls-key", key.to_str().unwrap()]);
    let root = root.map(|root| root.write(directory.path(), "root").0);
    if let Some(root) = &root {
        arguments.extend(["--tls-root", root.to_str().unwrap()]);
    }
    let said = muster(&arguments, "");
    assert_eq!(said.code == Some(0), to.exists(), "a refused init leaves no files: {said:#?}");
    said
}

#[test]
fn init_takes_a_sound_certificate_and_refuses_one_that_devices_would_refuse() {
    let root = root();
    let name = "mdm.example.com";
    let wanted = || Wanted::new(name, Some(&root));
    init_with(&wanted().make(), Some(&root)).expect_success();
    let p256 = Wanted { key: curve(Nid::X9_62_PRIME256V1), ..wanted() }.make();
    init_with(&p256, Some(&root)).expect_success();
    for (own, told) in [
        (Wanted { key: rsa(1024), ..wanted() }.make(), "the RSA key has 1024 bits"),
        (Wanted { key: curve(Nid::X9_62_PRIME192V1), ..wanted() }.make(), "the key is on the curve"),
        (Wanted { digest: MessageDigest::sha1(), ..wanted() }.make(), "a broken digest"),
        (Wanted { server_auth: false, ..wanted() }.make(), "serverAuth"),
        (Wanted { term: (-1, 900), ..wanted() }.make(), "the certificate is valid for 901 days"),
        (Wanted { name: "other.example.com", ..wanted() }.make(), "the certificate is not for mdm.example.com"),
    ] {
        let said = init_with(&own, Some(&root)).expect_failure();
        assert!(said.contains("--tls-certificate: ") && said.contains(told), "{told} is missing in\n{said}");
    }
    // A self-signed certificate, whether or not it is given as its own root.
    let own = Wanted { server_auth: true, ..Wanted::new(name, None) }.make();
    for given in [Some(&own), None] {
        let said = init_with(&own, given).expect_failure();
        assert!(said.contains("is self-signed"), "{said}");
    }
    // The issuing intermediate is missing from the file, so the chain does not reach the root.
    let intermediate = Wanted::new("Example intermediate", Some(&root)).make();
    let lonely = Wanted::new(name, Some(&intermediate)).make();
    let said = init_with(&lonely, Some(&root)).expect_failure();
    assert!(said.contains("does not chain to pki.tls_root") || said.contains("does not chain to the root"), "{said}");
    if Path::new("/etc/ssl/certs/ca-certificates.crt").exists() {
        let said = init_with(&lonely, None).expect_failure();
        assert!(said.contains("the chain is incomplete"), "{said}");
    }
}

/// Creates an installation whose public address has this port.
async fn installation_at(port: u16) -> (tempfile::TempDir, std::path::PathBuf) {
    let (directory, config) = installation().await;
    let text = std::fs::read_to_string(&config).unwrap();
    let text = text.replace("https://localhost:0", &format!("https://localhost:{port}"));
    std::fs::write(&config, text).unwrap();
    (directory, config)
}

/// Listens on a port like a proxy, with this certificate and these suites. Returns the port.
fn proxy(own: &Made, change: impl FnOnce(&mut openssl::ssl::SslAcceptorBuilder)) -> u16 {
    let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server()).unwrap();
    acceptor.set_security_level(0);
    acceptor.set_certificate(&own.certificate).unwrap();
    acceptor.set_private_key(&own.key).unwrap();
    change(&mut acceptor);
    let acceptor = acceptor.build();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let _ = acceptor.accept(stream);
        }
    });
    port
}

/// Runs `check-config --live` for an installation whose public address has this port, with this root.
async fn live_at(port: u16, root: &Made, how: &'static [&'static str]) -> harness::binary::Said {
    let (_directory, config) = installation_at(port).await;
    // The root of the proxy's certificate replaces the trial's root, and the installation's own certificate is issued
    // by it, too.
    let pki = config.with_file_name("pki");
    root.write(&pki, "tls-root");
    Wanted::new("localhost", Some(root)).make().write(&pki, "tls");
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, text.replacen("trusted_proxies = []", "trusted_proxies = [\"127.0.0.1\"]", 1)).unwrap();
    let arguments = [&["check-config", "--live"], how].concat();
    tokio::task::spawn_blocking(move || muster_at(&config, &arguments, "")).await.unwrap()
}

/// Returns code and severity of the findings about the public address.
fn at_address(said: &harness::binary::Said) -> Vec<(String, String)> {
    let findings: Vec<serde_json::Value> = serde_json::from_str(&said.out).unwrap();
    let about = findings.iter().filter(|finding| finding["about"] == "server.public_url");
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    about.map(|finding| (text(&finding["code"]), text(&finding["severity"]))).collect()
}

fn up_to_tls12(acceptor: &mut openssl::ssl::SslAcceptorBuilder, suites: &str) {
    acceptor.set_max_proto_version(Some(SslVersion::TLS1_2)).unwrap();
    acceptor.set_cipher_list(suites).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn check_config_live_sees_what_devices_see_through_the_proxy() {
    let root = root();
    let wanted = || Wanted::new("localhost", Some(&root));
    let other = Wanted::new("Another root", None).make();
    let p192 = Wanted { key: curve(Nid::X9_62_PRIME192V1), ..wanted() }.make();
    let old = |acceptor: &mut openssl::ssl::SslAcceptorBuilder| {
        acceptor.set_min_proto_version(Some(SslVersion::TLS1)).unwrap();
        acceptor.clear_options(openssl::ssl::SslOptions::NO_TLSV1 | openssl::ssl::SslOptions::NO_TLSV1_1);
        acceptor.set_cipher_list("ALL:@SECLEVEL=0").unwrap();
    };
    let (error, warning) = ("error", "warning");
    for (port, told) in [
        (proxy(&wanted().make(), |it| it.set_cipher_list("ECDHE+AESGCM").unwrap()), None),
        (proxy(&wanted().make(), |it| up_to_tls12(it, "DHE-RSA-AES128-GCM-SHA256")), Some(("tls-suites", error))),
        // No suite matches the certificate, as with DHE in a proxy without parameters.
        (proxy(&wanted().make(), |it| up_to_tls12(it, "ECDHE-ECDSA-AES128-GCM-SHA256")), Some(("tls-suites", error))),
        (proxy(&p192, |it| it.set_cipher_list("ALL:@SECLEVEL=0").unwrap()), Some(("tls-suites", error))),
        (proxy(&wanted().make(), old), Some(("tls-weak-offered", warning))),
        (proxy(&wanted().make(), |it| it.set_cipher_list("ALL").unwrap()), Some(("tls-weak-offered", warning))),
        (proxy(&Wanted { server_auth: false, ..wanted() }.make(), |_| {}), Some(("tls-without-server-auth", error))),
        (proxy(&Wanted { key: rsa(1024), ..wanted() }.make(), |_| {}), Some(("tls-key-weak", error))),
        (proxy(&Wanted { term: (-90, -1), ..wanted() }.make(), |_| {}), Some(("certificate-expired", error))),
        (proxy(&Wanted::new("other", Some(&root)).make(), |_| {}), Some(("tls-certificate-for-another-name", error))),
        (proxy(&Wanted::new("localhost", Some(&other)).make(), |_| {}), Some(("tls-chain-not-of-root", error))),
        (ports::free(), Some(("public-url-unreachable", warning))),
    ] {
        let said = live_at(port, &root, &["--json"]).await;
        let live = at_address(&said);
        let first = live.first().map(|(code, severity)| (code.as_str(), severity.as_str()));
        assert_eq!(first, told, "{said:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_devices_refuse_at_the_proxy_is_not_said_to_keep_the_server_from_starting() {
    let root = root();
    let wanted = || Wanted::new("localhost", Some(&root));
    for own in [Wanted { term: (-1, 826), ..wanted() }.make(), Wanted::new("other", Some(&root)).make()] {
        let said = live_at(proxy(&own, |_| {}), &root, &[]).await;
        let told = "the server starts, but devices refuse what answers at its address";
        assert!(said.code == Some(1) && said.out.contains(told), "{said:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn check_config_says_that_the_server_does_not_start_with_a_certificate_that_openssl_refuses() {
    let root = root();
    let wanted = || Wanted::new("localhost", Some(&root));
    for own in [
        Wanted { key: rsa(1024), ..wanted() }.make(),
        Wanted { key: curve(Nid::X9_62_PRIME192V1), ..wanted() }.make(),
        Wanted { digest: MessageDigest::sha1(), ..wanted() }.make(),
    ] {
        let (_directory, config) = installation().await;
        own.write(&config.with_file_name("pki"), "tls");
        root.write(&config.with_file_name("pki"), "tls-root");
        for proxy in ["", "\"127.0.0.1\""] {
            let text = std::fs::read_to_string(&config).unwrap();
            let behind = format!("trusted_proxies = [{proxy}]");
            std::fs::write(&config, text.replacen("trusted_proxies = []", &behind, 1)).unwrap();
            let checked = muster_at(&config, &["check-config"], "");
            assert!(checked.code == Some(1) && checked.out.contains("the server does not start"), "{checked:#?}");
            let served = muster_at(&config, &["serve"], "").expect_failure();
            assert!(served.contains("the server's TLS library refuses"), "{served}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn with_an_expired_certificate_the_server_starts_and_raises_an_alarm() {
    let (_directory, config) = installation().await;
    let metrics = ports::free();
    let pki = config.with_file_name("pki");
    let root = root();
    let own = Wanted { term: (-90, -1), ..Wanted::new("localhost", Some(&root)) }.make();
    own.write(&pki, "tls");
    root.write(&pki, "tls-root");
    let text = std::fs::read_to_string(&config).unwrap();
    let asked = format!("metrics_listen = \"127.0.0.1:{metrics}\"");
    assert!(text.contains("metrics_listen = \"127.0.0.1:0\""), "{text}");
    std::fs::write(&config, text.replace("metrics_listen = \"127.0.0.1:0\"", &asked)).unwrap();
    let (said, mut server) = {
        let config = config.clone();
        let both = move || (muster_at(&config, &["check-config"], ""), Serving::start(&config));
        tokio::task::spawn_blocking(both).await.unwrap()
    };
    assert_eq!(said.code, Some(1), "{said:#?}");
    assert!(said.out.contains("error: pki.tls_certificate: the certificate expired on"), "{}", said.out);
    let shown = reqwest::get(format!("http://127.0.0.1:{metrics}/metrics")).await.unwrap().text().await.unwrap();
    assert!(shown.contains("muster_alarms_total{alarm=\"tls-certificate-expired\"} 1"), "{shown}");
    server.terminate();
}
