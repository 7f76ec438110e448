//! The property lists that a device sends (Apple's schema: mdm/checkin/*.yaml), with the keys of its kind of
//! enrollment.

use crate::model::Hardware;
use plist::{Dictionary, Value};

/// How a device identifies itself to the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identifier {
    /// User Enrollment: created for this enrollment.
    EnrollmentId(String),
    /// Device Enrollment: the fixed identifier of the hardware.
    Udid(String),
}

impl Identifier {
    pub fn entry(&self) -> (&'static str, &str) {
        match self {
            Identifier::EnrollmentId(id) => ("EnrollmentID", id),
            Identifier::Udid(id) => ("UDID", id),
        }
    }
}

/// Creates a dictionary from its entries.
pub fn dictionary<const N: usize>(entries: [(&str, Value); N]) -> Dictionary {
    entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

/// Returns the XML to send.
pub fn xml(dictionary: &Dictionary) -> Vec<u8> {
    let mut bytes = Vec::new();
    Value::Dictionary(dictionary.clone()).to_writer_xml(&mut bytes).expect("a dictionary is written to memory");
    bytes
}

fn message(kind: &str, identifier: &Identifier, topic: &str) -> Dictionary {
    let (key, id) = identifier.entry();
    dictionary([("MessageType", kind.into()), ("Topic", topic.into()), (key, id.into())])
}

/// `Authenticate`. It contains hardware identifiers only in Device Enrollment.
pub fn authenticate(hardware: &Hardware, identifier: &Identifier, topic: &str) -> Dictionary {
    let mut message = message("Authenticate", identifier, topic);
    message.insert("OSVersion".into(), hardware.ios.to_string().into());
    message.insert("BuildVersion".into(), hardware.ios.build().into());
    message.insert("ProductName".into(), hardware.product.into());
    if let Identifier::Udid(_) = identifier {
        message.insert("SerialNumber".into(), hardware.serial_number.clone().into());
        if let Some(imei) = &hardware.imei {
            message.insert("IMEI".into(), imei.clone().into());
            message.insert("MEID".into(), meid(imei).into());
        }
    }
    message
}

/// `TokenUpdate`. It contains an unlock token only in Device Enrollment.
pub fn token_update(
    identifier: &Identifier,
    topic: &str,
    token: &[u8],
    push_magic: &str,
    unlock_token: Option<&[u8]>,
) -> Dictionary {
    let mut message = message("TokenUpdate", identifier, topic);
    message.insert("AwaitingConfiguration".into(), false.into());
    message.insert("PushMagic".into(), push_magic.into());
    message.insert("Token".into(), Value::Data(token.to_vec()));
    if let Some(unlock_token) = unlock_token {
        message.insert("UnlockToken".into(), Value::Data(unlock_token.to_vec()));
    }
    message
}

/// Machine information (other/machineinfo.yaml). It contains no hardware identifiers in User Enrollment.
pub fn machine_info(hardware: &Hardware, user_enrollment: bool, language: &str) -> Dictionary {
    let mut message = dictionary([
        ("PRODUCT", hardware.product.into()),
        ("VERSION", hardware.ios.build().into()),
        ("LANGUAGE", language.into()),
    ]);
    if hardware.ios.major >= 17 {
        message.insert("OS_VERSION".into(), hardware.ios.to_string().into());
    }
    if !user_enrollment {
        message.insert("UDID".into(), hardware.udid.clone().into());
        message.insert("SERIAL".into(), hardware.serial_number.clone().into());
        if let Some(imei) = &hardware.imei {
            message.insert("IMEI".into(), imei.clone().into());
            message.insert("MEID".into(), meid(imei).into());
        }
    }
    message
}

/// Attributes that a Profile Service asked for, as far as this hardware has them, and its challenge. Attributes with
/// an unknown name are omitted.
pub fn device_attributes(hardware: &Hardware, name: &str, asked: &[String], challenge: Option<&str>) -> Dictionary {
    let mut message = Dictionary::new();
    for attribute in asked {
        let value = match attribute.as_str() {
            "UDID" => Some(hardware.udid.clone()),
            "SERIAL" => Some(hardware.serial_number.clone()),
            "PRODUCT" => Some(hardware.product.to_owned()),
            "VERSION" => Some(hardware.ios.build()),
            "IMEI" => hardware.imei.clone(),
            "MEID" => hardware.imei.as_deref().map(meid),
            "DEVICE_NAME" => Some(name.to_owned()),
            _ => None,
        };
        message.extend(value.map(|value| (attribute.clone(), Value::from(value))));
    }
    message.extend(challenge.map(|challenge| ("CHALLENGE".to_owned(), Value::from(challenge))));
    message
}

/// MEID of a phone with this IMEI: its first fourteen digits.
fn meid(imei: &str) -> String {
    imei.chars().filter(|c| *c != ' ').take(14).collect()
}

pub fn check_out(identifier: &Identifier, topic: &str) -> Dictionary {
    message("CheckOut", identifier, topic)
}

/// `Idle`: nothing to report.
pub fn idle(identifier: &Identifier) -> Dictionary {
    let (key, id) = identifier.entry();
    dictionary([("Status", "Idle".into()), (key, id.into())])
}
