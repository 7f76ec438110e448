//! Parts that all profiles and payloads have in common (mdm/profiles/TopLevel.yaml, CommonPayloadKeys.yaml).

use super::{ProfileError, Texts};
use crate::{Pki, fingerprint};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::x509::X509Ref;
use plist::{Dictionary, Value};
use uuid::Uuid;

/// `TargetDeviceType` for iPhone, iPad and iPod touch.
const IPHONE_OR_IPAD: u8 = 1;

/// The outermost dictionary of a profile.
pub(super) struct Envelope<'a> {
    pub texts: Texts<'a>,
    /// `PayloadIdentifier` in reverse DNS notation; those of the payloads begin with it.
    pub identifier: &'a str,
    pub uuid: Uuid,
    pub names_target: bool,
}

impl Envelope<'_> {
    pub(super) fn close(&self, payloads: Vec<Value>) -> Result<Vec<u8>, ProfileError> {
        let mut profile = outermost("Configuration", self.texts, self.identifier, self.uuid);
        if self.names_target {
            profile.insert("TargetDeviceType".into(), IPHONE_OR_IPAD.into());
        }
        profile.insert("PayloadContent".into(), Value::Array(payloads));
        xml(profile)
    }

    /// Returns a payload of this profile. `part` makes its identifier unique in the profile.
    pub(super) fn payload(&self, payload_type: &str, part: &str, uuid: Uuid, display_name: &str) -> Dictionary {
        let mut payload = common(payload_type, &format!("{}.{part}", self.identifier), uuid);
        payload.insert("PayloadDisplayName".into(), display_name.into());
        payload.insert("PayloadOrganization".into(), writable(self.texts.organization).into());
        payload
    }
}

/// Returns a payload com.apple.security.root with one certificate. Its UUID is derived from the profile and the
/// certificate, so it need not be recorded.
pub(super) fn certificate(envelope: &Envelope<'_>, nth: usize, anchor: &X509Ref) -> Result<Value, ProfileError> {
    let uuid = Uuid::new_v5(&envelope.uuid, fingerprint(anchor).as_bytes());
    let mut names = anchor.subject_name().entries_by_nid(Nid::COMMONNAME);
    let name = names.next().and_then(|name| name.data().to_string().ok()).unwrap_or_else(|| "Root".into());
    let mut payload = envelope.payload("com.apple.security.root", &format!("root{nth}"), uuid, &writable(&name));
    payload.insert("PayloadCertificateFileName".into(), format!("root{nth}.cer").into());
    payload.insert("PayloadContent".into(), Value::Data(anchor.to_der()?));
    Ok(Value::Dictionary(payload))
}

/// Parameters of a SCEP payload.
pub(super) struct Scep<'a> {
    pub url: &'a str,
    /// One-time secret with which the device gets its identity.
    pub challenge: &'a str,
    /// UUID of the device, which the identity will contain.
    pub device: Uuid,
    pub uuid: Uuid,
}

impl Scep<'_> {
    /// Returns the payload com.apple.security.scep. The settings are in a nested dictionary, and the subject has
    /// three levels of arrays; macOS tolerates two (micromdm#40).
    pub(super) fn payload(&self, envelope: &Envelope<'_>, pki: &Pki) -> Result<Value, ProfileError> {
        let pair = |name: &str, value: &str| Value::Array(vec![Value::Array(vec![name.into(), value.into()])]);
        let subject = vec![pair("O", "Muster"), pair("CN", &self.device.to_string())];
        // Clients derive the digest algorithm from the length of the fingerprint. All of them know SHA-1.
        let fingerprint = pki.identity_ca().digest(MessageDigest::sha1())?.to_vec();
        let mut content = Dictionary::new();
        content.insert("URL".into(), self.url.into());
        content.insert("Name".into(), "Muster".into());
        content.insert("Subject".into(), Value::Array(subject));
        content.insert("Challenge".into(), self.challenge.into());
        content.insert("Key Type".into(), "RSA".into());
        content.insert("Keysize".into(), 2048.into());
        // Signing and encryption: the answer is encrypted to this key.
        content.insert("Key Usage".into(), 5.into());
        content.insert("CAFingerprint".into(), Value::Data(fingerprint));
        let mut payload = envelope.payload("com.apple.security.scep", "identity", self.uuid, "Identity");
        payload.insert("PayloadContent".into(), Value::Dictionary(content));
        Ok(Value::Dictionary(payload))
    }
}

/// Returns a payload dictionary with the texts that the device shows, without content.
pub(super) fn outermost(payload_type: &str, texts: Texts<'_>, identifier: &str, id: Uuid) -> Dictionary {
    let mut dictionary = common(payload_type, identifier, id);
    for (key, value) in [
        ("PayloadDisplayName", texts.display_name),
        ("PayloadDescription", texts.description),
        ("PayloadOrganization", texts.organization),
    ] {
        dictionary.insert(key.into(), writable(value).into());
    }
    dictionary
}

pub(super) fn xml(profile: Dictionary) -> Result<Vec<u8>, ProfileError> {
    let mut xml = Vec::new();
    Value::Dictionary(profile).to_writer_xml(&mut xml)?;
    Ok(xml)
}

/// Checks that a device would contact this address.
///
/// # Errors
///
/// Returns an error if the URL does not begin with `https://`.
pub(super) fn https(url: &str) -> Result<(), ProfileError> {
    if url.starts_with("https://") { Ok(()) } else { Err(ProfileError::Url(url.to_owned())) }
}

/// Keys of every payload. Without `PayloadVersion`, iOS refuses a profile that macOS accepts (mosen/profiledocs#8).
fn common(payload_type: &str, identifier: &str, id: Uuid) -> Dictionary {
    let mut dictionary = Dictionary::new();
    dictionary.insert("PayloadType".into(), payload_type.into());
    dictionary.insert("PayloadVersion".into(), 1.into());
    dictionary.insert("PayloadIdentifier".into(), identifier.into());
    dictionary.insert("PayloadUUID".into(), uuid(id));
    dictionary
}

/// Upper case, as Apple writes UUIDs.
pub(super) fn uuid(id: Uuid) -> Value {
    id.hyphenated().to_string().to_uppercase().into()
}

/// Removes the characters that XML 1.0 does not allow (section 2.2). The property list writer does not remove them.
fn writable(text: &str) -> String {
    text.chars()
        .filter(|c| matches!(c, '\t' | '\n' | '\r') || !c.is_control() && !matches!(c, '\u{fffe}' | '\u{ffff}'))
        .collect()
}
