//! A record that ended for another one without proof goes on when its identity speaks.

use super::{Answer, message, unavailable};
use crate::app::App;
use decisions::device::{Command, Device};
use devices::identify::Known;
use plist::Dictionary;
use std::net::IpAddr;
use telemetry::Alarm;

/// The device as it is after a proven message of it: revived, where the message shows that its end was a mistake.
///
/// # Errors
/// If the log cannot be used.
pub async fn by_contact(
    app: &App,
    known: Known,
    (fields, body): (&Dictionary, &[u8]),
    source: Option<IpAddr>,
) -> Result<Known, Answer> {
    let (hash, now) = (message::body_hash(&known.fingerprint, body), app.platform.world.now());
    if !known.state.is_revived_by(&hash, now) || !names(&known, fields) {
        return Ok(known);
    }
    let revive = Command::Revive { body: hash, now };
    let stream = known.device.stream();
    let performed = app.platform.perform_from::<Device>(&stream, known.loaded(), &revive, &known.context(source)).await;
    let performed = performed.map_err(unavailable)?;
    if performed.appended.is_some() {
        app.platform.metrics.alarm(Alarm::DeviceRevived);
        tracing::error!(device.id = %known.device, "a device speaks whose record had ended for another record of the same hardware");
    }
    Ok(Known { state: performed.state, revision: performed.revision, ..known })
}

fn names(known: &Known, fields: &Dictionary) -> bool {
    message::identifiers(fields, known.person).is_ok_and(|identifiers| known.state.is(&identifiers))
}
