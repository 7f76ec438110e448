//! Determines which events a device alone can cause, any number of times: these count against a budget. Events that
//! follow from a command of Muster, or happen once per management relationship, do not.

use super::Device;
use events::device::{CommandStatus, DeviceEvent};

/// What an event counts against the budget of its device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Draws {
    Nothing,
    /// Only its bytes: a command of Muster requested the data, but the device determines its length.
    Bytes,
    /// One event and its bytes.
    Event,
}

impl Device {
    /// Returns whether these events, decided in this state, complete a renewal that Muster requested. They do not
    /// count, since each renewal is completed once.
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

    /// Returns what `event`, decided in this state, counts against the budget.
    pub fn draws(&self, event: &DeviceEvent) -> Draws {
        match event {
            // A device that installs its profile may repeat this message.
            DeviceEvent::DeviceAuthenticated { certificate, .. } if self.certificate.as_ref() == Some(certificate) => {
                Draws::Event
            }
            // The first step of a renewal that Muster requested.
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
            // The first NotNow after a push is an answer to a command: a locked device defers everything each time it
            // is woken. Further ones are the device's own decision.
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
            | DeviceEvent::ContactWatchBegun { .. }
            | DeviceEvent::DevicePushed { .. }
            | DeviceEvent::PushFailed { .. }
            | DeviceEvent::DeviceCheckedOut { .. }
            | DeviceEvent::DeviceUnenrolled { .. }
            | DeviceEvent::DeviceSuperseded { .. }
            | DeviceEvent::DeviceRevived { .. }
            | DeviceEvent::HardwareClaimNoted { .. }
            | DeviceEvent::HardwareClaimDismissed { .. }
            // Answers to a request that is made at most once in seven days.
            | DeviceEvent::HardwareAttestationRequested { .. }
            | DeviceEvent::HardwareAttested { .. }
            | DeviceEvent::HardwareAttestationRefused { .. }
            | DeviceEvent::RecordArchived {}
            | DeviceEvent::RecordRestored {}
            | DeviceEvent::EarlierViewsCleared { .. }
            // Equal refusals are recorded once per enrollment.
            | DeviceEvent::IdentityRenewalRefused { .. }
            | DeviceEvent::DeviceMessageRefused { .. }
            | DeviceEvent::DeviceEventsSuppressed { .. } => Draws::Nothing,
        }
    }
}
