//! Revives a superseded record whose end was not proven, when its device contacts the server again.

use super::{Answer, message, unavailable};
use crate::mdm::Mdm;
use decisions::device::{Command, Device};
use devices::identify::Known;
use plist::Dictionary;
use std::net::IpAddr;
use telemetry::Alarm;

/// Returns the device after a message whose sender is proven. The record is revived if the message shows that its end
/// was a mistake.
///
/// # Errors
/// Returns [`Answer::Unavailable`] if the event log cannot be read or written.
pub(crate) async fn by_contact(
    app: &Mdm,
    known: Known,
    (fields, body): (&Dictionary, &[u8]),
    source: Option<IpAddr>,
) -> Result<Known, Answer> {
    let (hash, now) = (message::body_hash(&known.fingerprint, body), app.platform.world.now());
    if !known.state.is_revived_by(&hash, now) || !names(&known, fields) {
        return Ok(known);
    }
    if super::is_old_repetition(app, &known, &hash, known.state.seen.may_have_forgotten(&hash)).await? {
        return Ok(known);
    }
    let revive = Command::Revive { body: hash, now };
    let stream = known.device.stream();
    let performed = app.platform.perform_from::<Device>(&stream, known.loaded(), &revive, &known.context(source)).await;
    let performed = performed.map_err(unavailable)?;
    if performed.appended.is_some() {
        app.platform.metrics.alarm(Alarm::DeviceRevived);
        tracing::error!(device.id = %known.device, "revived a record that had ended in favor of another record of the same hardware: its device contacted the server");
    }
    Ok(Known { state: performed.state, revision: performed.revision, ..known })
}

fn names(known: &Known, fields: &Dictionary) -> bool {
    message::identifiers(fields, known.person).is_ok_and(|identifiers| known.state.is(&identifiers))
}
