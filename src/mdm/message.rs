//! Reads the fields of check-in messages (mdm/checkin/*.yaml) from their property lists.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use events::device::{BodyHash, DeviceId, DeviceIdentifiers, PushAddress};
use events::enrollment::{EnrollmentKind, OsVersion};
use events::person::PersonId;
use events::personal::Personal;
use plist::{Dictionary, Value};
use std::collections::BTreeSet;

/// A required field is missing or has the wrong type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} is missing or invalid")]
pub struct BadField(pub &'static str);

/// Reads a text field.
///
/// # Errors
/// Returns an error if the field is missing or not a string.
pub fn text<'a>(fields: &'a Dictionary, key: &'static str) -> Result<&'a str, BadField> {
    fields.get(key).and_then(Value::as_string).ok_or(BadField(key))
}

/// Limit for identifiers, versions and models, in bytes. A longer value is left out.
const LONGEST_TEXT: usize = 1_024;
/// Limit for `Token` and `PushMagic`, in bytes. APNs tokens have 32 bytes, and a PushMagic is a UUID.
const LONGEST_ADDRESS: usize = 256;
/// Limit for `UnlockToken`, in bytes. A longer one is left out.
const LONGEST_UNLOCK_TOKEN: usize = 16 * 1_024;

/// Reads a text field of at most 1,024 bytes.
///
/// # Errors
/// Returns an error if the field is missing, has the wrong type, or is too long.
pub fn short<'a>(fields: &'a Dictionary, key: &'static str) -> Result<&'a str, BadField> {
    text(fields, key).and_then(|value| if value.len() <= LONGEST_TEXT { Ok(value) } else { Err(BadField(key)) })
}

/// Returns the names of the optional check-in fields that are not kept because they are too long or have the wrong
/// type.
pub fn left_out(fields: &Dictionary) -> BTreeSet<String> {
    let texts = ["SerialNumber", "IMEI", "MEID", "OSVersion", "BuildVersion", "ProductName"];
    let texts = texts.into_iter().filter(|key| fields.contains_key(key) && short(fields, key).is_err());
    let is_token = |value: &Value| value.as_data().is_some_and(|token| token.len() <= LONGEST_UNLOCK_TOKEN);
    let unlock_token = fields.get("UnlockToken").is_some_and(|value| !is_token(value));
    texts.chain(unlock_token.then_some("UnlockToken")).map(str::to_owned).collect()
}

fn data<'a>(fields: &'a Dictionary, key: &'static str) -> Result<&'a [u8], BadField> {
    fields.get(key).and_then(Value::as_data).filter(|data| !data.is_empty()).ok_or(BadField(key))
}

/// Returns the hash that identifies a repeated message: over its bytes and the fingerprint of its certificate. The same
/// bytes under a new certificate are a new message: a device that enrolls again may check out again.
pub fn body_hash(certificate: &str, body: &[u8]) -> BodyHash {
    let mut hash = openssl::sha::Sha256::new();
    hash.update(certificate.as_bytes());
    hash.update(body);
    BodyHash(hex::encode(hash.finish()))
}

/// Derives the enrollment type from the identifier in a message: `UDID` or `EnrollmentID`. If both are present, the
/// result is Device Enrollment, the type with hardware identifiers, because it needs more care.
///
/// # Errors
/// Returns an error if the message has neither.
pub fn kind(fields: &Dictionary) -> Result<EnrollmentKind, BadField> {
    match (short(fields, "UDID"), short(fields, "EnrollmentID")) {
        (Ok(_), _) => Ok(EnrollmentKind::DeviceEnrollment),
        (_, Ok(_)) => Ok(EnrollmentKind::UserEnrollment),
        _ => Err(BadField("UDID or EnrollmentID")),
    }
}

/// Returns the identifiers in a message, sealed under the person's key.
///
/// # Errors
/// Returns an error if the message has none.
pub fn identifiers(fields: &Dictionary, person: PersonId) -> Result<DeviceIdentifiers, BadField> {
    let personal = |value: &str| Personal::new(person.key(), value.to_owned());
    let optional = |key| short(fields, key).ok().filter(|value| !value.is_empty()).map(personal);
    Ok(match kind(fields)? {
        EnrollmentKind::UserEnrollment => {
            DeviceIdentifiers::UserEnrollment { enrollment_id: personal(short(fields, "EnrollmentID")?) }
        }
        EnrollmentKind::DeviceEnrollment => DeviceIdentifiers::DeviceEnrollment {
            udid: personal(short(fields, "UDID")?),
            serial_number: optional("SerialNumber"),
            imei: optional("IMEI"),
            meid: optional("MEID"),
        },
    })
}

/// Returns whether a message belongs to a user channel and not to the device channel (mdm/checkin/tokenupdate.yaml: the
/// keys of user channels). This server manages devices only, so a user-channel message never changes a device.
pub(crate) fn is_of_a_user(fields: &Dictionary) -> bool {
    ["UserID", "UserShortName", "EnrollmentUserID"].iter().any(|key| fields.contains_key(key))
}

/// Returns the `OSVersion` field; `None` if it is missing or not a version.
pub fn os_version(fields: &Dictionary) -> Option<OsVersion> {
    short(fields, "OSVersion").ok().and_then(OsVersion::parse)
}

/// Returns the push address of the device, sealed under the device's key. In User Enrollment an unlock token is ignored
/// (mdm/checkin/tokenupdate.yaml: forbidden).
///
/// # Errors
/// Returns an error if `Token` or `PushMagic` is missing, empty, or too long.
pub fn push_address(fields: &Dictionary, kind: EnrollmentKind, device: DeviceId) -> Result<PushAddress, BadField> {
    let sealed = |text: String| Personal::new(device.key(), text);
    let unlock_token = match kind {
        EnrollmentKind::DeviceEnrollment => {
            data(fields, "UnlockToken").ok().filter(|token| token.len() <= LONGEST_UNLOCK_TOKEN)
        }
        EnrollmentKind::UserEnrollment => None,
    };
    let (token, push_magic) = (data(fields, "Token")?, text(fields, "PushMagic")?);
    // An empty value cannot wake a device.
    if token.is_empty() || token.len() > LONGEST_ADDRESS {
        return Err(BadField("Token"));
    }
    if push_magic.is_empty() || push_magic.len() > LONGEST_ADDRESS {
        return Err(BadField("PushMagic"));
    }
    Ok(PushAddress {
        token: sealed(STANDARD.encode(token)),
        push_magic: sealed(push_magic.to_owned()),
        unlock_token: unlock_token.map(|token| sealed(STANDARD.encode(token))),
    })
}
