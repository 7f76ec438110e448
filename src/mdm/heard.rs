//! When a device was last heard from: kept beside the log, and in it only where it is evidence (design §4).

use crate::app::App;
use decisions::device::{Command, Device, Phase};
use devices::identify::Known;
use projections::last_seen::{last_seen, touch};
use std::net::IpAddr;

/// After so long a silence, a sign of life is a fact worth keeping.
const SILENCE_SECONDS: i64 = 7 * 24 * 3600;

/// Keeps that a message came. The table may be lost, so nothing here fails the message.
pub async fn from(app: &App, known: &Known, source: Option<IpAddr>) {
    let now = app.platform.world.now();
    let before = last_seen(&app.platform.projections, known.device).await.ok().flatten();
    let after_silence = before.is_some_and(|before| now.seconds_since(before) >= SILENCE_SECONDS);
    if after_silence && known.state.phase == Phase::Enrolled {
        let context = known.context(source);
        if let Err(error) = app.platform.perform::<Device>(&known.device.stream(), &Command::HearFrom, &context).await {
            tracing::warn!(device.id = %known.device, %error, "a sign of life after a long silence is not recorded");
            return;
        }
    }
    if let Err(error) = touch(&app.platform.projections, known.device, now).await {
        tracing::warn!(device.id = %known.device, %error, "when a device was last seen is not kept");
    }
}
