//! What a device says of itself before anybody signed in on it (other/machineinfo.yaml): a property list, signed with the
//! identity that it was made with.

use super::{Answer, device_message};
use crate::app::App;
use actix_web::web::Bytes;
use decisions::visit::MachineInformation;
use events::enrollment::OsVersion;
use plist::Dictionary;
use std::net::IpAddr;

/// Longer than any model or build that there is.
const LONGEST: usize = 64;

/// Reads it. A signature that proves nothing is a finding, to be recorded; a message that cannot be read is an error.
pub(super) async fn read(app: &App, body: Bytes, source: Option<IpAddr>) -> Result<MachineInformation, Answer> {
    let message = device_message(app, body, source).await?;
    let fields = message.fields;
    Ok(MachineInformation {
        signature: message.signature,
        product: text(&fields, "PRODUCT"),
        build_version: text(&fields, "VERSION"),
        // From iOS 17 on; before, only the build tells something of the version.
        os_version: text(&fields, "OS_VERSION").and_then(|version| OsVersion::parse(&version)),
    })
}

fn text(fields: &Dictionary, key: &str) -> Option<String> {
    let text = fields.get(key)?.as_string()?;
    (1..=LONGEST).contains(&text.len()).then(|| text.to_owned())
}
