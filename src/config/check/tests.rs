//! Tests of each finding, with a complete installation in which one thing is wrong.

use super::*;
use crate::app::initialize::{Plan, initialize};
use openssl::asn1::Asn1Time;
use openssl::hash::MessageDigest;
use openssl::pkey::{Id, PKey, Private};
use openssl::rsa::Rsa;
use openssl::x509::extension::SubjectAlternativeName;
use openssl::x509::{X509, X509Name};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use tempfile::TempDir;
use world::World;

static MADE: OnceLock<(TempDir, Config)> = OnceLock::new();

const DAY: i64 = 86_400;

/// A valid configuration, shared by the tests: a test that changes a file copies it first.
fn sound() -> Config {
    let made = || {
        let directory = tempfile::tempdir().unwrap();
        let plan = Plan {
            directory: directory.path().join("muster"),
            organization: "Example School".into(),
            public_url: "https://enroll.example.com".into(),
            listen: "127.0.0.1:0".into(),
            metrics_listen: "127.0.0.1:0".into(),
            hosts: vec!["enroll.example.com".into(), "192.0.2.7".into()],
            trial: true,
            given: Default::default(),
            push_base_url: "https://localhost:1".into(),
        };
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let made = runtime.block_on(initialize(&plan, &World::system())).unwrap();
        (directory, Config::load(&made.config).unwrap())
    };
    MADE.get_or_init(made).1.clone()
}

/// The findings after `change`, with the clock `later` days ahead (or back, if negative).
fn found(later: i64, change: impl FnOnce(&mut Config)) -> Vec<Finding> {
    let mut config = sound();
    change(&mut config);
    check(&config, World::system().now().plus_seconds(later * DAY))
}

#[track_caller]
fn assert_finds(findings: &[Finding], severity: Severity, code: &str, about: &str) {
    let there =
        findings.iter().any(|found| (found.severity, found.code, found.about.as_str()) == (severity, code, about));
    assert!(there, "{code} about {about} is not in {findings:#?}");
}

fn write(name: &str, bytes: &[u8], mode: u32) -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    (directory, path)
}

/// A self-signed certificate, valid from `from` to `to` days from now, with its key; both PEM.
fn certificate(subject: &[(&str, &str)], from: i64, to: i64) -> (Vec<u8>, Vec<u8>) {
    certificate_of(&PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap(), subject, from, to)
}

fn certificate_of(key: &PKey<Private>, subject: &[(&str, &str)], from: i64, to: i64) -> (Vec<u8>, Vec<u8>) {
    let now = World::system().now().0 / 1_000_000;
    let mut name = X509Name::builder().unwrap();
    for (field, value) in subject {
        name.append_entry_by_text(field, value).unwrap();
    }
    let name = name.build();
    let mut builder = X509::builder().unwrap();
    builder.set_version(2).unwrap();
    builder.set_subject_name(&name).unwrap();
    builder.set_issuer_name(&name).unwrap();
    builder.set_pubkey(key).unwrap();
    builder.set_not_before(&Asn1Time::from_unix(now + from * DAY).unwrap()).unwrap();
    builder.set_not_after(&Asn1Time::from_unix(now + to * DAY).unwrap()).unwrap();
    let names = SubjectAlternativeName::new().dns("*.example.com").build(&builder.x509v3_context(None, None)).unwrap();
    builder.append_extension(names).unwrap();
    let digest = if key.id() == Id::ED25519 { MessageDigest::null() } else { MessageDigest::sha256() };
    builder.sign(key, digest).unwrap();
    (builder.build().to_pem().unwrap(), key.private_key_to_pem_pkcs8().unwrap())
}

#[test]
fn a_new_trial_starts_and_only_its_private_chain_is_noted() {
    let findings = found(0, |_| {});
    let codes: Vec<&str> = findings.iter().map(|finding| finding.code).collect();
    assert_eq!(codes, ["tls-chain-private"], "{findings:#?}");
}

#[test]
fn a_key_among_certificates_that_others_may_read_is_a_warning() {
    let (certificate, key) = certificate(&[("UID", "com.apple.mgmt.x")], -1, 90);
    let both = [certificate, key].concat();
    for (mode, told) in [(0o644, true), (0o600, false)] {
        let (_directory, path) = write("push.pem", &both, mode);
        let findings = found(0, |config| config.push.certificate = Some(path));
        assert_eq!(findings.iter().any(|finding| finding.code == "key-among-certificates"), told, "{findings:#?}");
    }
}

#[test]
fn a_public_url_that_is_no_url_or_not_https_or_more_than_an_origin_is_an_error() {
    for (url, code) in [
        ("enroll.example.com", "public-url-not-a-url"),
        ("http://enroll.example.com", "public-url-not-https"),
        ("https://enroll.example.com/mdm", "public-url-with-path"),
        ("https://enroll.example.com/", "public-url-with-path"),
        ("https://ada@enroll.example.com", "public-url-with-path"),
        ("https://enroll.example.com?x=1", "public-url-with-path"),
    ] {
        let findings = found(0, |config| config.server.public_url = url.into());
        assert_finds(&findings, Severity::Error, code, "server.public_url");
    }
}

#[test]
fn a_tls_certificate_for_another_name_is_an_error() {
    let findings = found(0, |config| config.server.public_url = "https://mdm.example.com".into());
    assert_finds(&findings, Severity::Error, "tls-certificate-for-another-name", "pki.tls_certificate");
    let by_address = found(0, |config| config.server.public_url = "https://192.0.2.7:8443".into());
    assert!(by_address.iter().all(|finding| finding.severity > Severity::Error), "{by_address:#?}");
    let other_address = found(0, |config| config.server.public_url = "https://192.0.2.8:8443".into());
    assert_finds(&other_address, Severity::Error, "tls-certificate-for-another-name", "pki.tls_certificate");
}

#[test]
fn a_tls_certificate_that_is_not_for_the_address_of_devices_is_an_error_where_we_show_it_to_them() {
    let with = |url: &str, own: bool| {
        found(0, |config| {
            config.devices.url = Some(url.into());
            config.devices.client_cert_header = !own;
            config.devices.listen = own.then(|| "127.0.0.1:0".parse().unwrap());
            config.server.trusted_proxies = vec!["10.0.0.1".parse().unwrap()];
        })
    };
    let findings = with("https://mdm.example.com", true);
    assert_finds(&findings, Severity::Error, "tls-certificate-for-another-name", "pki.tls_certificate");
    assert!(findings.iter().any(|finding| finding.wrong.contains("devices.url")), "{findings:#?}");
    for fine in [with("https://enroll.example.com:8444", true), with("https://mdm.example.com", false)] {
        assert!(fine.iter().all(|finding| finding.severity > Severity::Error), "{fine:#?}");
    }
}

#[test]
fn behind_a_proxy_the_certificate_stops_nobody_unless_a_listener_of_devices_shows_it_to_them() {
    let (nameless, key) = certificate_of(&PKey::generate_ed25519().unwrap(), &[("CN", "x")], 0, 90);
    let ((_a, certificate), (_b, key)) = (write("tls.pem", &nameless, 0o644), write("tls.key", &key, 0o600));
    let with = |listen: bool| {
        found(0, |config| {
            config.pki.tls_certificate = certificate.clone();
            config.pki.tls_key = key.clone();
            config.server.public_url = "https://mdm.example.org".into();
            config.server.trusted_proxies = vec!["10.0.0.1".parse().unwrap()];
            if listen {
                config.devices.url = Some("https://enroll.example.org:8444".into());
                config.devices.listen = Some("127.0.0.1:0".parse().unwrap());
            }
        })
    };
    let proxied = with(false);
    for code in ["tls-certificate-for-another-name", "tls-key-weak", "tls-chain-not-of-root"] {
        assert_finds(&proxied, Severity::Warning, code, "pki.tls_certificate");
    }
    assert!(proxied.iter().all(|finding| !stops_serve(finding)), "{proxied:#?}");
    let shown = with(true);
    for code in ["tls-certificate-for-another-name", "tls-key-weak", "tls-chain-not-of-root"] {
        assert_finds(&shown, Severity::Error, code, "pki.tls_certificate");
    }
    assert!(shown.iter().any(|finding| finding.wrong.contains("devices.url")), "{shown:#?}");
}

#[test]
fn an_address_that_is_listened_on_twice_is_an_error_that_names_both_settings() {
    let with = |listen: &str, metrics: &str, devices: &str| {
        found(0, |config| {
            config.server.listen = listen.parse().unwrap();
            config.server.metrics_listen = metrics.parse().unwrap();
            config.devices.url = Some("https://enroll.example.com:8444".into());
            config.devices.listen = Some(devices.parse().unwrap());
        })
    };
    let code = "address-listened-on-twice";
    let same = with("127.0.0.1:8443", "127.0.0.1:8443", "127.0.0.1:8444");
    assert_finds(&same, Severity::Error, code, "server.metrics_listen");
    for (listen, devices) in [("0.0.0.0:8443", "127.0.0.1:8443"), ("[::]:8443", "0.0.0.0:8443")] {
        let covered = with(listen, "127.0.0.1:9443", devices);
        assert_finds(&covered, Severity::Error, code, "devices.listen");
        let named = covered.iter().any(|finding| finding.code == code && finding.wrong.contains("server.listen"));
        assert!(named, "{covered:#?}");
    }
    for (listen, devices) in [("127.0.0.1:0", "127.0.0.1:0"), ("0.0.0.0:8443", "[::1]:8443")] {
        let apart = with(listen, "127.0.0.1:0", devices);
        assert!(apart.iter().all(|finding| finding.code != code), "{apart:#?}");
    }
}

#[test]
fn a_star_stands_for_one_label_and_a_certificate_for_three_years_is_refused_as_ios_refuses_it() {
    let (pem, key) = certificate(&[("CN", "example")], 0, 1_095);
    let ((_a, certificate), (_b, key)) = (write("tls.pem", &pem, 0o644), write("tls.key", &key, 0o600));
    let use_it = |url: &str| {
        found(0, |config| {
            config.server.public_url = url.into();
            config.pki.tls_certificate = certificate.clone();
            config.pki.tls_key = key.clone();
            config.pki.tls_root = None;
        })
    };
    let findings = use_it("https://enroll.example.com");
    assert_finds(&findings, Severity::Error, "tls-certificate-too-long", "pki.tls_certificate");
    assert_finds(&findings, Severity::Error, "tls-certificate-self-signed", "pki.tls_certificate");
    assert_finds(&findings, Severity::Warning, "tls-chain-not-trusted", "pki.tls_certificate");
    assert!(findings.iter().all(|finding| finding.code != "tls-certificate-for-another-name"), "{findings:#?}");
    let deeper = use_it("https://a.enroll.example.com");
    assert_finds(&deeper, Severity::Error, "tls-certificate-for-another-name", "pki.tls_certificate");
}

#[test]
fn what_devices_refuse_in_a_tls_certificate_is_an_error_each_by_its_code_and_none_keeps_the_server_from_starting() {
    let with = |pem: &[u8], key: &[u8], proxy: bool| {
        let ((_a, certificate), (_b, key)) = (write("tls.pem", pem, 0o644), write("tls.key", key, 0o600));
        found(0, |config| {
            config.pki.tls_root = Some(certificate.clone());
            config.pki.tls_certificate = certificate.clone();
            config.pki.tls_key = key.clone();
            if proxy {
                config.server.trusted_proxies = vec!["10.0.0.1".parse().unwrap()];
            }
        })
    };
    let rsa = |bits| PKey::from_rsa(Rsa::generate(bits).unwrap()).unwrap();
    let curve = |nid| {
        let group = openssl::ec::EcGroup::from_curve_name(nid).unwrap();
        PKey::from_ec_key(openssl::ec::EcKey::generate(&group).unwrap()).unwrap()
    };
    for (key, code, starts) in [
        (rsa(1024), "tls-key-weak", false),
        (curve(openssl::nid::Nid::X9_62_PRIME192V1), "tls-key-weak", false),
        (PKey::generate_ed25519().unwrap(), "tls-key-weak", true),
        (rsa(2048), "tls-without-server-auth", true),
        (curve(openssl::nid::Nid::X9_62_PRIME256V1), "tls-certificate-self-signed", true),
    ] {
        let (pem, key) = certificate_of(&key, &[("CN", "example")], 0, 90);
        let findings = with(&pem, &key, false);
        assert_finds(&findings, Severity::Error, code, "pki.tls_certificate");
        // Behind a proxy, devices may get another certificate. `serve` loads this one anyway.
        let proxied = with(&pem, &key, true);
        assert_finds(&proxied, Severity::Warning, code, "pki.tls_certificate");
        for found in [findings, proxied] {
            let stopping = found.iter().filter(|finding| stops_serve(finding)).map(|finding| finding.code);
            let expected = if starts { vec![] } else { vec!["tls-certificate-unusable"] };
            assert_eq!(stopping.collect::<Vec<_>>(), expected, "{found:#?}");
        }
    }
}

#[test]
fn a_tls_certificate_that_another_root_issued_is_an_error() {
    let findings = found(0, |config| config.pki.tls_root = Some(config.pki.identity_ca_certificate.clone()));
    assert_finds(&findings, Severity::Error, "tls-chain-not-of-root", "pki.tls_certificate");
}

#[test]
fn certificates_out_of_their_time_are_warned_of() {
    let later = found(900, |_| {});
    assert_finds(&later, Severity::Error, "certificate-expired", "pki.tls_certificate");
    assert_finds(&later, Severity::Warning, "certificate-expired", "push.certificate");
    let soon = found(350, |_| {});
    assert_finds(&soon, Severity::Warning, "certificate-expires-soon", "push.certificate");
    let earlier = found(-30, |_| {});
    assert_finds(&earlier, Severity::Warning, "certificate-not-yet-valid", "pki.identity_ca_certificate");
}

#[test]
fn a_key_of_another_certificate_is_an_error() {
    let findings = found(0, |config| config.pki.tls_key = config.pki.profile_signer_key.clone());
    assert_finds(&findings, Severity::Error, "key-of-another-certificate", "pki.tls_key");
}

#[test]
fn missing_files_are_errors_each_by_its_key() {
    let findings = found(0, |config| {
        config.pki.identity_ca_key = "/nowhere/ca.key".into();
        config.pki.tls_certificate = "/nowhere/tls.pem".into();
        config.store.master_key = "/nowhere/master.key".into();
    });
    for about in ["pki.identity_ca_key", "pki.tls_certificate", "store.master_key"] {
        assert_finds(&findings, Severity::Error, "file-unreadable", about);
    }
}

#[test]
fn files_that_hold_something_else_are_errors() {
    let (_directory, path) = write("text", b"hello", 0o600);
    let findings = found(0, |config| {
        config.pki.tls_certificate = path.clone();
        config.pki.identity_ca_key = path.clone();
        config.store.master_key = path.clone();
    });
    assert_finds(&findings, Severity::Error, "not-a-certificate", "pki.tls_certificate");
    assert_finds(&findings, Severity::Error, "not-a-key", "pki.identity_ca_key");
    assert_finds(&findings, Severity::Error, "master-key-unusable", "store.master_key");
}

#[test]
fn keys_that_everybody_may_read_are_warned_of() {
    let config = sound();
    let (_a, tls) = write("tls.key", &std::fs::read(&config.pki.tls_key).unwrap(), 0o644);
    let (_b, master) = write("master.key", &std::fs::read(&config.store.master_key).unwrap(), 0o604);
    let findings = found(0, |config| {
        config.pki.tls_key = tls.clone();
        config.store.master_key = master.clone();
    });
    assert_finds(&findings, Severity::Warning, "key-open-to-others", "pki.tls_key");
    // The reader of the key file may reject it before the warning.
    assert!(findings.iter().any(|finding| finding.about == "store.master_key"), "{findings:#?}");
}

#[test]
fn a_mistyped_directory_is_an_error_and_nothing_is_made_there() {
    let directory = tempfile::tempdir().unwrap();
    let missing = directory.path().join("data");
    let findings = found(0, |config| config.store.directory = missing.clone());
    assert_finds(&findings, Severity::Error, "directory-missing", "store.directory");
    let findings = found(0, |config| config.store.directory = directory.path().to_owned());
    assert_finds(&findings, Severity::Error, "log-missing", "store.directory");
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[test]
fn a_missing_push_certificate_is_warned_of_and_half_of_one_is_an_error() {
    let findings = found(0, |config| (config.push.certificate, config.push.key) = (None, None));
    assert_finds(&findings, Severity::Warning, "push-certificate-missing", "push.certificate");
    let findings = found(0, |config| config.push.key = None);
    assert_finds(&findings, Severity::Error, "push-pair-incomplete", "push");
}

#[test]
fn the_push_certificate_of_a_trial_is_warned_of_at_apples_push_service_alone() {
    let code = "push-certificate-not-of-apple";
    let findings = found(0, |config| config.push.base_url = "https://api.push.apple.com".into());
    assert_finds(&findings, Severity::Warning, code, "push.certificate");
    let finding = findings.iter().find(|finding| finding.code == code).unwrap();
    assert!(finding.wrong.contains("Example School") && finding.mend.contains("muster simulate"), "{finding}");
    let findings = found(0, |config| config.push.base_url = "https://localhost:8444".into());
    assert!(!findings.iter().any(|finding| finding.code == code), "{findings:#?}");
}

#[test]
fn a_push_certificate_without_a_topic_is_an_error() {
    let findings = found(0, |config| {
        config.push.certificate = Some(config.pki.profile_signer_certificate.clone());
        config.push.key = Some(config.pki.profile_signer_key.clone());
    });
    assert_finds(&findings, Severity::Error, "push-certificate-without-topic", "push.certificate");
}

#[test]
fn a_push_service_without_https_is_an_error() {
    let findings = found(0, |config| config.push.base_url = "http://localhost:1".into());
    assert_finds(&findings, Severity::Error, "push-url-not-https", "push.base_url");
}

#[test]
fn devices_that_present_their_identity_need_an_address_and_somebody_who_asks_for_it() {
    let url = |url: &'static str| move |config: &mut Config| config.devices.url = Some(url.into());
    assert_finds(&found(0, url("https://mdm.example.com")), Severity::Error, "devices-not-asked", "devices.url");
    let plain = |config: &mut Config| {
        config.devices.url = Some("http://mdm.example.com".into());
        config.devices.listen = Some("127.0.0.1:8443".parse().unwrap());
    };
    assert_finds(&found(0, plain), Severity::Error, "devices-url-not-https", "devices.url");
    let alone = |config: &mut Config| config.devices.listen = Some("127.0.0.1:8443".parse().unwrap());
    assert_finds(&found(0, alone), Severity::Error, "devices-listener-without-url", "devices.listen");
    let nobody = |config: &mut Config| config.devices.client_cert_header = true;
    let about = "devices.client_cert_header";
    assert_finds(&found(0, nobody), Severity::Error, "client-cert-header-without-proxy", about);
}

#[test]
fn metrics_that_others_can_reach_are_warned_of() {
    let findings = found(0, |config| config.server.metrics_listen = "0.0.0.0:9443".parse().unwrap());
    assert_finds(&findings, Severity::Warning, "metrics-not-on-loopback", "server.metrics_listen");
}

#[test]
fn a_publicly_trusted_chain_needs_no_root_of_its_own() {
    let config = sound();
    let reading = Reading::of(&config);
    let root = std::fs::read(config.pki.tls_root.as_deref().unwrap_or(Path::new(""))).unwrap();
    let mut roots = openssl::x509::store::X509StoreBuilder::new().unwrap();
    roots.add_cert(X509::from_pem(&root).unwrap()).unwrap();
    let findings = tls::check(&config, &reading, &Some(roots.build()));
    assert_finds(&findings, Severity::Note, "tls-root-not-needed", "pki.tls_root");
}

#[test]
fn a_finding_says_what_is_wrong_where_and_how_to_mend_it() {
    let findings = found(0, |config| config.server.public_url = "https://enroll.example.com/mdm".into());
    let said = findings[0].to_string();
    assert!(said.starts_with("error: server.public_url: ") && said.contains("https://enroll.example.com\""), "{said}");
}

#[test]
fn a_ca_of_devices_that_cannot_be_read_is_an_error_and_one_that_expired_is_none() {
    let about = "devices.device_ca_certificates";
    let (_folder, nothing) = write("empty.pem", b"", 0o644);
    let found = |path: &Path| found(0, |config| config.devices.device_ca_certificates = vec![path.to_owned()]);
    assert_finds(&found(&nothing), Severity::Error, "not-a-certificate", about);
    assert_finds(&found(Path::new("/nowhere/ca.pem")), Severity::Error, "file-unreadable", about);
    let (_folder, expired) = write("ca.pem", &certificate(&[("CN", "a device CA")], -3_000, -30).0, 0o644);
    let findings = found(&expired);
    assert!(findings.iter().all(|finding| finding.about != about), "{findings:#?}");
}

#[test]
fn further_roots_of_attestations_are_a_warning_and_those_that_cannot_be_read_an_error() {
    let about = "pki.attestation_roots";
    assert!(found(0, |_| {}).iter().all(|finding| finding.about != about));
    let found = |path: &Path| found(0, |config| config.pki.attestation_roots = vec![path.to_owned()]);
    let (_folder, root) = write("root.pem", &certificate(&[("CN", "a root")], -30, 30).0, 0o644);
    assert_finds(&found(&root), Severity::Warning, "attestation-roots-set", about);
    assert_finds(&found(Path::new("/nowhere/root.pem")), Severity::Error, "file-unreadable", about);
}
