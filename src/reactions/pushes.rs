//! Wakes devices: after a command was queued, and again when the timer says so. One push serves every command that waits.

use super::{ReactionError, effect_of, settled};
use crate::app::App;
use crate::app::context::Context;
use crate::enrollment::device::{Command, Device};
use crate::push::{KEEP_SECONDS, Notification, Outcome};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use events::device::{DeviceEvent, DeviceId};
use events::log::Entry;
use events::{Event, Timestamp};
use std::time::Duration;
use uuid::Uuid;

/// How often a push is tried before its failure is written down; the timer tries again later.
const TRIES: u64 = 3;

pub(super) async fn react(app: &App, entry: &Entry) -> Result<(), ReactionError> {
    let Event::Device(DeviceEvent::MdmCommandQueued { .. } | DeviceEvent::PushTokenRenewed { .. }) = &entry.event
    else {
        return Ok(());
    };
    let Ok(id) = Uuid::parse_str(entry.stream.id()) else { return Ok(()) };
    let device = app.device(DeviceId(id)).await?;
    if device.wants_push { wake(app, DeviceId(id), &device, false, &effect_of(entry, "push")).await } else { Ok(()) }
}

/// Wakes the device once more, for what it put off or has not answered for long.
pub(super) async fn wake_again(app: &App, id: DeviceId, context: &Context) -> Result<(), ReactionError> {
    let device = app.device(id).await?;
    if device.waiting().next().is_some() { wake(app, id, &device, true, context).await } else { Ok(()) }
}

async fn wake(app: &App, id: DeviceId, device: &Device, again: bool, context: &Context) -> Result<(), ReactionError> {
    let Some(outcome) = push(app, device).await else { return Ok(()) };
    settled(app.perform::<Device>(&id.stream(), &record(outcome, again, app.world.now()), context).await)
}

// `None`: there is nothing to push with or to, now or ever.
async fn push(app: &App, device: &Device) -> Option<Outcome> {
    let pusher = app.pusher.as_ref()?;
    let address = device.push.as_ref()?;
    let token = STANDARD.decode(address.token.get()?).ok()?;
    let notification = Notification {
        token: &token,
        push_magic: address.push_magic.get()?,
        topic: device.topic.as_ref()?,
        expires_unix: app.world.now().0 / 1_000_000 + KEEP_SECONDS,
    };
    let mut outcome = pusher.wake(notification).await;
    for again in 1..TRIES {
        let Outcome::RetryLater { after_seconds, .. } = &outcome else { break };
        let wait = after_seconds.unwrap_or(again).min(5);
        tokio::time::sleep(Duration::from_secs(wait)).await;
        outcome = pusher.wake(notification).await;
    }
    app.metrics.push(word(&outcome));
    Some(outcome)
}

fn word(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Accepted { .. } => "accepted",
        Outcome::Unregistered { .. } => "unregistered",
        Outcome::Rejected { .. } => "rejected",
        Outcome::RetryLater { .. } => "unreachable",
    }
}

fn record(outcome: Outcome, again: bool, now: Timestamp) -> Command {
    match outcome {
        Outcome::Accepted { apns_id } => Command::RecordPush { apns_id, again },
        Outcome::Unregistered { since_unix_ms } => Command::RecordPushFailure {
            status: Some(410),
            reason: "Unregistered".into(),
            unregistered_since: Some(since_unix_ms.map_or(now, |millis| Timestamp(millis.saturating_mul(1_000)))),
            again,
        },
        Outcome::Rejected { status, reason } => {
            Command::RecordPushFailure { status: Some(status), reason, unregistered_since: None, again }
        }
        Outcome::RetryLater { reason, .. } => {
            Command::RecordPushFailure { status: None, reason, unregistered_since: None, again }
        }
    }
}
