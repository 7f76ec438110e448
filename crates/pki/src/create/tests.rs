//! Tests of the files that `init` creates, and of its messages about provided files.

use super::*;
use crate::files;
use openssl::nid::Nid;
use openssl::x509::X509;
use std::os::unix::fs::PermissionsExt;

fn plan(trial: bool, given: Given) -> Plan<'static> {
    static HOSTS: std::sync::LazyLock<Vec<String>> =
        std::sync::LazyLock::new(|| vec!["enroll.example.org".into(), "127.0.0.1".into()]);
    Plan { organization: "Example School", hosts: &HOSTS, trial, given }
}

fn text(path: &Path) -> String {
    String::from_utf8(files::certificate(path).unwrap().to_text().unwrap()).unwrap()
}

fn refusal(result: Result<Made, CreateError>) -> String {
    result.err().expect("it is refused").to_string()
}

fn self_signed(directory: &Path, name: &str, now: i64) -> Pair {
    let maker = Maker { directory, organization: "Given", now };
    maker.make(name, Use::TlsServer, &[("CN", "given")], &["enroll.example.org".into()], None).unwrap().0
}

#[test]
fn a_trial_gets_everything_and_it_loads() {
    let directory = tempfile::tempdir().unwrap();
    let made = create(directory.path(), &plan(true, Given::default()), &World::system()).unwrap();
    let pki = Pki::load(&made.files, made.push()).unwrap();

    let topic = pki.push_topic().expect("a trial has a topic");
    uuid::Uuid::parse_str(topic.strip_prefix("com.apple.mgmt.External.").expect("the prefix of a topic")).unwrap();
    assert_eq!(pki.fingerprints().identity_ca.len(), 64);
    let server = made.push_server.unwrap();
    let root = files::certificate(&server.root).unwrap();
    for signed in [&server.certificate, made.push_certificate.as_ref().unwrap()] {
        assert!(files::is_issued_by(&files::certificate(signed).unwrap(), &root), "{signed:?}");
    }
}

#[test]
fn private_keys_are_for_their_owner_only_and_are_never_overwritten() {
    let directory = tempfile::tempdir().unwrap();
    create(directory.path(), &plan(true, Given::default()), &World::system()).unwrap();
    let mut keys = 0;
    for entry in std::fs::read_dir(directory.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "key") {
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600, "{path:?}");
            keys += 1;
        }
    }
    assert_eq!(keys, 8);
    let again = refusal(create(directory.path(), &plan(true, Given::default()), &World::system()));
    assert!(again.contains("identity-ca.key: cannot be written"), "{again}");
}

#[test]
fn the_tls_certificate_is_one_that_ios_accepts() {
    let directory = tempfile::tempdir().unwrap();
    let made = create(directory.path(), &plan(true, Given::default()), &World::system()).unwrap();
    let certificate = files::certificate(&made.files.tls_certificate).unwrap();
    let text = text(&made.files.tls_certificate);
    assert!(text.contains("DNS:enroll.example.org, IP Address:127.0.0.1"), "{text}");
    assert!(text.contains("TLS Web Server Authentication"), "{text}");
    assert!(text.contains("Signature Algorithm: sha256WithRSAEncryption"), "{text}");
    assert_eq!(certificate.public_key().unwrap().bits(), 2048);
    let validity = certificate.not_before().diff(certificate.not_after()).unwrap();
    assert!((1..=825).contains(&validity.days), "{} days", validity.days);
}

#[test]
fn the_certificate_used_for_scep_signs_and_is_encrypted_to_and_is_no_ca() {
    let directory = tempfile::tempdir().unwrap();
    let made = create(directory.path(), &plan(true, Given::default()), &World::system()).unwrap();
    let text = text(&made.files.registration_authority_certificate);
    assert!(text.contains("Digital Signature, Key Encipherment"), "{text}");
    assert!(text.contains("CA:FALSE"), "{text}");
}

#[test]
fn without_a_trial_the_tls_certificate_is_asked_for_and_no_push_certificate_is_made() {
    let directory = tempfile::tempdir().unwrap();
    let said = refusal(create(directory.path(), &plan(false, Given::default()), &World::system()));
    assert!(said.contains("give the server's own"), "{said}");

    let now = World::system().now().0 / 1_000_000;
    let tls = self_signed(directory.path(), "mine", now);
    let given = Given { tls: Some(tls), ..Given::default() };
    let made = create(&directory.path().join("pki"), &plan(false, given), &World::system()).unwrap();
    let pki = Pki::load(&made.files, made.push()).unwrap();
    assert_eq!(pki.push_topic(), None);
    assert!(pki.tls_root().is_none());
}

#[test]
fn given_files_are_checked_and_the_refusal_names_file_and_cure() {
    let directory = tempfile::tempdir().unwrap();
    let (dir, now) = (directory.path(), World::system().now().0 / 1_000_000);
    let (one, other) = (self_signed(dir, "one", now), self_signed(dir, "other", now));
    let expired = self_signed(dir, "expired", now - 4_000 * 86_400);
    let mixed = Pair { certificate: one.certificate.clone(), key: other.key.clone() };
    let missing = Pair { certificate: dir.join("nowhere.pem"), key: one.key.clone() };
    let refused = |given| refusal(create(&dir.join("pki"), &plan(true, given), &World::system()));

    let said = refused(Given { tls: Some(mixed), ..Given::default() });
    assert!(said.contains("other.key: is not the key of") && said.contains("made together"), "{said}");
    let said = refused(Given { tls: Some(expired), ..Given::default() });
    assert!(said.contains("expired.pem: expired on") && said.contains("renew"), "{said}");
    let said = refused(Given { identity_ca: Some(one.clone()), ..Given::default() });
    assert!(said.contains("one.pem: cannot sign certificates"), "{said}");
    let said = refused(Given { push: Some(one.clone()), ..Given::default() });
    assert!(said.contains("not an MDM push certificate") && said.contains("identity.apple.com"), "{said}");
    let said = refused(Given { tls: Some(missing), ..Given::default() });
    assert!(said.contains("nowhere.pem: cannot be read"), "{said}");
    let said = refused(Given { registration_authority: Some(one), ..Given::default() });
    assert!(said.contains("without its CA"), "{said}");
}

#[test]
fn a_key_with_a_passphrase_is_refused_at_once_instead_of_asked_for() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("locked.key");
    let key = PKey::from_rsa(Rsa::generate(KEY_BITS).unwrap()).unwrap();
    let pem = key.private_key_to_pem_pkcs8_passphrase(openssl::symm::Cipher::aes_256_cbc(), b"secret").unwrap();
    std::fs::write(&path, pem).unwrap();
    let said = files::private_key(&path).err().unwrap().to_string();
    assert!(said.contains("passphrase") && said.contains("openssl pkey"), "{said}");
}

#[test]
fn an_identity_names_the_device_and_nothing_else_does() {
    let directory = tempfile::tempdir().unwrap();
    let made = create(directory.path(), &plan(true, Given::default()), &World::system()).unwrap();
    let pki = Pki::load(&made.files, made.push()).unwrap();
    let key = PKey::from_rsa(Rsa::generate(KEY_BITS).unwrap()).unwrap();
    let public = PKey::public_key_from_der(&key.public_key_to_der().unwrap()).unwrap();
    let (device, now) = (World::system().uuid(), World::system().now().0 / 1_000_000);

    let issued = pki.issue(&public, device, now, 365).unwrap();
    assert_eq!(pki.device_of(&issued.certificate), Some(device));
    assert_eq!(issued.not_after, now - 3_600 + 365 * 86_400);
    assert_eq!(issued.fingerprint, hex::encode(openssl::sha::sha256(&issued.certificate.to_der().unwrap())));
    let names: Vec<_> = issued.certificate.subject_name().entries_by_nid(Nid::COMMONNAME).collect();
    assert_eq!(names.len(), 1);

    let ra = files::certificate(&made.files.registration_authority_certificate).unwrap();
    assert_eq!(pki.device_of(&ra), None, "the registration authority is not a device");
    let copy: X509 = {
        let foreign = Template {
            purpose: Use::DeviceIdentity,
            subject: &[("CN", &device.to_string())],
            alternative_names: &[],
            now,
            days: 1,
        };
        foreign.sign(&public, Some(pki.identity_ca()), &key).unwrap()
    };
    assert_eq!(pki.device_of(&copy), None, "another CA may use the same name, but cannot sign with our key");
}

#[test]
fn what_people_are_asked_to_trust_bears_the_name_of_the_organization() {
    let long = "Gymnasium für Musik, bildende Künste und Naturwissenschaften der Stadt Beispielhausen";
    for (organization, expected) in [
        ("Example School", "Example School server root".to_owned()),
        (long, format!("{} server root", long.chars().take(52).collect::<String>().trim())),
    ] {
        let directory = tempfile::tempdir().unwrap();
        let made =
            create(directory.path(), &Plan { organization, ..plan(true, Given::default()) }, &World::system()).unwrap();
        for path in [
            made.files.tls_root.as_ref().unwrap(),
            &made.files.identity_ca_certificate,
            &made.files.profile_signer_certificate,
        ] {
            let certificate = files::certificate(path).unwrap();
            let name = certificate.subject_name().entries_by_nid(Nid::COMMONNAME).next().unwrap();
            let name = name.data().to_string().unwrap();
            let begin: String = organization.chars().take(30).collect();
            assert!(name.starts_with(begin.trim()) && name.chars().count() <= 64, "{name}");
        }
        let root = files::certificate(made.files.tls_root.as_ref().unwrap()).unwrap();
        let name = root.subject_name().entries_by_nid(Nid::COMMONNAME).next().unwrap().data().to_string().unwrap();
        assert_eq!(name, expected);
    }
}
