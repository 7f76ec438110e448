//! Values that enrolled devices keep for as long as they are enrolled, from the log: the push topic, and the addresses
//! in their MDM profile.

use events::Event;
use events::device::DeviceEvent;
use events::enrollment::EnrollmentEvent;
use events::log::{Entry, Log};
use events::store::ReadError;
use std::collections::{BTreeSet, HashMap};
use url::Url;
use uuid::Uuid;

/// Number of events per read.
const PAGE: usize = 1_000;

/// Event types that can change the result; events of other types are not decoded.
const TELLING: [&str; 7] = [
    "MdmProfileServed",
    "DeviceAuthenticated",
    "DeviceEnrolled",
    "DeviceCheckedOut",
    "DeviceUnenrolled",
    "DeviceSuperseded",
    "DeviceRevived",
];

/// Values that one device keeps.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Held {
    pub topic: String,
    /// Origins `https://name` or `https://name:port` where the device checks in, fetches commands and requests its
    /// identity.
    pub origins: BTreeSet<String>,
}

#[derive(Default)]
struct Device {
    held: Held,
    /// A device that only sent `Authenticate` is not managed yet.
    enrolled: bool,
}

/// Returns the values of each enrolled device. Reads the whole log.
///
/// # Errors
/// Returns an error if the event log cannot be read.
pub async fn by_enrolled_devices(log: &Log) -> Result<Vec<Held>, ReadError> {
    // An enrollment and its device have the same id.
    let (mut devices, mut after) = (HashMap::new(), None);
    loop {
        let mut page = log.store().read_all(after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.position);
        page.retain(|recorded| TELLING.contains(&recorded.event.event_type.as_str()));
        // Encrypted fields are not used here.
        let viewed = log.view(page).await;
        viewed.error.map_or(Ok(()), Err)?;
        viewed.entries.iter().for_each(|entry| fold(&mut devices, entry));
    }
    Ok(devices.into_values().filter(|device| device.enrolled).map(|device| device.held).collect())
}

fn fold(devices: &mut HashMap<Uuid, Device>, entry: &Entry) {
    let Ok(id) = Uuid::parse_str(entry.stream.id()) else { return };
    let device: &mut Device = devices.entry(id).or_default();
    match &entry.event {
        Event::Enrollment(event) => fold_enrollment(device, event),
        Event::Device(event) => fold_device(device, event),
        Event::Log(_) | Event::Person(_) | Event::Account(_) | Event::Hardware(_) | Event::Staff(_) => {}
        Event::UserName(_) | Event::StaffActivity(_) | Event::Refusal(_) | Event::Request(_) => {}
        Event::Invitation(_) | Event::Code(_) | Event::Wave(_) | Event::Migration(_) => {}
        Event::Assertion(_) | Event::Settings(_) | Event::Record(_) | Event::Import(_) | Event::Successor(_) => {}
    }
}

fn fold_enrollment(device: &mut Device, event: &EnrollmentEvent) {
    if let EnrollmentEvent::MdmProfileServed { profile, .. } = event {
        let urls = [&profile.server_url, &profile.check_in_url, &profile.scep_url];
        device.held.origins = urls.into_iter().filter_map(|url| origin(url)).collect();
    }
}

fn fold_device(device: &mut Device, event: &DeviceEvent) {
    match event {
        DeviceEvent::DeviceAuthenticated { topic, .. } => {
            device.held.topic = topic.clone();
            device.enrolled = false;
        }
        DeviceEvent::DeviceEnrolled { .. } | DeviceEvent::DeviceRevived { .. } => device.enrolled = true,
        DeviceEvent::DeviceCheckedOut { .. }
        | DeviceEvent::DeviceUnenrolled { .. }
        | DeviceEvent::DeviceSuperseded { .. } => device.enrolled = false,
        DeviceEvent::PushTokenRenewed { .. } | DeviceEvent::IdentityRenewed { .. } => {}
        DeviceEvent::IdentityRenewalRequested { .. } | DeviceEvent::DeviceReauthenticated { .. } => {}
        DeviceEvent::IdentityRenewalCompleted { .. } | DeviceEvent::IdentityRenewalFailed { .. } => {}
        DeviceEvent::IdentityRenewalRefused { .. } | DeviceEvent::DeviceMessageRefused { .. } => {}
        DeviceEvent::IdentityRolledBack { .. } | DeviceEvent::MdmCommandQueued { .. } => {}
        DeviceEvent::MdmCommandDelivered { .. } | DeviceEvent::MdmCommandCancelled { .. } => {}
        DeviceEvent::MdmCommandExpired { .. } | DeviceEvent::MdmCommandAnswered { .. } => {}
        DeviceEvent::MdmAnswerUnreadable { .. } | DeviceEvent::MdmResultTooLarge { .. } => {}
        DeviceEvent::ManagedAppReported { .. } | DeviceEvent::InventoryReported { .. } => {}
        DeviceEvent::DeviceHeardFrom {}
        | DeviceEvent::ContactWatchBegun { .. }
        | DeviceEvent::DeviceFieldsLeftOut { .. } => {}
        DeviceEvent::DeviceEventsSuppressed { .. } => {}
        DeviceEvent::DevicePushed { .. } | DeviceEvent::PushFailed { .. } => {}
        DeviceEvent::HardwareClaimNoted { .. } | DeviceEvent::HardwareClaimDismissed { .. } => {}
        DeviceEvent::HardwareAttestationRequested { .. } | DeviceEvent::HardwareAttested { .. } => {}
        DeviceEvent::HardwareAttestationRefused { .. } => {}
        DeviceEvent::EarlierViewsCleared { .. } => {}
        DeviceEvent::RecordArchived {} | DeviceEvent::RecordRestored {} => {}
    }
}

/// Returns scheme, name and port of a URL; the scheme's default port is left out.
pub fn origin(url: &str) -> Option<String> {
    Url::parse(url).ok().map(|url| url.origin().ascii_serialization())
}
