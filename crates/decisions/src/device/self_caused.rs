//! Which events a device alone can cause, as often as it likes: those have a budget. What follows from a command of ours, or
//! happens once in a management relationship, has none.

use super::Device;
use events::device::{CommandStatus, DeviceEvent};

/// What an event draws on the budget of its device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Draws {
    Nothing,
    /// Bytes alone: a command of ours asked for it, but the device says how long it is.
    Bytes,
    /// One event, and its bytes.
    Event,
}

impl Device {
    /// Whether these events, decided on this state, complete a renewal that we asked for: they draw nothing, since each renewal is
    /// completed once.
    pub fn completes_renewal(&self, decided: &[DeviceEvent]) -> bool {
        let completes = |event: &DeviceEvent| {
            let DeviceEvent::IdentityRenewalCompleted { fingerprint, .. } = event else { return false };
            self.is_renewing_to(fingerprint)
        };
        decided.iter().any(completes)
    }

    fn is_renewing_to(&self, fingerprint: &str) -> bool {
        let renewed = self.renewal_under_way().and_then(|renewal| renewal.identity.as_ref());
        renewed.is_some_and(|identity| identity.fingerprint == fingerprint)
    }

    /// What `event`, decided on this state, draws.
    pub fn draws(&self, event: &DeviceEvent) -> Draws {
        match event {
            // A profile that is being installed may say so again and again.
            DeviceEvent::DeviceAuthenticated { certificate, .. } if self.certificate.as_ref() == Some(certificate) => {
                Draws::Event
            }
            // The first step of a renewal that we asked for.
            DeviceEvent::DeviceReauthenticated { certificate, .. }
                if self.is_renewing_to(certificate) && self.reauthenticated.as_ref() != Some(certificate) =>
            {
                Draws::Nothing
            }
            DeviceEvent::PushTokenRenewed { .. }
            | DeviceEvent::DeviceReauthenticated { .. }
            | DeviceEvent::IdentityRenewed { challenge: None, .. }
            | DeviceEvent::IdentityRenewalCompleted { .. }
            | DeviceEvent::IdentityRolledBack { .. }
            | DeviceEvent::MdmResultTooLarge { command: None, .. }
            | DeviceEvent::DeviceFieldsLeftOut { .. } => Draws::Event,
            // Once for each push it is the answer to a command: a locked device puts everything off each time we wake it. Each
            // further time the device decides.
            DeviceEvent::MdmCommandAnswered { command, status: CommandStatus::NotNow, .. } => {
                let again = self.command(*command).is_some_and(|command| command.put_off > self.put_offs_at_push);
                if again { Draws::Event } else { Draws::Nothing }
            }
            DeviceEvent::InventoryReported { .. } | DeviceEvent::ManagedAppReported { .. } => Draws::Bytes,
            DeviceEvent::DeviceAuthenticated { .. }
            | DeviceEvent::DeviceEnrolled { .. }
            | DeviceEvent::IdentityRenewed { challenge: Some(_), .. }
            | DeviceEvent::IdentityRenewalRequested { .. }
            | DeviceEvent::IdentityRenewalFailed { .. }
            | DeviceEvent::MdmCommandQueued { .. }
            | DeviceEvent::MdmCommandDelivered { .. }
            | DeviceEvent::MdmCommandCancelled { .. }
            | DeviceEvent::MdmCommandExpired { .. }
            | DeviceEvent::MdmCommandAnswered { .. }
            | DeviceEvent::MdmResultTooLarge { command: Some(_), .. }
            | DeviceEvent::MdmAnswerUnreadable { .. }
            | DeviceEvent::DeviceHeardFrom {}
            | DeviceEvent::DevicePushed { .. }
            | DeviceEvent::PushFailed { .. }
            | DeviceEvent::DeviceCheckedOut { .. }
            | DeviceEvent::DeviceUnenrolled { .. }
            | DeviceEvent::DeviceSuperseded { .. }
            | DeviceEvent::DeviceRevived { .. }
            | DeviceEvent::HardwareClaimNoted { .. }
            | DeviceEvent::HardwareClaimDismissed { .. }
            // Once, and the answer to a question that is asked at most once in seven days.
            | DeviceEvent::HardwareAttestationRequested { .. }
            | DeviceEvent::HardwareAttested { .. }
            | DeviceEvent::HardwareAttestationRefused { .. }
            | DeviceEvent::RecordArchived {}
            | DeviceEvent::RecordRestored {}
            // Equal ones are written down once in an enrollment.
            | DeviceEvent::IdentityRenewalRefused { .. }
            | DeviceEvent::DeviceMessageRefused { .. }
            | DeviceEvent::DeviceEventsSuppressed { .. } => Draws::Nothing,
        }
    }
}
