//! The fields of check-in messages (mdm/checkin/*.yaml), taken out of their property lists.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use events::device::{BodyHash, DeviceId, DeviceIdentifiers, PushAddress};
use events::enrollment::{EnrollmentKind, OsVersion};
use events::person::PersonId;
use events::personal::Personal;
use plist::{Dictionary, Value};
use std::collections::BTreeSet;

/// A field that every such message has is missing or of another type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} is missing or not what it should be")]
pub struct BadField(pub &'static str);

/// A text field.
pub fn text<'a>(fields: &'a Dictionary, key: &'static str) -> Result<&'a str, BadField> {
    fields.get(key).and_then(Value::as_string).ok_or(BadField(key))
}

/// Identifiers, versions and models are at most this long, in bytes; what is longer is left out.
const LONGEST_TEXT: usize = 1_024;
/// The longest `Token` and `PushMagic`: APNs tokens have 32 bytes, a PushMagic is a UUID.
const LONGEST_ADDRESS: usize = 256;
/// The longest `UnlockToken`; what is longer is left out.
const LONGEST_UNLOCK_TOKEN: usize = 16 * 1_024;

/// A text field that is no longer than is kept.
///
/// # Errors
/// If it is missing, of another type, or too long.
pub fn short<'a>(fields: &'a Dictionary, key: &'static str) -> Result<&'a str, BadField> {
    text(fields, key).and_then(|value| if value.len() <= LONGEST_TEXT { Ok(value) } else { Err(BadField(key)) })
}

/// The optional fields of a check-in that are longer than is kept, or of another type than they should be.
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

/// What makes a message the same as one that came before: its bytes, signed by the same certificate. Under a new
/// certificate the same words are news: who enrolls again may check out again.
pub fn body_hash(certificate: &str, body: &[u8]) -> BodyHash {
    let mut hash = openssl::sha::Sha256::new();
    hash.update(certificate.as_bytes());
    hash.update(body);
    BodyHash(hex::encode(hash.finish()))
}

/// How a message names its device: `UDID` or `EnrollmentID`, which tells the mode it enrolled in. Where both stand, it is
/// the mode with the hardware identifiers, which is the one to be careful about.
///
/// # Errors
/// If it names none.
pub fn kind(fields: &Dictionary) -> Result<EnrollmentKind, BadField> {
    match (short(fields, "UDID"), short(fields, "EnrollmentID")) {
        (Ok(_), _) => Ok(EnrollmentKind::DeviceEnrollment),
        (_, Ok(_)) => Ok(EnrollmentKind::UserEnrollment),
        _ => Err(BadField("UDID or EnrollmentID")),
    }
}

/// The identifiers in a message, sealed under the person's key.
///
/// # Errors
/// If there are none.
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

/// Whether a user of the device speaks, and not the device (mdm/checkin/tokenupdate.yaml: the keys of user channels). We manage
/// devices: what is a user's changes nothing of one.
pub fn is_of_a_user(fields: &Dictionary) -> bool {
    ["UserID", "UserShortName", "EnrollmentUserID"].iter().any(|key| fields.contains_key(key))
}

/// `OSVersion`, where it is one.
pub fn os_version(fields: &Dictionary) -> Option<OsVersion> {
    short(fields, "OSVersion").ok().and_then(OsVersion::parse)
}

/// Where the device is woken, sealed under the device's key. An unlock token is none of our business in User Enrollment
/// (mdm/checkin/tokenupdate.yaml: forbidden).
///
/// # Errors
/// If `Token` or `PushMagic` is missing, empty, or longer than any device's.
pub fn push_address(fields: &Dictionary, kind: EnrollmentKind, device: DeviceId) -> Result<PushAddress, BadField> {
    let sealed = |text: String| Personal::new(device.key(), text);
    let unlock_token = match kind {
        EnrollmentKind::DeviceEnrollment => {
            data(fields, "UnlockToken").ok().filter(|token| token.len() <= LONGEST_UNLOCK_TOKEN)
        }
        EnrollmentKind::UserEnrollment => None,
    };
    let (token, push_magic) = (data(fields, "Token")?, text(fields, "PushMagic")?);
    // Nobody could be woken with an empty one.
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
