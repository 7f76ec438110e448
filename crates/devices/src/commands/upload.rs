//! Opens an uploaded configuration profile, without checking its signer, and checks it against Apple's rules before a
//! device gets it.

use apple::{Target, Violation};
use pki::shape;
use plist::{Dictionary, Value};
use property_list::BadPropertyList;

/// Maximum size of an uploaded profile in bytes. Devices accept larger ones, but a queue does not need them: profiles
/// are small.
pub(crate) const LARGEST: usize = 512 * 1024;

/// An uploaded profile.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Upload {
    /// The uploaded bytes, which the device gets unchanged.
    pub file: Vec<u8>,
    /// `PayloadIdentifier`.
    pub identifier: String,
    /// `PayloadDisplayName`; the identifier if the profile has none.
    pub name: String,
    content: Dictionary,
}

/// Why an uploaded file is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadProfile {
    #[error("the file is larger than {} KiB", LARGEST / 1024)]
    TooLarge,
    #[error("the file is not a configuration profile: {0}")]
    NotAProfile(#[from] BadPropertyList),
    #[error(
        "the file is signed in a way that cannot be opened: save the profile as XML, or sign it with attached content"
    )]
    Sealed,
    #[error("the profile has no {0}")]
    Lacks(&'static str),
}

/// Opens a `.mobileconfig`, signed or not.
///
/// # Errors
/// Returns an error if the file is too large, is not a property list, cannot be unwrapped from its signature, or has no
/// `PayloadIdentifier`.
pub(crate) fn open(file: &[u8]) -> Result<Upload, BadProfile> {
    if file.len() > LARGEST {
        return Err(BadProfile::TooLarge);
    }
    let content = property_list::parse_file(&unwrapped(file)?)?;
    let text = |key: &'static str| {
        let text = content.get(key).and_then(Value::as_string).map(str::to_owned);
        text.filter(|text| !text.is_empty()).ok_or(BadProfile::Lacks(key))
    };
    let identifier = text("PayloadIdentifier")?;
    let name = text("PayloadDisplayName").unwrap_or_else(|_| identifier.clone());
    Ok(Upload { file: file.to_vec(), identifier, name, content })
}

// Returns the profile inside a signed file. The device checks the signature; the server only needs the content, so it
// decodes no part of the signature. DER and BER begin with a SEQUENCE (0x30).
fn unwrapped(file: &[u8]) -> Result<Vec<u8>, BadProfile> {
    if file.first() != Some(&0x30) {
        return Ok(file.to_vec());
    }
    shape::content_of(file).ok_or(BadProfile::Sealed)
}

impl Upload {
    /// Returns the findings about the profile for this device, each with the name of its key and a weight. `enrollment`
    /// is the identifier of the device's enrollment profile.
    pub(crate) fn findings(&self, enrollment: &str, target: Target) -> Vec<Violation> {
        apple::check_upload(&Value::Dictionary(self.content.clone()), enrollment, target)
    }

    /// Returns the reasons why a device would reject it as a replacement of its enrollment profile, each with the name
    /// of its key. Empty if there are none.
    pub(crate) fn wrong_as_enrollment(&self, enrollment: &str, target: Target) -> Vec<String> {
        let content = Value::Dictionary(self.content.clone());
        let mut wrong: Vec<String> = apple::check_profile(&content, target).iter().map(ToString::to_string).collect();
        if self.identifier != enrollment {
            wrong
                .push(format!("PayloadIdentifier is not {enrollment}, the identifier of the profile that it replaces"));
        }
        wrong
    }
}

#[cfg(test)]
mod generated;
