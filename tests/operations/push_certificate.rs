//! `muster push`: an administrator gets the first push certificate and renews it. A certificate that could not wake
//! enrolled devices is refused.

use events::enrollment::EnrollmentKind;
use harness::binary::{muster, muster_at};
use harness::certificates::Wanted;
use harness::devices::TestDevice;
use harness::{TestServer, installation};
use openssl::asn1::Asn1Time;
use openssl::bn::BigNum;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::x509::{X509, X509NameBuilder, X509Req};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Certifies requests like Apple's portal, with a test key.
struct Portal {
    key: PKey<Private>,
}

impl Portal {
    fn open() -> Portal {
        Portal { key: PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap() }
    }

    fn certify(&self, request: &Path, topic: &str, from_days: i64, days: i64) -> X509 {
        let request = X509Req::from_pem(&std::fs::read(request).unwrap()).unwrap();
        assert!(request.verify(&request.public_key().unwrap()).unwrap());
        let name = |entries: &[(Nid, &str)]| {
            let mut name = X509NameBuilder::new().unwrap();
            entries.iter().for_each(|(nid, text)| name.append_entry_by_nid(*nid, text).unwrap());
            name.build()
        };
        let at = |days: i64| Asn1Time::from_unix(now() + days * 86_400).unwrap();
        let mut certificate = X509::builder().unwrap();
        certificate.set_version(2).unwrap();
        certificate.set_serial_number(&BigNum::from_u32(9).unwrap().to_asn1_integer().unwrap()).unwrap();
        certificate.set_subject_name(&name(&[(Nid::USERID, topic), (Nid::COMMONNAME, "APSP:test")])).unwrap();
        certificate.set_issuer_name(&name(&[(Nid::ORGANIZATIONNAME, "Apple Inc.")])).unwrap();
        certificate.set_pubkey(&request.public_key().unwrap()).unwrap();
        certificate.set_not_before(&at(from_days)).unwrap();
        certificate.set_not_after(&at(from_days + days)).unwrap();
        certificate.sign(&self.key, MessageDigest::sha256()).unwrap();
        certificate.build()
    }
}

fn now() -> i64 {
    world::World::system().now().0 / 1_000_000
}

/// Creates an installation that is not a trial and has no push certificate yet.
fn fresh() -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let to = directory.path().join("muster");
    let arguments =
        ["init", to.to_str().unwrap(), "--public-url", "https://mdm.example.com", "--organization", "Example"];
    let issuer = Wanted::new("Example root", None).make();
    let (certificate, key) = Wanted::new("mdm.example.com", Some(&issuer)).make().write(directory.path(), "tls");
    let root = issuer.write(directory.path(), "root").0;
    let [certificate, key, root] = [&certificate, &key, &root].map(|path| path.to_str().unwrap());
    let tls = ["--tls-certificate", certificate, "--tls-key", key, "--tls-root", root];
    muster(&[&arguments[..], &tls[..]].concat(), "").expect_success();
    (directory, to.join("muster.toml"))
}

const TOPIC: &str = "com.apple.mgmt.External.11111111-1111-4111-8111-111111111111";

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn findings(config: &Path) -> String {
    let said = muster_at(config, &["check-config"], "");
    said.out
}

#[test]
fn a_new_installation_gets_its_first_push_certificate() {
    let (directory, config) = fresh();
    let home = config.parent().unwrap().to_owned();
    assert!(findings(&config).contains("muster push request"));

    let said = muster_at(&config, &["push", "request", "--mail", "mdm@example.com"], "").expect_success();
    for told in [
        "an MDM vendor must sign it",
        "mdmcert.download",
        "identity.apple.com/pushcert",
        "\"Create a Certificate\"",
        "muster push import",
    ] {
        assert!(said.contains(told), "{told} is missing in\n{said}");
    }
    let (key, request) = (home.join("pki/push-request/push.key"), home.join("pki/push-request/push.csr"));
    assert_eq!((mode(&key), mode(key.parent().unwrap())), (0o600, 0o700));
    let before = std::fs::read(&key).unwrap();
    let again = muster_at(&config, &["push", "request"], "").expect_success();
    assert!(again.contains("still under way"), "{again}");
    assert_eq!(
        std::fs::read(&key).unwrap(),
        before,
        "the key is unchanged, because Apple's certificate will belong to it"
    );

    let given = directory.path().join("MDM_ Example_Certificate.pem");
    let certificate = Portal::open().certify(&request, TOPIC, -1, 365);
    std::fs::write(&given, certificate.to_pem().unwrap()).unwrap();
    let said = muster_at(&config, &["push", "import", given.to_str().unwrap()], "").expect_success();
    for told in [TOPIC, "for 36", "no device is enrolled yet", "certificate = \"pki/push.pem\"", "restart the server"] {
        assert!(said.contains(told), "{told} is missing in\n{said}");
    }
    assert_eq!((mode(&home.join("pki/push.key")), mode(&home.join("pki/push.pem"))), (0o600, 0o644));
    assert_eq!(std::fs::read(home.join("pki/push.key")).unwrap(), before);
    assert!(!request.exists() && !key.exists(), "no second copy of the key remains");
    let text = std::fs::read_to_string(&config).unwrap();
    let text = text.replace("# certificate = \"pki/push.pem\"", "certificate = \"pki/push.pem\"");
    std::fs::write(&config, text.replace("# key = \"pki/push.key\"", "key = \"pki/push.key\"")).unwrap();
    let said = findings(&config);
    assert!(said.contains("the server starts") && !said.contains("push."), "{said}");

    // The renewal, as one year later.
    let said = muster_at(&config, &["push", "request"], "").expect_success();
    assert!(said.contains("RENEW") && said.contains(TOPIC), "{said}");
    let renewed = Portal::open().certify(&request, TOPIC, -1, 366);
    std::fs::write(&given, renewed.to_der().unwrap()).unwrap();
    let said = muster_at(&config, &["push", "import", given.to_str().unwrap()], "").expect_success();
    assert!(said.contains("for 36") && !said.contains("certificate = "), "{said}");
    assert_eq!(std::fs::read(home.join("pki/push.key.old")).unwrap(), before);
    assert_eq!(mode(&home.join("pki/push.key.old")), 0o600);
}

#[test]
fn of_a_file_that_holds_certificate_and_key_each_goes_where_it_belongs() {
    let (directory, config) = fresh();
    let home = config.parent().unwrap().to_owned();
    muster_at(&config, &["push", "request"], "").expect_success();
    let (key, request) = (home.join("pki/push-request/push.key"), home.join("pki/push-request/push.csr"));
    let key = std::fs::read_to_string(&key).unwrap();
    let certificate = Portal::open().certify(&request, TOPIC, -1, 365).to_pem().unwrap();
    let certificate = String::from_utf8(certificate).unwrap();
    // A common form: both in one file, with a note. The request no longer exists.
    let given = directory.path().join("both.pem");
    std::fs::write(&given, format!("Bag Attributes: push\n{key}{certificate}")).unwrap();
    std::fs::remove_dir_all(home.join("pki/push-request")).unwrap();
    let (installed, installed_key) = (home.join("pki/push.pem"), home.join("pki/push.key"));
    // An earlier version installed the whole file, readable by everybody.
    std::fs::copy(&given, &installed).unwrap();
    std::fs::set_permissions(&installed, std::fs::Permissions::from_mode(0o644)).unwrap();

    muster_at(&config, &["push", "import", given.to_str().unwrap()], "").expect_success();
    assert_eq!(std::fs::read_to_string(&installed).unwrap(), certificate, "the file contains only the certificate");
    assert_eq!(std::fs::read_to_string(&installed_key).unwrap(), key);
    assert_eq!((mode(&installed), mode(&installed_key)), (0o644, 0o600));
    assert_eq!(mode(&home.join("pki/push.pem.old")), 0o600, "the old file contains the key");
    assert!(!home.join("pki/push.pem.new").exists() && !home.join("pki/push.key.new").exists());
}

#[test]
fn an_organization_that_is_its_own_vendor_gets_the_file_for_apples_portal() {
    let (directory, config) = fresh();
    let portal = Portal::open();
    // Any complete chain up to its root serves the test.
    let vendor_key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
    let (chain, key) = (directory.path().join("vendor.pem"), directory.path().join("vendor.key"));
    std::fs::write(&key, vendor_key.private_key_to_pem_pkcs8().unwrap()).unwrap();
    let vendor = Wanted { key: vendor_key, ..Wanted::new("Vendor", None) }.make();
    std::fs::write(&chain, vendor.certificate.to_pem().unwrap()).unwrap();
    let (chain, key) = (chain.to_str().unwrap(), key.to_str().unwrap());
    let arguments = ["push", "request", "--vendor-certificate", chain, "--vendor-key", key];
    let said = muster_at(&config, &arguments, "").expect_success();
    assert!(said.contains("push-for-apple.txt") && !said.contains("must sign it"), "{said}");
    let file = config.parent().unwrap().join("pki/push-request/push-for-apple.txt");
    let text = std::fs::read_to_string(file).unwrap();
    use base64::Engine as _;
    let fields: plist::Dictionary =
        plist::from_bytes(&base64::engine::general_purpose::STANDARD.decode(text).unwrap()).unwrap();
    assert_eq!(fields.len(), 3);

    // An incomplete chain is refused before any file is written.
    let request = config.parent().unwrap().join("pki/push-request/push.csr");
    let leaf = portal.certify(&request, TOPIC, -1, 300);
    let (half, half_key) =
        (directory.path().join("half.pem"), config.parent().unwrap().join("pki/push-request/push.key"));
    std::fs::write(&half, leaf.to_pem().unwrap()).unwrap();
    let arguments =
        ["push", "request", "--vendor-certificate", half.to_str().unwrap(), "--vendor-key", half_key.to_str().unwrap()];
    let why = muster_at(&config, &arguments, "").expect_failure();
    assert!(why.contains("apple.com/certificateauthority"), "{why}");
}

#[test]
fn what_is_no_certificate_for_this_key_and_day_is_refused_and_nothing_changes() {
    let (directory, config) = fresh();
    muster_at(&config, &["push", "request"], "").expect_success();
    let home = config.parent().unwrap();
    let request = home.join("pki/push-request/push.csr");
    let other = tempfile::tempdir().unwrap();
    let foreign = other.path().join("other.csr");
    let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
    let mut made = X509Req::builder().unwrap();
    made.set_version(0).unwrap();
    made.set_pubkey(&key).unwrap();
    made.sign(&key, MessageDigest::sha256()).unwrap();
    std::fs::write(&foreign, made.build().to_pem().unwrap()).unwrap();
    let portal = Portal::open();
    let pem = |certificate: X509| certificate.to_pem().unwrap();
    for (bytes, expected) in [
        (std::fs::read(&request).unwrap(), "is the request, not the certificate"),
        (b"<html>Sign in</html>".to_vec(), "is not a certificate"),
        (pem(portal.certify(&foreign, TOPIC, -1, 365)), "no key belongs to"),
        (pem(portal.certify(&request, "com.example.app", -1, 365)), "is not an MDM push certificate"),
        (pem(portal.certify(&request, TOPIC, -400, 365)), "expired on"),
        (pem(portal.certify(&request, TOPIC, 5, 365)), "is not valid before"),
    ] {
        let given = directory.path().join("given.pem");
        std::fs::write(&given, bytes).unwrap();
        let why = muster_at(&config, &["push", "import", given.to_str().unwrap()], "").expect_failure();
        assert!(why.contains(expected), "{expected} is missing in\n{why}");
        assert!(why.contains("given.pem") || why.contains("Nothing was changed"), "{why}");
        assert!(!home.join("pki/push.pem").exists() && !home.join("pki/push.key").exists(), "{expected}");
    }
    assert!(request.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_for_another_topic_than_enrolled_devices_have_is_refused_and_they_are_counted() {
    let (directory, config) = installation().await;
    let server = TestServer::start_in(directory, &config).await;
    for kind in [EnrollmentKind::DeviceEnrollment, EnrollmentKind::UserEnrollment] {
        TestDevice::enrolled(&server, kind).await;
    }
    // A device that only sent Authenticate does not listen to a topic.
    let stopped = TestDevice::invited(&server, EnrollmentKind::DeviceEnrollment).await;
    assert_eq!(stopped.check_in(&stopped.authenticate()).await, 200);
    let left = TestDevice::enrolled(&server, EnrollmentKind::DeviceEnrollment).await;
    assert_eq!(left.check_in(&left.message("CheckOut")).await, 200);
    let ours = server.app().devices.pki.push_topic().unwrap().to_owned();
    let config = server.config_file();
    let command = |arguments: Vec<String>| {
        let config = config.clone();
        tokio::task::spawn_blocking(move || {
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            muster_at(&config, &arguments, "")
        })
    };
    let say = |words: &[&str]| command(words.iter().map(ToString::to_string).collect());
    say(&["push", "request"]).await.unwrap().expect_success();
    let home = server.directory();
    let installed = std::fs::read(home.join("pki/push.pem")).unwrap();
    let (portal, given) = (Portal::open(), home.join("given.pem"));
    let request = home.join("pki/push-request/push.csr");
    std::fs::write(&given, portal.certify(&request, TOPIC, -1, 365).to_pem().unwrap()).unwrap();
    // The server is running, as in practice.
    let why = say(&["push", "import", given.to_str().unwrap()]).await.unwrap().expect_failure();
    for told in [&format!("2 enrolled with {ours}"), TOPIC, "Renew", "Nothing was changed"] {
        assert!(why.contains(told), "{told} is missing in\n{why}");
    }
    assert_eq!(std::fs::read(home.join("pki/push.pem")).unwrap(), installed);
    let why =
        say(&["push", "import", given.to_str().unwrap(), "--give-up-devices", "3"]).await.unwrap().expect_failure();
    assert!(why.contains("cannot wake 2 enrolled devices, but --give-up-devices is 3"), "{why}");

    // If the certificate is copied there manually, check-config reports the mismatch.
    let key = home.join("pki/push-request/push.key");
    std::fs::copy(&given, home.join("pki/push.pem")).unwrap();
    std::fs::copy(&key, home.join("pki/push.key")).unwrap();
    let said = say(&["check-config"]).await.unwrap().out;
    assert!(said.contains("2 enrolled devices listen to another topic"), "{said}");

    std::fs::write(&given, portal.certify(&request, &ours, -1, 365).to_pem().unwrap()).unwrap();
    let said = say(&["push", "import", given.to_str().unwrap()]).await.unwrap().expect_success();
    assert!(said.contains("2 enrolled devices listen to this topic"), "{said}");
    let said = say(&["check-config"]).await.unwrap().out;
    assert!(!said.contains("another topic"), "{said}");
    server.stop().await;
}
