//! The rules by which iOS refuses a profile. Each one was observed on a device while other devices accepted the
//! profile, or is part of Apple's schema (mdm/profiles/*.yaml).

use super::{MdmPayload, Profile, ProfileError, ProfileService, ScepPayload, flag, text};
use crate::model::IosVersion;
use openssl::x509::X509;
use plist::{Dictionary, Value};
use std::collections::HashSet;

type Checked<T> = Result<T, ProfileError>;

fn refuse<T>(why: impl Into<String>) -> Checked<T> {
    Err(ProfileError::new(why))
}

fn required(dictionary: &Dictionary, key: &str, place: &str) -> Checked<String> {
    match text(dictionary, key) {
        Some(value) if !value.is_empty() => Ok(value),
        _ => refuse(format!("the field “{key}” is missing in {place}")),
    }
}

/// How a profile came to the device.
#[derive(Clone, Copy)]
enum Way<'a> {
    Downloaded,
    /// In an account-driven enrollment, with this version in the discovery document.
    ByAccount(&'a str),
}

/// Parses a downloaded profile like a device with this iOS version.
///
/// # Errors
/// Returns the first reason why the device would refuse it.
pub fn check(dictionary: Dictionary, signed: bool, ios: IosVersion) -> Checked<Profile> {
    checked(dictionary, signed, ios, Way::Downloaded)
}

/// Parses a profile that was fetched with an access token. `version` is the version in the discovery document.
///
/// # Errors
/// Returns the first reason why the device would refuse it.
pub(crate) fn check_by_account(
    dictionary: Dictionary,
    signed: bool,
    ios: IosVersion,
    version: &str,
) -> Checked<Profile> {
    let profile = checked(dictionary, signed, ios, Way::ByAccount(version))?;
    if profile.mdm.is_none() { refuse("the profile has no MDM payload") } else { Ok(profile) }
}

fn checked(dictionary: Dictionary, signed: bool, ios: IosVersion, way: Way<'_>) -> Checked<Profile> {
    let place = "the profile";
    let kind = required(&dictionary, "PayloadType", place)?;
    version(&dictionary, place)?;
    let (payloads, service) = match kind.as_str() {
        "Configuration" => (payloads(&dictionary)?, None),
        "Profile Service" => (vec![], Some(profile_service(&dictionary)?)),
        _ => return refuse("PayloadType of the profile is not Configuration"),
    };
    distinct_uuids(&dictionary, &payloads)?;
    let mut profile = Profile {
        identifier: required(&dictionary, "PayloadIdentifier", place)?,
        uuid: required(&dictionary, "PayloadUUID", place)?,
        display_name: text(&dictionary, "PayloadDisplayName").unwrap_or_default(),
        certificates: Vec::new(),
        scep: None,
        mdm: None,
        service,
        signed,
        dictionary,
    };
    for payload in &payloads {
        read(&mut profile, payload, ios, way)?;
    }
    match_identity(&profile)?;
    Ok(profile)
}

fn version(dictionary: &Dictionary, place: &str) -> Checked<()> {
    match dictionary.get("PayloadVersion").and_then(Value::as_signed_integer) {
        Some(1) => Ok(()),
        Some(other) => refuse(format!("PayloadVersion {other} of {place} is not supported")),
        None => refuse(format!("the field “PayloadVersion” is missing in {place}")),
    }
}

fn payloads(dictionary: &Dictionary) -> Checked<Vec<Dictionary>> {
    let content = dictionary.get("PayloadContent").and_then(Value::as_array);
    let Some(content) = content else { return refuse("the profile has no PayloadContent") };
    content
        .iter()
        .map(|item| item.as_dictionary().cloned())
        .collect::<Option<Vec<_>>>()
        .ok_or_else(|| ProfileError::new("a payload is not a dictionary"))
}

fn profile_service(dictionary: &Dictionary) -> Checked<ProfileService> {
    let place = "the Profile Service";
    let content = dictionary.get("PayloadContent").and_then(Value::as_dictionary);
    let Some(content) = content else { return refuse("PayloadContent of the Profile Service is not a dictionary") };
    let url = https(required(content, "URL", place)?)?;
    let attributes = content.get("DeviceAttributes").and_then(Value::as_array);
    let Some(attributes) = attributes else { return refuse("the Profile Service asks for no DeviceAttributes") };
    let attributes = attributes.iter().map(|attribute| attribute.as_string().map(str::to_owned)).collect();
    let Some(attributes) = attributes else { return refuse("a name in DeviceAttributes is not a string") };
    Ok(ProfileService { url, attributes, challenge: text(content, "Challenge") })
}

fn distinct_uuids(profile: &Dictionary, payloads: &[Dictionary]) -> Checked<()> {
    let mut seen = HashSet::new();
    for dictionary in std::iter::once(profile).chain(payloads) {
        let uuid = required(dictionary, "PayloadUUID", "a payload")?.to_uppercase();
        if !seen.insert(uuid.clone()) {
            return refuse(format!("two payloads have the PayloadUUID {uuid}"));
        }
    }
    Ok(())
}

fn read(profile: &mut Profile, payload: &Dictionary, ios: IosVersion, way: Way<'_>) -> Checked<()> {
    let kind = required(payload, "PayloadType", "a payload")?;
    version(payload, &kind)?;
    required(payload, "PayloadIdentifier", &kind)?;
    match kind.as_str() {
        "com.apple.security.root" | "com.apple.security.pkcs1" => profile.certificates.push(certificate(payload)?),
        "com.apple.security.scep" => profile.scep = Some(scep(payload)?),
        "com.apple.mdm" if profile.mdm.is_some() => return refuse("only one MDM payload is allowed"),
        "com.apple.mdm" => profile.mdm = Some(mdm(payload, &profile.dictionary, ios, way)?),
        other => return refuse(format!("this simulated device does not know payloads of type {other}")),
    }
    Ok(())
}

fn certificate(payload: &Dictionary) -> Checked<X509> {
    let der = payload.get("PayloadContent").and_then(Value::as_data).unwrap_or_default();
    X509::from_der(der).map_err(|_| ProfileError::new("the certificate is invalid: it is not DER"))
}

fn scep(payload: &Dictionary) -> Checked<ScepPayload> {
    let place = "the SCEP payload";
    let content = payload.get("PayloadContent").and_then(Value::as_dictionary);
    let Some(content) = content else { return refuse("the SCEP payload has no nested PayloadContent") };
    if text(content, "Key Type").is_some_and(|kind| kind != "RSA") {
        return refuse("Key Type of the SCEP payload is not RSA");
    }
    let key_size = content.get("Keysize").and_then(Value::as_unsigned_integer).unwrap_or(1024);
    if ![1024, 2048, 4096].contains(&key_size) {
        return refuse(format!("Keysize {key_size} is not supported"));
    }
    Ok(ScepPayload {
        uuid: required(payload, "PayloadUUID", place)?,
        url: required(content, "URL", place)?,
        name: text(content, "Name"),
        subject: subject(content)?,
        challenge: text(content, "Challenge"),
        key_size: u32::try_from(key_size).unwrap_or(2048),
        ca_fingerprint: content.get("CAFingerprint").and_then(Value::as_data).map(<[u8]>::to_vec),
    })
}

// An array of RDNs, each an array of pairs: three levels. macOS accepts two levels, iOS does not.
fn subject(content: &Dictionary) -> Checked<Vec<(String, String)>> {
    let Some(names) = content.get("Subject").and_then(Value::as_array) else { return Ok(Vec::new()) };
    let pair = |pair: &Value| match pair.as_array()?.as_slice() {
        [field, value] => Some((field.as_string()?.to_owned(), value.as_string()?.to_owned())),
        _ => None,
    };
    let flattened = names.iter().map(|name| name.as_array()?.iter().map(pair).collect::<Option<Vec<_>>>());
    let Some(levels) = flattened.collect::<Option<Vec<_>>>() else {
        return refuse("Subject of the SCEP payload is not an array of arrays of pairs");
    };
    let parts: Vec<(String, String)> = levels.into_iter().flatten().collect();
    if parts.iter().any(|(_, value)| value.contains('%')) {
        return refuse("iOS does not fill in %variables% in the subject of a SCEP payload");
    }
    Ok(parts)
}

fn mdm(payload: &Dictionary, profile: &Dictionary, ios: IosVersion, way: Way<'_>) -> Checked<MdmPayload> {
    let place = "the MDM payload";
    let topic = required(payload, "Topic", place)?;
    if !topic.starts_with("com.apple.mgmt.") {
        return refuse(format!("Topic “{topic}” does not begin with com.apple.mgmt."));
    }
    let server_url = https(required(payload, "ServerURL", place)?)?;
    let check_in_url = text(payload, "CheckInURL").map_or(Ok(server_url.clone()), https)?;
    let managed_apple_id = match way {
        Way::Downloaded => user_enrollment(payload, profile, ios)?,
        Way::ByAccount(version) => Some(by_account(payload, version)?),
    };
    Ok(MdmPayload {
        server_url,
        check_in_url,
        topic,
        identity_certificate_uuid: required(payload, "IdentityCertificateUUID", place)?,
        sign_message: flag(payload, "SignMessage"),
        managed_apple_id,
        check_out_when_removed: flag(payload, "CheckOutWhenRemoved"),
        enrollment_mode: text(payload, "EnrollmentMode"),
    })
}

fn https(url: String) -> Checked<String> {
    if url.starts_with("https://") { Ok(url) } else { refuse(format!("“{url}” is not an https URL")) }
}

// ManagedAppleID is supported from iOS 13.1 to 17 (com.apple.mdm.yaml). Older versions ignore the key and enroll the
// whole device.
fn user_enrollment(payload: &Dictionary, profile: &Dictionary, ios: IosVersion) -> Checked<Option<String>> {
    if payload.contains_key("EnrollmentMode") || payload.contains_key("AssignedManagedAppleID") {
        return refuse("an account-driven enrollment does not begin with a downloaded profile");
    }
    let Some(managed_apple_id) = text(payload, "ManagedAppleID") else {
        return access_rights(payload).map(|()| None);
    };
    if ios >= IosVersion::new(18, 0) {
        return refuse("profile-based User Enrollment is not supported by this version of iOS");
    }
    if ios < IosVersion::new(13, 1) {
        return Ok(None);
    }
    if payload.contains_key("AccessRights") {
        return refuse("AccessRights is not allowed in a User Enrollment");
    }
    if profile.contains_key("PayloadRemovalDisallowed") {
        return refuse("PayloadRemovalDisallowed is forbidden in a User Enrollment");
    }
    Ok(Some(managed_apple_id))
}

// If any of these checks fails, the device cancels (Apple, "Implementing the simple authentication user-enrollment
// flow").
fn by_account(payload: &Dictionary, version: &str) -> Checked<String> {
    let expected = if version == "mdm-adde" { "ADDE" } else { "BYOD" };
    let mode = required(payload, "EnrollmentMode", "the MDM payload")?;
    if mode != expected {
        return refuse(format!("EnrollmentMode {mode} does not match {version}"));
    }
    if payload.contains_key("ManagedAppleID") {
        return refuse("ManagedAppleID is not allowed in an account-driven enrollment");
    }
    match expected {
        "BYOD" if payload.contains_key("AccessRights") => {
            return refuse("AccessRights is not allowed in an account-driven User Enrollment");
        }
        "BYOD" => {}
        _ => access_rights(payload)?,
    }
    required(payload, "AssignedManagedAppleID", "the MDM payload")
}

fn access_rights(payload: &Dictionary) -> Checked<()> {
    match payload.get("AccessRights").and_then(Value::as_unsigned_integer) {
        Some(1..=8191) => Ok(()),
        Some(other) => refuse(format!("AccessRights {other} is not between 1 and 8191")),
        None => refuse("a Device Enrollment has no AccessRights"),
    }
}

fn match_identity(profile: &Profile) -> Checked<()> {
    let Some(mdm) = &profile.mdm else { return Ok(()) };
    let Some(scep) = &profile.scep else { return refuse("the MDM payload comes without an identity") };
    if scep.uuid != mdm.identity_certificate_uuid {
        return refuse("IdentityCertificateUUID is not the PayloadUUID of the SCEP payload");
    }
    Ok(())
}
