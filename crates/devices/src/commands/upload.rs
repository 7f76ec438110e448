//! A configuration profile that somebody uploads: opened, whoever signed it, and held against the table before a device
//! gets it.

use apple::{Target, Violation};
use pki::shape;
use plist::{Dictionary, Value};
use property_list::BadPropertyList;

/// Profiles are small; a device takes larger ones, a queue need not.
pub(crate) const LARGEST: usize = 512 * 1024;

/// A profile, with the bytes that the device gets.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Upload {
    pub file: Vec<u8>,
    pub identifier: String,
    pub name: String,
    content: Dictionary,
}

/// Why a file is no profile.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadProfile {
    #[error("the file has more than {} KiB", LARGEST / 1024)]
    TooLarge,
    #[error("the file is no configuration profile: {0}")]
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
/// Says why it is none.
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

// Who signed it is for the device to judge; here it matters what is inside, so nothing of the signature is decoded. DER and
// BER begin with a SEQUENCE.
fn unwrapped(file: &[u8]) -> Result<Vec<u8>, BadProfile> {
    if file.first() != Some(&0x30) {
        return Ok(file.to_vec());
    }
    shape::content_of(file).ok_or(BadProfile::Sealed)
}

impl Upload {
    /// What speaks against it on this device, each key by its name: see the weights. `enrollment`: the identifier of the device's enrollment
    /// profile.
    pub(crate) fn findings(&self, enrollment: &str, target: Target) -> Vec<Violation> {
        apple::check_upload(&Value::Dictionary(self.content.clone()), enrollment, target)
    }

    /// Why a device would not take it in place of its enrollment profile: each key by its name. Empty: it would.
    pub(crate) fn wrong_as_enrollment(&self, enrollment: &str, target: Target) -> Vec<String> {
        let content = Value::Dictionary(self.content.clone());
        let mut wrong: Vec<String> = apple::check_profile(&content, target).iter().map(ToString::to_string).collect();
        if self.identifier != enrollment {
            wrong.push(format!("PayloadIdentifier is not {enrollment}, that of the profile it is to replace"));
        }
        wrong
    }
}

#[cfg(test)]
mod generated;
