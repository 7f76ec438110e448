//! Checks the profiles against the rule tables, for every version and kind of enrollment that they are served to, and
//! against the rows of the checklist for strict devices that concern a profile. The `openssl` command verifies the
//! signature.

mod snapshots;

use super::*;
use crate::create::{Given, Pair, Plan, create};
use crate::template::{Template, Use};
use crate::testing;
use apple::schema::{hold_profile_against, schema};
use apple::{EnrollmentKind, OsVersion, Target, Violation, check_profile};
use openssl::asn1::Asn1Time;
use openssl::cms::{CMSOptions, CmsContentInfo};
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::x509::extension::BasicConstraints;
use openssl::x509::store::X509StoreBuilder;
use openssl::x509::{X509, X509Builder, X509NameBuilder};
use plist::Dictionary;
use std::process::Command;
use world::World;

const USER: EnrollmentKind = EnrollmentKind::UserEnrollment;
const DEVICE: EnrollmentKind = EnrollmentKind::DeviceEnrollment;
const TEXTS: Texts<'_> = Texts { organization: "Schule <A&B>", display_name: "Gerät", description: "登録\u{0}" };

fn ios(text: &str) -> OsVersion {
    OsVersion::parse(text).unwrap()
}

fn ca_profile(version: OsVersion) -> CaProfile<'static> {
    let names_target = version >= OsVersion::new(12, 2);
    CaProfile { texts: TEXTS, identifier: "org.example.ca", profile_uuid: World::system().random_uuid(), names_target }
}

fn mdm_profile(kind: EnrollmentKind, version: OsVersion) -> MdmProfile<'static> {
    let world = World::system();
    MdmProfile {
        texts: TEXTS,
        identifier: "org.example.mdm",
        profile_uuid: world.random_uuid(),
        identity_uuid: world.random_uuid(),
        mdm_uuid: world.random_uuid(),
        names_target: version >= OsVersion::new(12, 2),
        topic: testing::pki().push_topic().unwrap(),
        server_url: "https://enroll.example.org/mdm/command",
        check_in_url: "https://enroll.example.org/mdm/checkin",
        scep_url: "https://enroll.example.org/scep",
        sign_message: true,
        challenge: "challenge-1.secret",
        device: world.uuid(),
        mode: match kind {
            USER => Mode::UserEnrollment { managed_apple_id: "ada@example.org" },
            DEVICE => Mode::DeviceEnrollment { access_rights: AccessRights::ALL },
        },
    }
}

fn read(xml: &[u8]) -> Value {
    Value::from_reader_xml(xml).unwrap()
}

fn mdm_value(kind: EnrollmentKind, version: OsVersion) -> Value {
    read(&mdm_profile(kind, version).xml(testing::pki()).unwrap())
}

/// Returns the payload of this type, to read or to change.
fn payload<'a>(profile: &'a mut Value, payload_type: &str) -> &'a mut Dictionary {
    let payloads = profile.as_dictionary_mut().unwrap().get_mut("PayloadContent").unwrap().as_array_mut().unwrap();
    let dictionaries = payloads.iter_mut().map(|payload| payload.as_dictionary_mut().unwrap());
    let mut found =
        dictionaries.filter(|payload| payload.get("PayloadType").unwrap().as_string() == Some(payload_type));
    found.next().unwrap()
}

fn said(profile: &Value, kind: EnrollmentKind, version: &str) -> Vec<String> {
    check_profile(profile, Target::new(kind, Some(ios(version)))).iter().map(Violation::to_string).collect()
}

#[test]
fn every_profile_keeps_every_rule_on_every_version_it_is_served_to() {
    for version in ["12.0", "13.1", "15", "17.7", "18.1"] {
        assert_eq!(said(&mdm_value(DEVICE, ios(version)), DEVICE, version), [""; 0], "Device Enrollment on {version}");
    }
    for version in ["13.1", "14.2", "15", "16.6.1", "17", "17.7"] {
        assert_eq!(said(&mdm_value(USER, ios(version)), USER, version), [""; 0], "User Enrollment on {version}");
    }
    for version in ["12.0", "12.2", "13.1", "15", "17.7", "18.1"] {
        let profile = read(&ca_profile(ios(version)).xml(testing::pki()).unwrap());
        for kind in [USER, DEVICE] {
            assert_eq!(said(&profile, kind, version), [""; 0], "CA profile on {version}");
        }
    }
}

fn verification_profile(version: OsVersion) -> VerificationProfile<'static> {
    let world = World::system();
    VerificationProfile {
        texts: TEXTS,
        identifier: "org.example.verification",
        profile_uuid: world.random_uuid(),
        identity_uuid: world.random_uuid(),
        names_target: version >= OsVersion::new(12, 2),
        scep_url: "https://enroll.example.org/scep",
        challenge: "challenge-1.secret",
        device: world.uuid(),
    }
}

#[test]
fn the_profile_to_be_verified_by_keeps_every_rule_and_holds_an_identity_alone() {
    for version in ["12.0", "12.2", "13.1", "17.7", "18.1"] {
        let mut profile = read(&verification_profile(ios(version)).xml(testing::pki()).unwrap());
        assert_eq!(said(&profile, DEVICE, version), [""; 0], "{version}");
        payload(&mut profile, "com.apple.security.scep");
        let payloads = profile.as_dictionary().unwrap().get("PayloadContent").unwrap().as_array().unwrap();
        assert_eq!(payloads.len(), 1, "{version}");
    }
}

/// No schema of Apple's contains it: the keys are those of "Over-the-Air Profile Delivery and Configuration", listing
/// 2-5.
#[test]
fn a_profile_service_is_a_bare_payload_with_the_keys_of_apples_document() {
    let attributes = ["UDID".to_owned(), "SERIAL".to_owned()];
    let service = ProfileService {
        texts: TEXTS,
        identifier: "org.example.device",
        uuid: World::system().random_uuid(),
        url: "https://enroll.example.org/mdm/profile-service",
        attributes: &attributes,
        challenge: "profile-service-1.secret",
    };
    let read = read(&service.xml().unwrap());
    let keys = |value: &Value| {
        let mut keys: Vec<String> = value.as_dictionary().unwrap().keys().cloned().collect();
        keys.sort();
        keys.join(" ")
    };
    assert_eq!(
        keys(&read),
        "PayloadContent PayloadDescription PayloadDisplayName PayloadIdentifier PayloadOrganization PayloadType \
         PayloadUUID PayloadVersion"
    );
    let top = read.as_dictionary().unwrap();
    assert_eq!(top.get("PayloadType").and_then(Value::as_string), Some("Profile Service"));
    assert_eq!(keys(top.get("PayloadContent").unwrap()), "Challenge DeviceAttributes URL");
    let elsewhere = ProfileService { url: "http://enroll.example.org/", ..service };
    assert!(matches!(elsewhere.xml(), Err(ProfileError::Url(_))));
}

#[test]
fn row_1_a_profile_or_payload_without_its_version_is_noticed() {
    let mut profile = mdm_value(DEVICE, ios("17"));
    profile.as_dictionary_mut().unwrap().remove("PayloadVersion").expect("the profile has PayloadVersion");
    for name in ["com.apple.mdm", "com.apple.security.scep", "com.apple.security.root"] {
        payload(&mut profile, name).remove("PayloadVersion").expect("each payload has PayloadVersion");
    }
    assert_eq!(said(&profile, DEVICE, "17").iter().filter(|why| why.ends_with("PayloadVersion is missing")).count(), 4);
}

#[test]
fn row_2_the_mdm_payload_names_the_identity_in_the_same_profile() {
    let mut profile = mdm_value(DEVICE, ios("17"));
    let identity = payload(&mut profile, "com.apple.security.scep").get("PayloadUUID").unwrap().clone();
    let mdm = payload(&mut profile, "com.apple.mdm");
    assert_eq!(mdm.get("IdentityCertificateUUID"), Some(&identity));
    mdm.insert("IdentityCertificateUUID".into(), World::system().random_uuid().to_string().into());
    let why = said(&profile, DEVICE, "17");
    assert_eq!(why, ["com.apple.mdm.IdentityCertificateUUID is not the PayloadUUID of an identity in this profile"]);
}

#[test]
fn rows_3_and_4_no_profile_is_made_without_a_topic_of_mdm() {
    for topic in ["", "com.example.app", "topic"] {
        let profile = MdmProfile { topic, ..mdm_profile(DEVICE, ios("17")) };
        assert!(matches!(profile.xml(testing::pki()), Err(ProfileError::Topic(_))), "{topic:?}");
    }
    let mut profile = mdm_value(DEVICE, ios("17"));
    payload(&mut profile, "com.apple.mdm").insert("Topic".into(), "com.example.app".into());
    assert_eq!(said(&profile, DEVICE, "17"), ["com.apple.mdm.Topic does not begin with com.apple.mgmt."]);
}

#[test]
fn row_5_the_subject_has_three_levels() {
    let mut profile = mdm_value(DEVICE, ios("17"));
    let scep = payload(&mut profile, "com.apple.security.scep").get_mut("PayloadContent").unwrap();
    let content = scep.as_dictionary_mut().unwrap();
    let subject = content.get("Subject").unwrap().as_array().unwrap();
    let pair = subject[1].as_array().unwrap()[0].as_array().unwrap();
    assert_eq!(pair[0].as_string(), Some("CN"));
    content.insert("Subject".into(), Value::Array(vec![Value::Array(vec!["CN".into(), "two levels".into()])]));
    assert!(!said(&profile, DEVICE, "17").is_empty());
}

#[test]
fn row_6_all_uuids_differ() {
    let mut profile = mdm_profile(DEVICE, ios("17"));
    profile.mdm_uuid = profile.identity_uuid;
    assert!(matches!(profile.xml(testing::pki()), Err(ProfileError::SameUuid)));
    let mut profile = mdm_value(DEVICE, ios("17"));
    let identity = payload(&mut profile, "com.apple.security.scep").get("PayloadUUID").unwrap().clone();
    payload(&mut profile, "com.apple.security.root").insert("PayloadUUID".into(), identity);
    assert!(said(&profile, DEVICE, "17").iter().any(|why| why.ends_with("occurs twice")));
}

#[test]
fn row_9_a_user_enrollment_has_no_access_rights_and_a_device_enrollment_has_some() {
    let mut user = mdm_value(USER, ios("17"));
    assert!(!payload(&mut user, "com.apple.mdm").contains_key("AccessRights"));
    payload(&mut user, "com.apple.mdm").insert("AccessRights".into(), 8191.into());
    assert_eq!(said(&user, USER, "17"), ["com.apple.mdm.AccessRights is not for User Enrollment"]);
    let mut device = mdm_value(DEVICE, ios("17"));
    assert_eq!(payload(&mut device, "com.apple.mdm").get("AccessRights"), Some(&8191.into()));
    for refused in [0, 2, 128, 8192] {
        assert_eq!(AccessRights::new(refused), None, "{refused}");
    }
    assert_eq!(AccessRights::new(3).map(AccessRights::bits), Some(3));
}

#[test]
fn row_10_the_profile_based_way_never_claims_to_be_the_account_driven_one() {
    for kind in [USER, DEVICE] {
        let mut profile = mdm_value(kind, ios("17"));
        let mdm = payload(&mut profile, "com.apple.mdm");
        assert!(!mdm.contains_key("EnrollmentMode") && !mdm.contains_key("AssignedManagedAppleID"));
        assert_eq!(mdm.contains_key("ManagedAppleID"), kind == USER);
    }
}

#[test]
fn row_11_the_user_enrollment_profile_breaks_the_rules_outside_ios_13_1_to_17() {
    let why = said(&mdm_value(USER, ios("18.0")), USER, "18.0");
    assert_eq!(why, ["com.apple.mdm.ManagedAppleID was removed in iOS 18.0, and the device has 18.0"]);
    let why = said(&mdm_value(USER, ios("13.0")), USER, "13.0");
    assert_eq!(why, ["com.apple.mdm.ManagedAppleID is new in iOS 13.1, and the device has 13.0"]);
}

#[test]
fn row_17_no_variables_are_in_the_subject() {
    let mut profile = mdm_value(DEVICE, ios("17"));
    let scep = payload(&mut profile, "com.apple.security.scep").get_mut("PayloadContent").unwrap();
    let pair = Value::Array(vec![Value::Array(vec!["CN".into(), "%SerialNumber%".into()])]);
    scep.as_dictionary_mut().unwrap().insert("Subject".into(), Value::Array(vec![pair]));
    let why = said(&profile, DEVICE, "17");
    assert_eq!(why, ["com.apple.security.scep.PayloadContent.Subject contains a variable, which iOS does not replace"]);
}

#[test]
fn a_private_root_travels_in_both_profiles_before_everything_else() {
    let root = testing::pki().tls_root().unwrap().to_der().unwrap();
    for profile in [mdm_value(USER, ios("17")), read(&ca_profile(ios("17")).xml(testing::pki()).unwrap())] {
        let first = &profile.as_dictionary().unwrap().get("PayloadContent").unwrap().as_array().unwrap()[0];
        let first = first.as_dictionary().unwrap();
        assert_eq!(first.get("PayloadType").unwrap().as_string(), Some("com.apple.security.root"));
        assert_eq!(first.get("PayloadContent").unwrap().as_data(), Some(&root[..]));
    }
}

#[test]
fn what_people_wrote_is_shown_as_they_wrote_it() {
    let profile = mdm_value(USER, ios("17"));
    let top = profile.as_dictionary().unwrap();
    assert_eq!(top.get("PayloadOrganization").unwrap().as_string(), Some("Schule <A&B>"));
    assert_eq!(
        top.get("PayloadDescription").unwrap().as_string(),
        Some("登録"),
        "without the characters that XML does not allow"
    );
}

#[test]
fn addresses_and_managed_apple_ids_that_a_device_would_refuse_are_refused_here() {
    let plain = MdmProfile { server_url: "http://enroll.example.org/mdm", ..mdm_profile(DEVICE, ios("17")) };
    assert!(matches!(plain.xml(testing::pki()), Err(ProfileError::Url(_))));
    for managed_apple_id in ["", "ada", "@example.org", "ada@"] {
        let mode = Mode::UserEnrollment { managed_apple_id };
        let profile = MdmProfile { mode, ..mdm_profile(USER, ios("17")) };
        assert!(matches!(profile.xml(testing::pki()), Err(ProfileError::ManagedAppleId)), "{managed_apple_id:?}");
    }
}

#[test]
fn the_openssl_command_opens_a_signed_profile_with_the_root_that_people_install() {
    let directory = tempfile::tempdir().unwrap();
    let signed = directory.path().join("signed.mobileconfig");
    let xml = mdm_profile(DEVICE, ios("17")).xml(testing::pki()).unwrap();
    std::fs::write(&signed, testing::pki().sign_profile(&xml).unwrap()).unwrap();
    let verify = |root: &std::path::Path| {
        let mut openssl = Command::new("openssl");
        openssl.args(["cms", "-verify", "-binary", "-inform", "DER", "-in"]).arg(&signed).arg("-CAfile").arg(root);
        openssl.output().ok()
    };
    let Some(output) = verify(testing::files().files.tls_root.as_ref().unwrap()) else {
        test_support::left_out("the openssl command is not installed");
        return;
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.stdout, xml);
    let other = verify(&testing::files().files.identity_ca_certificate).unwrap();
    assert!(!other.status.success(), "another root does not verify it");
}

/// A typical public root: it signs CAs, which our CA never does.
fn public_root(key: &PKey<Private>, now: i64) -> X509 {
    let mut builder = X509Builder::new().unwrap();
    builder.set_version(2).unwrap();
    let mut name = X509NameBuilder::new().unwrap();
    name.append_entry_by_text("CN", "Public root").unwrap();
    let name = name.build();
    builder.set_subject_name(&name).unwrap();
    builder.set_issuer_name(&name).unwrap();
    builder.set_pubkey(key).unwrap();
    builder.set_not_before(&Asn1Time::from_unix(now - 60).unwrap()).unwrap();
    builder.set_not_after(&Asn1Time::from_unix(now + 86_400).unwrap()).unwrap();
    builder.append_extension(BasicConstraints::new().critical().ca().build().unwrap()).unwrap();
    builder.sign(key, MessageDigest::sha256()).unwrap();
    builder.build()
}

#[test]
fn a_third_partys_signing_certificate_brings_its_intermediate_along() {
    let directory = tempfile::tempdir().unwrap();
    let now = World::system().now().0 / 1_000_000;
    let key = || PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
    let public = |key: &PKey<Private>| PKey::public_key_from_der(&key.public_key_to_der().unwrap()).unwrap();
    let named = |purpose, subject| Template { purpose, subject, alternative_names: &[], now, days: 1 };
    let (root_key, middle_key, signer_key) = (key(), key(), key());
    let root = public_root(&root_key, now);
    let middle = named(Use::Ca, &[("CN", "Between")]).sign(&public(&middle_key), Some(&root), &root_key).unwrap();
    let signer = named(Use::ProfileSigner, &[("CN", "Third party")]);
    let signer = signer.sign(&public(&signer_key), Some(&middle), &middle_key).unwrap();
    let file = |name: &str, bytes: Vec<u8>| {
        let path = directory.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let certificate = file("signer.pem", [signer.to_pem().unwrap(), middle.to_pem().unwrap()].concat());
    let given = Pair { certificate, key: file("signer.key", signer_key.private_key_to_pem_pkcs8().unwrap()) };
    let given = Given { profile_signer: Some(given), ..Given::default() };
    let plan = Plan { organization: "School", hosts: &["localhost".to_owned()], trial: true, given };
    let made = create(&directory.path().join("pki"), &plan, &World::system()).unwrap();
    let pki = Pki::load(&made.files, made.push()).unwrap();

    let signed = pki.sign_profile(b"<plist/>").unwrap();
    let mut store = X509StoreBuilder::new().unwrap();
    store.add_cert(root).unwrap();
    let mut content = Vec::new();
    let mut signed = CmsContentInfo::from_der(&signed).unwrap();
    let verified = signed.verify(None, Some(&store.build()), None, Some(&mut content), CMSOptions::BINARY);
    verified.expect("the root alone verifies it, so the intermediate is inside");
    assert_eq!(content, b"<plist/>");
}

#[test]
fn by_account_the_mode_is_that_of_the_kind_and_the_account_is_named_on_every_version() {
    let made = |kind, enrollment_mode| {
        let access_rights = (kind == DEVICE).then_some(AccessRights::ALL);
        let mode = Mode::AccountDriven {
            enrollment_mode,
            assigned_managed_apple_id: "ada@example.org",
            access_rights,
            required_app_id: None,
        };
        read(&MdmProfile { mode, ..mdm_profile(kind, ios("17")) }.xml(testing::pki()).unwrap())
    };
    for version in ["15", "17.5", "18.1"] {
        assert_eq!(said(&made(USER, "BYOD"), USER, version), [""; 0], "{version}");
        assert_eq!(said(&made(DEVICE, "ADDE"), DEVICE, version), [""; 0], "{version}");
    }
    let mut other = made(USER, "BYOD");
    payload(&mut other, "com.apple.mdm").insert("EnrollmentMode".into(), "ADDE".into());
    let why = "com.apple.mdm.EnrollmentMode is the mode of the other kind of enrollment";
    assert_eq!(said(&other, USER, "17.5"), [why]);
    let mut nameless = made(USER, "BYOD");
    payload(&mut nameless, "com.apple.mdm")
        .remove("AssignedManagedAppleID")
        .expect("the payload has AssignedManagedAppleID");
    let why = "com.apple.mdm.AssignedManagedAppleID is missing, but EnrollmentMode is set";
    assert_eq!(said(&nameless, USER, "17.5"), [why]);
}

#[test]
fn every_profile_we_send_keeps_apples_schema_on_every_version_it_is_sent_to() {
    let (Some(schema), pki) = (schema(), testing::pki()) else { return };
    for (kind, versions) in
        [(DEVICE, ["12.0", "13.1", "15", "17.7", "18.1"]), (USER, ["13.1", "14", "15", "16.6", "17.7"])]
    {
        for version in versions.map(ios) {
            let target = Target::new(kind, Some(version));
            hold_profile_against(&schema, &ca_profile(version).xml(pki).unwrap(), target);
            hold_profile_against(&schema, &mdm_profile(kind, version).xml(pki).unwrap(), target);
        }
    }
}

fn web_clip(url: &str) -> Result<Vec<u8>, ProfileError> {
    let profile_uuid = World::system().random_uuid();
    WebClipProfile { texts: TEXTS, identifier: "org.example.invitation", profile_uuid, url, label: "Umzug <1>" }.xml()
}

#[test]
fn a_web_clip_is_permitted_in_every_kind_and_version_and_opens_in_safari() {
    let mut profile = read(&web_clip("https://enroll.example.org/invitation/1").unwrap());
    for version in ["13.1", "15.0", "17.7", "18.2", "26.0", "27.0"] {
        for kind in [USER, DEVICE] {
            assert_eq!(said(&profile, kind, version), Vec::<String>::new(), "{kind:?} {version}");
        }
    }
    let clip = payload(&mut profile, "com.apple.webClip.managed");
    assert_eq!(clip.get("FullScreen").and_then(Value::as_boolean), Some(false));
    assert_eq!(clip.get("Label").and_then(Value::as_string), Some("Umzug <1>"));
    assert!(matches!(web_clip("http://enroll.example.org/"), Err(ProfileError::Url(_))));
}
