//! Seeds of the corpora: the messages of simulated devices, with every form of signature.

use crate::laws::{RAW, REQUEST};
use openssl::ec::{EcGroup, EcKey};
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use pki::Pki;
use pki::create::{Given, Plan, create};
use pki::scep::authority as server;
use plist::{Dictionary, Value};
use simulator::built_in::DeviceCa;
use simulator::certificate_request::{certification_request, self_signed, subject};
use simulator::hostile::{Shape, spoiled};
use simulator::messages::{self, Identifier, xml};
use simulator::model::{Family, Hardware, IosVersion};
use simulator::scep::{Protection, authority, pki_message};
use simulator::signature::{self, Digest, Identity, Style};
use std::path::Path;
use world::World;

const TOPIC: &str = "com.apple.mgmt.External.00000000-0000-4000-8000-000000000001";
const NOW: i64 = 1_790_000_000;

/// Writes the seeds of all corpora.
pub fn write(corpus: &Path) {
    bodies(corpus);
    signatures(&corpus.join("mdm_signature"));
    device_messages(corpus);
    scep(corpus);
}

fn keep(folder: &Path, name: &str, input: &[u8]) {
    std::fs::create_dir_all(folder).unwrap();
    std::fs::write(folder.join(name), input).unwrap();
}

fn bodies(corpus: &Path) {
    let iphone = Hardware::new(Family::IPhone, IosVersion::new(17, 5));
    let (user, device) = (Identifier::EnrollmentId("an-enrollment-id".into()), Identifier::Udid(iphone.udid.clone()));
    let check_ins = corpus.join("check_in");
    keep(&check_ins, "authenticate-user", &xml(&messages::authenticate(&iphone, &user, TOPIC)));
    keep(&check_ins, "authenticate-device", &xml(&messages::authenticate(&iphone, &device, TOPIC)));
    let update = |identifier, unlock| xml(&messages::token_update(identifier, TOPIC, &[7; 32], "magic", unlock));
    keep(&check_ins, "token-update-user", &update(&user, None));
    keep(&check_ins, "token-update-device", &update(&device, Some(&[1; 64])));
    keep(&check_ins, "check-out", &xml(&messages::check_out(&device, TOPIC)));
    let commands = corpus.join("command");
    keep(&commands, "idle", &xml(&messages::idle(&device)));
    keep(&commands, "acknowledged", &xml(&acknowledged(&device)));
    let error = Dictionary::from_iter([("ErrorCode", Value::from(12021)), ("ErrorDomain", "MCMDMErrorDomain".into())]);
    let mut refused = answer(&user, "Error");
    refused.insert("ErrorChain".into(), Value::Array(vec![error.into()]));
    keep(&commands, "error", &xml(&refused));
    keep(&commands, "not-now", &xml(&answer(&user, "NotNow")));
}

fn answer(identifier: &Identifier, status: &str) -> Dictionary {
    let mut answer = messages::idle(identifier);
    answer.insert("Status".into(), status.into());
    answer.insert("CommandUUID".into(), "0190AAAA-0000-7000-8000-000000000001".into());
    answer
}

// An answer with all results at once.
fn acknowledged(identifier: &Identifier) -> Dictionary {
    let of = |entries: &[(&str, Value)]| Value::Dictionary(entries.iter().cloned().collect());
    let mut told = answer(identifier, "Acknowledged");
    let facts = [("DeviceName", "an iPhone".into()), ("OSVersion", "17.5".into()), ("IsSupervised", false.into())];
    told.insert("QueryResponses".into(), of(&facts));
    told.insert("SecurityInfo".into(), of(&[("PasscodePresent", true.into()), ("HardwareEncryptionCaps", 3.into())]));
    let app = of(&[("Identifier", "com.example.app".into()), ("Name", "An App".into()), ("Version", "1".into())]);
    told.insert("InstalledApplicationList".into(), Value::Array(vec![app]));
    let profile =
        of(&[("PayloadIdentifier", "com.example.enrollment".into()), ("PayloadContent", Value::Array(vec![]))]);
    told.insert("ProfileList".into(), Value::Array(vec![profile]));
    let certificate = of(&[("CommonName", "a CA".into()), ("Data", Value::Data(vec![0x30, 0x00]))]);
    told.insert("CertificateList".into(), Value::Array(vec![certificate]));
    let managed = of(&[("com.example.app", of(&[("Status", "Managed".into())]))]);
    told.insert("ManagedApplicationList".into(), managed);
    told.insert("Identifier".into(), "com.example.app".into());
    told.insert("State".into(), "Installing".into());
    told
}

fn rsa(bits: u32) -> PKey<Private> {
    PKey::from_rsa(Rsa::generate(bits).unwrap()).unwrap()
}

fn named(name: &str, key: &PKey<Private>) -> Identity {
    self_signed(&subject(&[("CN".into(), name.into())]).unwrap(), key).unwrap()
}

fn name(style: Style) -> String {
    let attributes = if style.signed_attributes { "attributes" } else { "bare" };
    let encoding = if style.indefinite { "ber" } else { "der" };
    format!("{:?}-{attributes}-{encoding}", style.digest).to_lowercase()
}

fn signatures(folder: &Path) {
    let body =
        b"<?xml version=\"1.0\"?>\n<plist version=\"1.0\"><dict><key>Status</key><string>Idle</string></dict></plist>";
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    let ecdsa = named("a device", &PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap());
    for (kind, identity) in [("rsa", named("a device", &rsa(2048))), ("ecdsa", ecdsa)] {
        for style in Style::every() {
            let cms = signature::detached(body, &identity, style).unwrap();
            let length = u16::try_from(body.len()).unwrap().to_be_bytes();
            keep(folder, &format!("signed-{kind}-{}", name(style)), &[&length[..], body, &cms].concat());
        }
    }
    let header = signature::mdm_signature(body, &named("a device", &rsa(2048)), Style::REAL).unwrap();
    keep(folder, "header", &[&[0xff, 0xff], header.as_bytes()].concat());
    let stranger = named("a stranger", &rsa(2048));
    let length = u16::try_from(body.len()).unwrap().to_be_bytes();
    let honest = signature::detached(body, &stranger, DER).unwrap();
    shapes(folder, &[&length[..], body].concat(), &honest, &stranger.key);
}

/// Writes each expensive shape of a message that a stranger validly signed. `before` is the prefix of an input in
/// front of the message.
fn shapes(folder: &Path, before: &[u8], honest: &[u8], key: &PKey<Private>) {
    for shape in Shape::EVERY {
        keep(folder, &shape.name(), &[before, &spoiled(honest, shape, 16 * 1024, key).unwrap()].concat());
    }
}

/// With signed attributes, in DER.
const DER: Style = Style { digest: Digest::Sha256, signed_attributes: true, indefinite: false };

fn device_messages(corpus: &Path) {
    let ca = DeviceCa::new().unwrap();
    keep(corpus, "device_ca.pem", &ca.certificate().to_pem().unwrap());
    let iphone = Hardware::new(Family::IPhone, IosVersion::new(17, 5));
    let content = xml(&messages::machine_info(&iphone, false, "en"));
    for style in Style::every() {
        let identity = ca.issue("1EB44D08-42EE-471B-BBD6-136582A7BAA4", 1024, style.digest, NOW).unwrap();
        let message = signature::attached(&content, &identity, &[ca.certificate().clone()], style).unwrap();
        keep(&corpus.join("device_message"), &format!("signed-{}", name(style)), &message);
    }
    let stranger = named("a stranger", &rsa(2048));
    let honest = signature::attached(&content, &stranger, &[], DER).unwrap();
    shapes(&corpus.join("device_message"), &[], &honest, &stranger.key);
}

fn scep(corpus: &Path) {
    let key = rsa(2048);
    keep(corpus, "stranger.key", &key.private_key_to_pem_pkcs8().unwrap());
    let directory = tempfile::tempdir().unwrap();
    let hosts = ["localhost".to_owned()];
    let plan = Plan { organization: "Example School", hosts: &hosts, trial: true, given: Given::default() };
    let made = create(directory.path(), &plan, &World::system()).unwrap();
    let pki = Pki::load(&made.files, made.push()).unwrap();
    let authority = authority(&server::certificates(&pki).unwrap()).unwrap();
    let folder = corpus.join("scep");
    let stranger = named("a stranger", &key);
    for (name, digest, aes) in [("old", Digest::Sha1, false), ("new", Digest::Sha256, true)] {
        let name_of = subject(&[("CN".into(), "a stranger".into())]).unwrap();
        let request = certification_request(&name_of, Some("challenge-1.secret"), &key, digest).unwrap();
        keep(&folder, &format!("request-{name}"), &[&[REQUEST][..], &request].concat());
        for (kind, message_type) in [("enroll", "19"), ("renew", "17")] {
            let protection = Protection { digest, aes };
            let (message, _) = pki_message(&request, message_type, &stranger, &authority, protection).unwrap();
            keep(&folder, &format!("signed-{kind}-{name}"), &[&[RAW][..], &message].concat());
            if (kind, name) == ("enroll", "new") {
                shapes(&folder, &[RAW], &message, &key);
            }
        }
    }
}
