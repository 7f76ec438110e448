//! Tests of the profiles that a strict device accepts and refuses.

use super::{check, open};
use crate::certificate_request::{self_signed, subject};
use crate::model::IosVersion;
use openssl::cms::{CMSOptions, CmsContentInfo};
use openssl::pkey::PKey;
use openssl::rsa::Rsa;
use plist::{Dictionary, Value};

const IOS: IosVersion = IosVersion::new(17, 5);
const IDENTITY: &str = "6E2AB7F4-2D6C-4F3B-9C0E-000000000001";

fn payload(kind: &str, uuid: &str) -> Dictionary {
    let text = [("PayloadType", kind), ("PayloadUUID", uuid), ("PayloadIdentifier", uuid)];
    let mut payload: Dictionary = text.into_iter().map(|(key, value)| (key.to_owned(), Value::from(value))).collect();
    payload.insert("PayloadVersion".into(), 1.into());
    payload
}

fn pair(field: &str, value: &str) -> Value {
    Value::Array(vec![field.into(), value.into()])
}

fn scep() -> Dictionary {
    let mut content = Dictionary::new();
    content.insert("URL".into(), "https://muster.example/scep".into());
    content.insert("Keysize".into(), 2048.into());
    content.insert("Subject".into(), Value::Array(vec![Value::Array(vec![pair("CN", "a device")])]));
    let mut scep = payload("com.apple.security.scep", IDENTITY);
    scep.insert("PayloadContent".into(), content.into());
    scep
}

fn mdm(personal: bool) -> Dictionary {
    let mut mdm = payload("com.apple.mdm", "6E2AB7F4-2D6C-4F3B-9C0E-000000000002");
    mdm.insert("IdentityCertificateUUID".into(), IDENTITY.into());
    mdm.insert("Topic".into(), "com.apple.mgmt.External.1".into());
    mdm.insert("ServerURL".into(), "https://muster.example/mdm/command".into());
    mdm.insert("SignMessage".into(), true.into());
    if personal {
        mdm.insert("ManagedAppleID".into(), "ada@example.com".into());
    } else {
        mdm.insert("AccessRights".into(), 8191.into());
    }
    mdm
}

fn profile(scep: Dictionary, mdm: Dictionary) -> Dictionary {
    let mut profile = payload("Configuration", "6E2AB7F4-2D6C-4F3B-9C0E-000000000003");
    profile.insert("PayloadContent".into(), Value::Array(vec![scep.into(), mdm.into()]));
    profile
}

fn refusal(profile: Dictionary) -> String {
    check(profile, true, IOS).unwrap_err().to_string()
}

fn with(mut dictionary: Dictionary, key: &str, value: impl Into<Value>) -> Dictionary {
    dictionary.insert(key.into(), value.into());
    dictionary
}

fn without(mut dictionary: Dictionary, key: &str) -> Dictionary {
    dictionary.remove(key);
    dictionary
}

#[test]
fn both_kinds_of_enrollment_profile_are_understood() {
    let personal = check(profile(scep(), mdm(true)), true, IOS).unwrap().mdm.unwrap();
    assert_eq!(personal.managed_apple_id.as_deref(), Some("ada@example.com"));
    assert_eq!(personal.check_in_url, personal.server_url);
    let institutional = check(profile(scep(), mdm(false)), true, IOS).unwrap();
    assert_eq!(institutional.mdm.unwrap().managed_apple_id, None);
    assert_eq!(institutional.scep.unwrap().subject, [("CN".to_owned(), "a device".to_owned())]);
}

#[test]
fn every_mistake_of_the_checklist_is_refused_in_words() {
    let two_levels = Value::Array(vec![pair("CN", "a device")]);
    let mut flat = scep();
    let content = flat.get_mut("PayloadContent").unwrap().as_dictionary_mut().unwrap();
    content.insert("Subject".into(), two_levels);
    let nobody = "6E2AB7F4-2D6C-4F3B-9C0E-00000000000F";
    for (wrong, words) in [
        (without(profile(scep(), mdm(true)), "PayloadVersion"), "“PayloadVersion” is missing in the profile"),
        (profile(scep(), without(mdm(true), "IdentityCertificateUUID")), "“IdentityCertificateUUID” is missing"),
        (
            profile(scep(), with(mdm(true), "IdentityCertificateUUID", nobody)),
            "not the PayloadUUID of the SCEP payload",
        ),
        (profile(scep(), without(mdm(true), "Topic")), "“Topic” is missing"),
        (profile(scep(), with(mdm(true), "Topic", "org.example.mdm")), "does not begin with com.apple.mgmt."),
        (profile(flat, mdm(true)), "not an array of arrays of pairs"),
        (profile(scep(), with(mdm(true), "PayloadUUID", IDENTITY)), "two payloads have the PayloadUUID"),
        (profile(scep(), with(mdm(true), "AccessRights", 8191)), "not allowed in a User Enrollment"),
        (profile(scep(), with(mdm(true), "EnrollmentMode", "BYOD")), "does not begin with a downloaded profile"),
        (profile(scep(), without(mdm(false), "AccessRights")), "has no AccessRights"),
        (profile(scep(), with(mdm(false), "AccessRights", 0)), "not between 1 and 8191"),
        (profile(scep(), with(mdm(true), "ServerURL", "http://muster.example")), "not an https URL"),
        (with(profile(scep(), mdm(true)), "PayloadRemovalDisallowed", true), "forbidden in a User Enrollment"),
        (profile(mdm(true), with(mdm(true), "PayloadUUID", nobody)), "only one MDM payload"),
    ] {
        let said = refusal(wrong);
        assert!(said.contains(words), "{said:?} does not say {words:?}");
    }
}

#[test]
fn the_version_decides_what_a_managed_apple_id_means() {
    let read = |ios| check(profile(scep(), mdm(true)), true, ios);
    assert!(read(IosVersion::new(18, 0)).unwrap_err().to_string().contains("not supported by this version"));
    assert!(read(IosVersion::new(13, 1)).unwrap().mdm.unwrap().managed_apple_id.is_some());
    // Older devices do not know the key: they would enroll the whole device.
    assert!(read(IosVersion::new(12, 4)).unwrap().mdm.unwrap().managed_apple_id.is_none());
}

#[test]
fn a_signed_profile_is_opened_and_one_that_was_changed_is_not() {
    let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
    let signer = self_signed(&subject(&[("CN".into(), "signer".into())]).unwrap(), &key).unwrap();
    let mut xml = Vec::new();
    Value::Dictionary(profile(scep(), mdm(true))).to_writer_xml(&mut xml).unwrap();
    let flags = CMSOptions::BINARY | CMSOptions::NOSMIMECAP;
    let cms = CmsContentInfo::sign(Some(&signer.certificate), Some(&key), None, Some(&xml), flags).unwrap();
    let mut file = cms.to_der().unwrap();
    assert!(open(&file).unwrap().1);
    assert!(!open(&xml).unwrap().1);
    let place = file.windows(8).position(|window| window == b"a device").unwrap();
    file[place] = b'A';
    assert!(open(&file).unwrap_err().to_string().contains("signature is invalid"));
}

#[test]
fn a_file_is_read_in_every_encoding_that_devices_read() {
    let value: Value = mdm(false).into();
    let (mut xml, mut binary) = (vec![], vec![]);
    value.to_writer_xml(&mut xml).unwrap();
    value.to_writer_binary(&mut binary).unwrap();
    let text = String::from_utf8(xml.clone()).unwrap();
    let wide = text.replace("UTF-8", "UTF-16");
    let units = || [0xfeff].into_iter().chain(wide.encode_utf16());
    let big = units().flat_map(u16::to_be_bytes).collect();
    let little = units().flat_map(u16::to_le_bytes).collect();
    let cdata = text.replace("<string>", "<string><![CDATA[").replace("</string>", "]]></string>").into_bytes();
    for file in [xml, binary, big, little, cdata] {
        assert_eq!(open(&file), Ok((mdm(false), false)));
    }
}
