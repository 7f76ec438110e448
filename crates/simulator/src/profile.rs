//! Parses a `.mobileconfig` like a device: verifies the signature, and checks the property list as strictly as iOS.

mod rules;
#[cfg(test)]
mod tests;

use openssl::cms::{CMSOptions, CmsContentInfo};
use openssl::x509::X509;
use openssl::x509::store::X509StoreBuilder;
use plist::{Dictionary, Value};

pub use rules::check;
pub(crate) use rules::check_by_account;

/// An opened and parsed profile.
#[derive(Debug, Clone)]
pub struct Profile {
    pub identifier: String,
    pub uuid: String,
    pub display_name: String,
    /// Certificates to install.
    pub certificates: Vec<X509>,
    pub scep: Option<ScepPayload>,
    pub mdm: Option<MdmPayload>,
    /// Set if this is not a profile but a Profile Service, which asks for attributes and then delivers a profile.
    pub service: Option<ProfileService>,
    /// Whether the profile was signed.
    pub signed: bool,
    pub dictionary: Dictionary,
}

/// `com.apple.security.scep`.
#[derive(Debug, Clone)]
pub struct ScepPayload {
    pub uuid: String,
    pub url: String,
    pub name: Option<String>,
    pub subject: Vec<(String, String)>,
    pub challenge: Option<String>,
    pub key_size: u32,
    pub ca_fingerprint: Option<Vec<u8>>,
}

/// `com.apple.mdm`.
#[derive(Debug, Clone)]
pub struct MdmPayload {
    pub server_url: String,
    pub check_in_url: String,
    pub topic: String,
    pub identity_certificate_uuid: String,
    pub sign_message: bool,
    /// `ManagedAppleID`, or `AssignedManagedAppleID` of an account-driven enrollment.
    pub managed_apple_id: Option<String>,
    pub check_out_when_removed: bool,
    /// Account-driven enrollments only: `BYOD` or `ADDE`.
    pub enrollment_mode: Option<String>,
}

/// `Profile Service` ("Over-the-Air Profile Delivery and Configuration").
#[derive(Debug, Clone)]
pub struct ProfileService {
    pub url: String,
    pub attributes: Vec<String>,
    pub challenge: Option<String>,
}

/// Why a device refuses a profile, in the device's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Profile Installation Failed: {0}")]
pub struct ProfileError(pub String);

impl ProfileError {
    pub(crate) fn new(why: impl Into<String>) -> ProfileError {
        ProfileError(why.into())
    }
}

/// Opens a downloaded file. The signature, if there is one, must be valid. The signer does not matter; iOS only shows
/// it.
///
/// # Errors
/// Returns an error if it is not a profile or was changed after it was signed.
pub fn open(file: &[u8]) -> Result<(Dictionary, bool), ProfileError> {
    let is_plain = [&b"<?xml"[..], b"<plist", b"bplist", UTF_16_BE, UTF_16_LE];
    let signed = !is_plain.iter().any(|begin| file.trim_ascii_start().starts_with(begin));
    let content = if signed { opened(file)? } else { file.to_vec() };
    match plist::from_bytes(&as_plain_xml(content)) {
        Ok(Value::Dictionary(dictionary)) => Ok((dictionary, signed)),
        Ok(_) => Err(ProfileError::new("the profile is not a dictionary")),
        Err(error) => Err(ProfileError::new(format!("the profile is not a property list: {error}"))),
    }
}

const UTF_16_BE: &[u8] = &[0xfe, 0xff];
const UTF_16_LE: &[u8] = &[0xff, 0xfe];

// Converts what a device reads but the `plist` crate does not: UTF-16 and CDATA. A binary property list is returned
// unchanged.
fn as_plain_xml(content: Vec<u8>) -> Vec<u8> {
    let wide = |unit: fn([u8; 2]) -> u16| {
        let units = content[2..].chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
        char::decode_utf16(units).map(|character| character.unwrap_or(char::REPLACEMENT_CHARACTER)).collect::<String>()
    };
    let text = match &content {
        content if content.starts_with(UTF_16_BE) => wide(u16::from_be_bytes),
        content if content.starts_with(UTF_16_LE) => wide(u16::from_le_bytes),
        content if content.starts_with(b"bplist") => return content.clone(),
        content => String::from_utf8_lossy(content).into_owned(),
    };
    let mut parts = text.split("<![CDATA[");
    let mut xml = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (literal, rest) = part.split_once("]]>").unwrap_or((part, ""));
        xml.push_str(&literal.replace('&', "&amp;").replace('<', "&lt;"));
        xml.push_str(rest);
    }
    xml.into_bytes()
}

fn opened(file: &[u8]) -> Result<Vec<u8>, ProfileError> {
    let mut cms = CmsContentInfo::from_der(file).map_err(|_| ProfileError::new("neither XML nor CMS"))?;
    let nobody = X509StoreBuilder::new().map_err(|error| ProfileError::new(error.to_string()))?.build();
    let mut content = Vec::new();
    let flags = CMSOptions::BINARY | CMSOptions::NO_SIGNER_CERT_VERIFY;
    let verified = cms.verify(None, Some(&nobody), None, Some(&mut content), flags);
    verified.map_err(|error| ProfileError::new(format!("the signature is invalid: {error}")))?;
    Ok(content)
}

pub(crate) fn text(dictionary: &Dictionary, key: &str) -> Option<String> {
    dictionary.get(key)?.as_string().map(str::to_owned)
}

pub(crate) fn flag(dictionary: &Dictionary, key: &str) -> bool {
    dictionary.get(key).and_then(Value::as_boolean).unwrap_or_default()
}
