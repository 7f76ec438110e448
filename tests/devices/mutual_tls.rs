//! Tests of devices that present their identity in TLS instead of signing each message, and of proxies that pass it on.

mod haproxy;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use events::Timestamp;
use events::enrollment::EnrollmentKind;
use harness::cast::{Scene, Visitor};
use harness::devices::{TestDevice, base64};
use harness::test_name;
use harness::{TestServer, left_out, with_device_listener};
use muster::config::Config;
use openssl::pkey::PKey;
use openssl::rsa::Rsa;
use openssl::x509::{CrlStatus, X509, X509Crl};
use reqwest::header::HeaderValue;
use simulator::messages::xml;
use simulator::model::Family;
use simulator::signature::Identity;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use world::{ManualClock, World};

fn behind_a_proxy(config: &mut Config) {
    config.server.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
    config.devices.client_cert_header = true;
}

async fn server() -> TestServer {
    TestServer::start_with(World::system(), with_device_listener).await
}

fn devices_url(server: &TestServer) -> String {
    server.app().config.devices.url.clone().unwrap()
}

/// Sends a check-in over a connection that presents this identity, or none.
async fn check_in(server: &TestServer, identity: Option<&Identity>, body: &[u8], signature: Option<&str>) -> u16 {
    let mut client =
        reqwest::Client::builder().add_root_certificate(reqwest::Certificate::from_pem(&server.tls_root()).unwrap());
    if let Some(Identity { certificate, key, .. }) = identity {
        let (certificate, key) = (certificate.to_pem().unwrap(), key.private_key_to_pem_pkcs8().unwrap());
        client = client.identity(reqwest::Identity::from_pkcs8_pem(&certificate, &key).unwrap());
    }
    let request = client.build().unwrap().put(format!("{}/mdm/checkin", devices_url(server))).body(body.to_vec());
    let request = match signature {
        Some(signature) => request.header("Mdm-Signature", signature),
        None => request,
    };
    request.send().await.unwrap().status().as_u16()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_enrolls_and_takes_commands_by_the_certificate_it_presents() {
    let scene = Scene::set_with(with_device_listener).await;
    for visitor in [Visitor::personal(Family::IPhone, "17.5"), Visitor::institutional(Family::IPad, "15.0")] {
        let mut device = scene.enroll(visitor).await;
        let management = device.management().unwrap();
        assert!(!management.mdm.sign_message);
        assert!(management.mdm.check_in_url.starts_with(&devices_url(&scene.server)));
        assert!(
            management.scep.url.starts_with(&scene.server.url()),
            "SCEP stays at the address that needs no identity"
        );
        device.renew_identity().await.unwrap();
        assert_eq!(device.poll().await.unwrap(), [], "the renewed identity opens the same stream");
    }
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_presents_nothing_and_signs_nothing_is_refused_without_ending_management() {
    let server = server().await;
    let device = TestDevice::invited(&server, EnrollmentKind::DeviceEnrollment).await;
    assert_eq!(check_in(&server, None, &xml(&device.authenticate()), None).await, 400);
    assert!(device.history(&server).await.is_empty());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_whose_key_costs_more_than_any_devices_ends_the_connection() {
    let server = server().await;
    let exponent = openssl::bn::BigNum::from_dec_str("4294967311").unwrap();
    let key = PKey::from_rsa(Rsa::generate_with_e(2048, &exponent).unwrap()).unwrap();
    let subject = simulator::certificate_request::subject(&[("CN".into(), "a stranger".into())]).unwrap();
    let identity = simulator::certificate_request::self_signed(&subject, &key).unwrap();
    let mut client =
        reqwest::Client::builder().add_root_certificate(reqwest::Certificate::from_pem(&server.tls_root()).unwrap());
    let (certificate, key) = (identity.certificate.to_pem().unwrap(), key.private_key_to_pem_pkcs8().unwrap());
    client = client.identity(reqwest::Identity::from_pkcs8_pem(&certificate, &key).unwrap());
    let request = client.build().unwrap().put(format!("{}/mdm/checkin", devices_url(&server))).body("<plist/>");
    assert!(request.send().await.is_err(), "the server must not complete the handshake");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_longer_than_any_devices_ends_the_handshake_before_it_is_parsed() {
    let server = server().await;
    let device = TestDevice::invited(&server, EnrollmentKind::DeviceEnrollment).await;
    let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
    let subject = simulator::certificate_request::subject(&[("CN".into(), "filler".into())]).unwrap();
    let filler = simulator::certificate_request::self_signed(&subject, &key).unwrap();
    let Identity { certificate, key, .. } = &device.identity;
    let answered = async |fillers: usize| {
        let chain = [certificate.to_pem().unwrap(), filler.certificate.to_pem().unwrap().repeat(fillers)].concat();
        let root = reqwest::Certificate::from_pem(&server.tls_root()).unwrap();
        let identity = reqwest::Identity::from_pkcs8_pem(&chain, &key.private_key_to_pem_pkcs8().unwrap()).unwrap();
        let client = reqwest::Client::builder().add_root_certificate(root).identity(identity).build().unwrap();
        let request = client.put(format!("{}/mdm/checkin", devices_url(&server))).body(xml(&device.authenticate()));
        request.send().await.map(|answer| answer.status().as_u16())
    };
    assert_eq!(answered(2).await.unwrap(), 200);
    // The chain is half as long as OpenSSL's own limit of 100 KiB.
    assert!(answered(70).await.is_err());
    let metrics = server.app().platform.metrics.render();
    assert!(!metrics.contains("muster_connections_ended_total{why=\"handshake\"} 0\n"), "{metrics}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_certificate_in_tls_is_answered_403_without_a_code() {
    let server = server().await;
    let device = TestDevice::invited(&server, EnrollmentKind::DeviceEnrollment).await;
    let body = xml(&device.authenticate());
    let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
    let subject = simulator::certificate_request::subject(&[("CN".into(), device.id.to_string())]).unwrap();
    let own = simulator::certificate_request::self_signed(&subject, &key).unwrap();
    assert_eq!(check_in(&server, Some(&own), &body, None).await, 403);
    let other = TestDevice::enrolled(&server, EnrollmentKind::DeviceEnrollment).await;
    assert_eq!(check_in(&server, Some(&other.identity), &body, None).await, 403, "another device's certificate");
    assert!(device.history(&server).await.is_empty());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_identity_reaches_the_server_and_is_refused_there() {
    let clock = Arc::new(ManualClock::at(World::system().now()));
    let server = TestServer::start_with(World::at(clock.clone()), with_device_listener).await;
    let device = TestDevice::invited(&server, EnrollmentKind::DeviceEnrollment).await;
    let body = xml(&device.authenticate());
    clock.advance_seconds(4 * 365 * 86_400);
    assert_eq!(check_in(&server, Some(&device.identity), &body, None).await, 403);
    let Timestamp(now) = World::system().now();
    clock.advance_seconds(now / 1_000_000 - World::at(clock.clone()).now().0 / 1_000_000);
    assert_eq!(check_in(&server, Some(&device.identity), &body, None).await, 200);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_signed_by_another_device_than_the_connections_is_refused() {
    let server = server().await;
    let device = TestDevice::invited(&server, EnrollmentKind::DeviceEnrollment).await;
    let other = TestDevice::invited(&server, EnrollmentKind::DeviceEnrollment).await;
    let body = xml(&device.authenticate());
    let sign =
        |device: &TestDevice| simulator::signature::mdm_signature(&body, &device.identity, device.style).unwrap();
    assert_eq!(check_in(&server, Some(&device.identity), &body, Some(&sign(&other))).await, 403);
    assert_eq!(check_in(&server, Some(&device.identity), &body, Some(&sign(&device))).await, 200);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_it_left_a_devices_certificate_revives_nothing() {
    let server = server().await;
    let device = TestDevice::enrolled(&server, EnrollmentKind::UserEnrollment).await;
    let present =
        async |message: &plist::Dictionary| check_in(&server, Some(&device.identity), &xml(message), None).await;
    assert_eq!(present(&device.message("CheckOut")).await, 200);
    let mut history = device.history(&server).await;
    assert_eq!(present(&device.token_update("ANOTHER")).await, 403);
    let mut again = device.authenticate();
    again.insert("OSVersion".into(), "17.6".into());
    assert_eq!(present(&again).await, 403);
    history.push("DeviceMessageRefused".into());
    assert_eq!(device.history(&server).await, history, "the refusal is recorded once, and nothing else happened");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resumed_session_still_carries_the_certificate() {
    if Command::new("openssl").arg("version").output().is_err() {
        return left_out(test_name!(), "openssl is not installed");
    }
    let server = server().await;
    let device = TestDevice::invited(&server, EnrollmentKind::DeviceEnrollment).await;
    let address = server.app().config.devices.listen.unwrap();
    let body = xml(&device.authenticate());
    for version in ["-tls1_2", "-tls1_3"] {
        let (identity, body) = (device.identity.clone(), body.clone());
        let both = tokio::task::spawn_blocking(move || {
            let folder = tempfile::tempdir().unwrap();
            let session = folder.path().join("session");
            let first =
                put(folder.path(), &identity, address, &[version, "-sess_out", session.to_str().unwrap()], &body);
            let again =
                put(folder.path(), &identity, address, &[version, "-sess_in", session.to_str().unwrap()], &body);
            (first, again)
        });
        let (first, again) = both.await.unwrap();
        assert!(first.contains("HTTP/1.1 200") && first.contains("New, "), "{version}: {first}");
        assert!(again.contains("HTTP/1.1 200") && again.contains("Reused, "), "{version}: {again}");
    }
    server.stop().await;
}

/// Sends a check-in with OpenSSL's client, which can store a session. Returns everything that it prints.
fn put(folder: &Path, identity: &Identity, to: SocketAddr, options: &[&str], body: &[u8]) -> String {
    let (certificate, key) = (folder.join("identity.pem"), folder.join("identity.key"));
    std::fs::write(&certificate, identity.certificate.to_pem().unwrap()).unwrap();
    std::fs::write(&key, identity.key.private_key_to_pem_pkcs8().unwrap()).unwrap();
    let mut client = Command::new("openssl")
        .args(["s_client", "-ign_eof", "-connect", &to.to_string(), "-servername", "localhost"])
        .args(["-cert", certificate.to_str().unwrap(), "-key", key.to_str().unwrap()])
        .args(options)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let length = body.len();
    let head = format!(
        "PUT /mdm/checkin HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    let mut input = client.stdin.take().unwrap();
    input.write_all(&[head.as_bytes(), body].concat()).unwrap();
    let output = client.wait_with_output().unwrap();
    drop(input);
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_certificate_of_a_device_that_left_is_on_the_list_that_proxies_fetch() {
    let clock = Arc::new(ManualClock::at(World::system().now()));
    let server = TestServer::start_with(World::at(clock.clone()), |_| {}).await;
    let device = TestDevice::enrolled(&server, EnrollmentKind::DeviceEnrollment).await;
    let other = TestDevice::enrolled(&server, EnrollmentKind::DeviceEnrollment).await;
    let list = async || {
        server.caught_up().await;
        let answer = server.client().get(format!("{}/crl", server.url())).send().await.unwrap();
        assert_eq!(answer.headers()["content-type"], "application/pkix-crl");
        X509Crl::from_der(&answer.bytes().await.unwrap()).unwrap()
    };
    let is_revoked = |list: &X509Crl, device: &TestDevice| {
        matches!(list.get_by_cert(&device.identity.certificate), CrlStatus::Revoked(_))
    };
    assert!(!is_revoked(&list().await, &device));
    assert_eq!(device.check_in(&device.message("CheckOut")).await, 200);
    clock.advance_seconds(61);
    let after = list().await;
    assert!(after.verify(&server.app().devices.pki.identity_ca().public_key().unwrap()).unwrap());
    assert_eq!((is_revoked(&after, &device), is_revoked(&after, &other)), (true, false));
    server.stop().await;
}

/// Sends an unsigned check-in with these `Client-Cert` headers.
async fn through_proxy(server: &TestServer, body: &[u8], headers: &[&str]) -> u16 {
    let mut request = server.client().put(format!("{}/mdm/checkin", server.url())).body(body.to_vec());
    for header in headers {
        request = request.header("Client-Cert", HeaderValue::from_str(header).unwrap());
    }
    request.send().await.unwrap().status().as_u16()
}

fn client_cert(certificate: &X509) -> String {
    format!(":{}:", STANDARD.encode(certificate.to_der().unwrap()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configured_proxy_passes_the_certificate_on() {
    let server = TestServer::start_with(World::system(), behind_a_proxy).await;
    let device = TestDevice::invited(&server, EnrollmentKind::DeviceEnrollment).await;
    let (body, header) = (xml(&device.authenticate()), client_cert(&device.identity.certificate));
    assert_eq!(through_proxy(&server, &body, &[&header]).await, 200);
    for (what, headers) in [
        ("nothing", vec![]),
        ("no colons", vec![base64(&device.identity.certificate.to_der().unwrap())]),
        ("no certificate", vec![":AAAA:".to_owned()]),
        ("two", vec![header.clone(), header.clone()]),
    ] {
        let headers: Vec<&str> = headers.iter().map(String::as_str).collect();
        assert_eq!(through_proxy(&server, &body, &headers).await, 400, "{what}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_in_a_header_is_not_believed_unless_a_configured_proxy_says_it() {
    let stranger = |config: &mut Config| config.devices.client_cert_header = true;
    let silent = |config: &mut Config| config.server.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
    for (what, change) in [("no proxy", &stranger as &dyn Fn(&mut Config)), ("not switched on", &silent)] {
        let server = TestServer::start_with(World::system(), change).await;
        let device = TestDevice::invited(&server, EnrollmentKind::DeviceEnrollment).await;
        let (body, header) = (xml(&device.authenticate()), client_cert(&device.identity.certificate));
        assert_eq!(through_proxy(&server, &body, &[&header]).await, 400, "{what}");
        assert!(device.history(&server).await.is_empty(), "{what}");
        server.stop().await;
    }
}
