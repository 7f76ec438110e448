//! Records when a device last contacted the server. The time is kept in a projection table and not in the log. Contact
//! after a long silence is also an event, because it is evidence that the device is still managed. So is the first
//! contact after a later enrollment that may be this device.

use crate::mdm::Mdm;
use decisions::device::{Command, Device, Phase};
use devices::identify::Known;
use events::Timestamp;
use platform::PerformError;
use projections::last_seen::{last_seen, touch};
use std::net::IpAddr;

/// Length of silence, in seconds, after which contact becomes an event.
const SILENCE_SECONDS: i64 = 7 * 24 * 3600;

/// Records that a message arrived. The table may be lost, so a failure here does not fail the message.
pub(crate) async fn from(app: &Mdm, known: &Known, source: Option<IpAddr>) {
    let now = app.platform.world.now();
    if known.state.phase == Phase::Enrolled && (known.state.contact_watched || is_after_silence(app, known, now).await)
    {
        let context = known.context(source);
        match app.platform.perform::<Device>(&known.device.stream(), &Command::HearFrom, &context).await {
            // It said goodbye with this message.
            Ok(_) | Err(PerformError::Refused(_)) => {}
            Err(error) => {
                tracing::warn!(device.id = %known.device, %error, "cannot record contact that is evidence");
                return;
            }
        }
    }
    touch(&app.platform.projections, known.device, now);
}

async fn is_after_silence(app: &Mdm, known: &Known, now: Timestamp) -> bool {
    let before = last_seen(&app.platform.projections, known.device).await.ok().flatten();
    before.is_some_and(|before| now.seconds_since(before) >= SILENCE_SECONDS)
}
