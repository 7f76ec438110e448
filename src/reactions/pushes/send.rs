//! Sends one push to one device and records the outcome in the log.

use super::line::Ask;
use super::owed::{Owed, owed};
use crate::app::App;
use crate::reactions::{ReactionError, settled};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use decisions::device::{Command, Device};
use events::device::DeviceId;
use events::{Actor, ActorKind, Timestamp};
use platform::context::Context;
use push::{Fault, KEEP_SECONDS, Notification, PushOutcome, Pusher, Trouble};
use telemetry::Alarm;

/// Wakes the device if a push is still to be sent, and records the outcome.
///
/// # Errors
/// Returns an error if the log cannot be read or written. The push must then be retried.
pub(crate) async fn settle(app: &App, device: DeviceId, ask: &Ask) -> Result<(), ReactionError> {
    let Some(pusher) = &app.devices.pusher else { return Ok(()) };
    let stream = app.platform.log.read(&device.stream()).await?;
    let Some(owed) = owed(&stream, ask.cause) else { return Ok(()) };
    let Some(outcome) = send(app, pusher, device, &owed).await else { return Ok(()) };
    let actor = Actor::new(ActorKind::System, ask.effect);
    let context = Context::effect(actor, ask.cause, ask.correlation, ask.effect);
    let record = record(outcome, owed, app.platform.world.now());
    settled(app.platform.perform::<Device>(&device.stream(), &record, &context).await)
}

// `None`: the push address is unreadable, because the device's key was destroyed.
async fn send(app: &App, pusher: &Pusher, device: DeviceId, owed: &Owed) -> Option<PushOutcome> {
    let token = STANDARD.decode(owed.to.token.get()?).ok()?;
    let notification = Notification {
        token: &token,
        push_magic: owed.to.push_magic.get()?,
        topic: &owed.topic,
        expires_unix: app.platform.world.now().0 / 1_000_000 + KEEP_SECONDS,
    };
    Some(pusher.deliver(notification, &app.platform.world, |outcome| report(app, device, outcome)).await)
}

/// Counts an attempt, and raises an alarm if the operator must act.
fn report(app: &App, device: DeviceId, outcome: &PushOutcome) {
    let (word, alarm) = match outcome {
        PushOutcome::Accepted { .. } => ("accepted", None),
        PushOutcome::Unregistered { .. } => ("unregistered", None),
        PushOutcome::Rejected { fault, .. } => match fault {
            Fault::Token => ("rejected", None),
            Fault::Topic => ("rejected", Some(Alarm::PushTopicRefused)),
            Fault::Request => ("rejected", Some(Alarm::PushRequestRefused)),
        },
        PushOutcome::RetryLater { trouble, status, .. } => match (trouble, status) {
            (Trouble::Certificate, _) => ("certificate_refused", Some(Alarm::PushCertificateRefused)),
            (_, Some(_)) => ("busy", None),
            (_, None) => ("unreachable", None),
        },
    };
    app.platform.metrics.push(word);
    let (PushOutcome::Rejected { reason, .. } | PushOutcome::RetryLater { reason, .. }) = outcome else { return };
    match alarm {
        Some(alarm) => {
            app.platform.metrics.alarm(alarm);
            tracing::error!(
                alarm = alarm.label(),
                device.id = %device,
                reason,
                "the push service refuses our requests; run `muster check-config` for details"
            );
        }
        None => tracing::warn!(device.id = %device, outcome = word, reason, "a push failed"),
    }
}

fn record(outcome: PushOutcome, owed: Owed, now: Timestamp) -> Command {
    let Owed { to, told_at, put_offs, .. } = owed;
    let again = true;
    let failure = |status, reason, unregistered_since| Command::RecordPushFailure {
        to,
        status,
        reason,
        unregistered_since,
        again,
    };
    match outcome {
        PushOutcome::Accepted { apns_id } => Command::RecordPush { apns_id, again, put_offs: Some(put_offs) },
        PushOutcome::Unregistered { reason, since_unix_ms } => {
            let since = since_unix_ms.map_or(now, |millis| Timestamp(millis.saturating_mul(1_000)));
            // A 410 with a timestamp before the device sent this token does not count (Apple: compare with the
            // timestamp).
            failure(Some(410), reason, (since >= told_at).then_some(since))
        }
        PushOutcome::Rejected { status, reason, .. } => failure(Some(status), reason, None),
        PushOutcome::RetryLater { status, reason, .. } => failure(status, reason, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use events::device::PushAddress;
    use events::{KeyName, Personal};
    use uuid::Uuid;

    const TOLD_AT: Timestamp = Timestamp(1_700_000_000_000_000);

    fn recorded(outcome: PushOutcome) -> (Option<u16>, Option<Timestamp>) {
        let sealed = |text: &str| Personal::new(KeyName::of("device", Uuid::nil()), text.to_owned());
        let to = PushAddress { token: sealed("t"), push_magic: sealed("m"), unlock_token: None };
        let owed = Owed { to, told_at: TOLD_AT, topic: String::new(), put_offs: 0 };
        match record(outcome, owed, TOLD_AT.plus_seconds(60)) {
            Command::RecordPushFailure { status, unregistered_since, .. } => (status, unregistered_since),
            other => panic!("{other:?}"),
        }
    }

    fn gone(since_unix_ms: Option<i64>) -> PushOutcome {
        PushOutcome::Unregistered { reason: "Unregistered".into(), since_unix_ms }
    }

    #[test]
    fn given_a_410_from_after_the_token_was_told_then_the_token_is_dead_since_then() {
        assert_eq!(recorded(gone(Some(1_700_000_001_000))), (Some(410), Some(TOLD_AT.plus_seconds(1))));
        assert_eq!(recorded(gone(None)), (Some(410), Some(TOLD_AT.plus_seconds(60))));
    }

    #[test]
    fn given_a_410_from_before_the_token_was_told_then_it_is_a_failure_like_another() {
        assert_eq!(recorded(gone(Some(1_699_999_999_999))), (Some(410), None));
    }

    #[test]
    fn given_a_status_then_it_is_written_down() {
        let trouble = Trouble::Device;
        let busy = PushOutcome::RetryLater {
            trouble,
            status: Some(429),
            reason: "TooManyRequests".into(),
            after_seconds: None,
        };
        assert_eq!(recorded(busy), (Some(429), None));
    }
}
