//! Reads the machine information that a device sends before its user has signed in (other/machineinfo.yaml): a property
//! list, signed with the device's built-in identity.

use super::{Answer, device_message};
use crate::mdm::Mdm;
use actix_web::web::Bytes;
use decisions::enrollment::MachineInformation;
use events::enrollment::OsVersion;
use plist::Dictionary;
use std::net::IpAddr;

/// Limit for a text field, in bytes: longer than any model name or build version.
const LONGEST: usize = 64;

/// Reads the message. An invalid or unknown signature is not an error: the result contains it, to be recorded. A
/// message that cannot be parsed is refused.
pub(super) async fn read(app: &Mdm, body: Bytes, source: Option<IpAddr>) -> Result<MachineInformation, Answer> {
    let message = device_message(app, body, source).await?;
    let fields = message.fields;
    Ok(MachineInformation {
        signature: message.signature,
        product: text(&fields, "PRODUCT"),
        build_version: text(&fields, "VERSION"),
        // Sent from iOS 17 on. Earlier versions send only the build version.
        os_version: text(&fields, "OS_VERSION").and_then(|version| OsVersion::parse(&version)),
    })
}

fn text(fields: &Dictionary, key: &str) -> Option<String> {
    let text = fields.get(key)?.as_string()?;
    (1..=LONGEST).contains(&text.len()).then(|| text.to_owned())
}
