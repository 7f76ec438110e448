//! What managed devices and APNs tell.

use super::enrolling::{push_address, version};
use super::installation::{Installation, by, device_of, timestamp};
use decisions::device::{Command, Device, Phase};
use events::device::{DeviceEvent, DeviceId, InventoryValue};
use events::store::Expected;
use events::{ActorKind, Event};
use population::{EnrollmentId, OsVersion, PushAnswer};

impl Installation {
    /// A device makes contact. The server records it while it is watched. It also records contact after a week of
    /// silence, which says nothing about links that is not known from the watch.
    pub async fn contact(&self, enrollment: EnrollmentId, at: i64) {
        let device = device_of(enrollment);
        let state = self.app.platform.device(device).await.expect("a device");
        if state.phase == Phase::Enrolled && state.contact_watched {
            self.of_device(device, Command::HearFrom, at).await;
        }
    }

    /// The inventory of a device shows a new version.
    pub async fn update(&self, enrollment: EnrollmentId, os: OsVersion, at: i64) {
        self.contact(enrollment, at).await;
        let device = device_of(enrollment);
        let (state, revision) = self.app.platform.load::<Device>(&device.stream()).await.expect("a device");
        if let Some(revision) = revision.filter(|_| state.phase == Phase::Enrolled) {
            let value = InventoryValue::Plain(version(os).to_string().into());
            let reported = DeviceEvent::InventoryReported { changes: [("OSVersion".to_owned(), value)].into() };
            let expected = Expected::Exact(revision);
            let by = by(ActorKind::Device, device);
            self.append(&device.stream(), expected, &by, at, vec![Event::from(reported)]).await;
        }
    }

    /// A device comes back from its backup, with its management and a new push token.
    pub async fn restore(&self, enrollment: EnrollmentId, os: OsVersion, at: i64) {
        let device = device_of(enrollment);
        let state = self.app.platform.device(device).await.expect("a device");
        let (Some(identifiers), Some(certificate)) = (state.identifiers.clone(), state.certificate.clone()) else {
            return;
        };
        let push = push_address(device, &at.to_string());
        let body = self.body();
        self.of_device(device, Command::TokenUpdate { identifiers, push, certificate, body }, at).await;
        self.update(enrollment, os, at).await;
    }

    pub async fn check_out(&self, enrollment: EnrollmentId, at: i64) {
        let body = self.body();
        self.of_device(device_of(enrollment), Command::CheckOut { body }, at).await;
    }

    /// APNs answers a push. The server pushes to a device as long as a command waits for it.
    pub async fn push_answered(&self, enrollment: EnrollmentId, answer: PushAnswer, at: i64) {
        let device = device_of(enrollment);
        let state = self.app.platform.device(device).await.expect("a device");
        let Some(to) = state.push.clone() else { return };
        let command = match answer {
            PushAnswer::Accepted => Command::RecordPush { apns_id: None, again: true, put_offs: None },
            PushAnswer::Gone => Command::RecordPushFailure {
                to,
                status: Some(410),
                reason: "Unregistered".into(),
                unregistered_since: Some(timestamp(at)),
                again: true,
            },
        };
        self.decide::<Device>(&device.stream(), &command, &by(ActorKind::System, "pushes"), at).await;
    }

    async fn of_device(&self, device: DeviceId, command: Command, at: i64) {
        self.decide::<Device>(&device.stream(), &command, &by(ActorKind::Device, device), at).await;
    }
}
