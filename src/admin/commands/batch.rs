//! The list of devices that a rehearsal showed, frozen for the action. The list is in the page as an authenticated
//! token, so that the action applies to exactly the devices that the administrator saw.

use crate::admin::session::{Acts, May};
use crate::admin::words;
use devices::commands::table::CommandSpec;
use events::device::DeviceId;
use openssl::sha::sha256;
use projections::devices::Device;
use uuid::Uuid;

/// Lifetime of a list; afterwards the administrator must rehearse again.
const GOOD_FOR_SECONDS: i64 = 15 * 60;
const PURPOSE: &str = "command-batch";

/// Context of a batch. A list is valid only for the same context.
pub(crate) struct Batch<'a> {
    pub staff: &'a May<Acts>,
    pub spec: &'static CommandSpec,
    pub request: Uuid,
    /// Parameters of the action, as in the form.
    pub what: &'a [(&'static str, String)],
}

/// A device of the list, with a hash of what was shown of it.
pub(crate) struct Shown {
    pub device: DeviceId,
    looks: String,
}

impl Batch<'_> {
    /// Returns the list as a token for the page's form.
    pub(crate) fn seal<'d>(&self, devices: impl IntoIterator<Item = &'d Device>) -> String {
        let list: Vec<String> = devices.into_iter().map(|device| format!("{}:{}", device.id, looks(device))).collect();
        let expires = self.staff.now().0 / 1_000_000 + GOOD_FOR_SECONDS;
        let [session, name, request, what] = self.bound();
        self.staff.app().platform.secrets.link(PURPOSE, &[&list.join(","), &session, &name, &request, &what], expires)
    }

    /// Returns the list of a form, or `None` if the token belongs to another context or has expired.
    pub(crate) fn open(&self, sealed: &str) -> Option<Vec<Shown>> {
        let app = self.staff.app();
        let (parts, _) = app.platform.secrets.open_link::<5>(sealed, PURPOSE, self.staff.now())?;
        let [list, bound @ ..] = parts;
        if bound != self.bound().each_ref().map(String::as_str) {
            return None;
        }
        list.split(',').filter(|one| !one.is_empty()).map(Shown::parse).collect()
    }

    fn bound(&self) -> [String; 4] {
        let what: Vec<[&str; 2]> = self.what.iter().map(|(name, value)| [*name, value.as_str()]).collect();
        let what = serde_json::to_vec(&what).unwrap_or_default();
        [
            self.staff.session.id.to_string(),
            self.spec.name.to_owned(),
            self.request.to_string(),
            hex::encode(sha256(&what)),
        ]
    }
}

impl Shown {
    fn parse(text: &str) -> Option<Shown> {
        let (device, looks) = text.split_once(':')?;
        Some(Shown { device: DeviceId(Uuid::parse_str(device).ok()?), looks: looks.to_owned() })
    }

    /// Returns whether the record still is what was shown: same person, name, kind and state.
    pub(crate) fn still_is(&self, device: &Device) -> bool {
        looks(device) == self.looks
    }
}

fn looks(device: &Device) -> String {
    let Device { person, user_name, kind, state, archived, .. } = device;
    let shown = format!("{:?}", (words::label(device), person, user_name, kind, state.as_str(), archived));
    hex::encode(&sha256(shown.as_bytes())[..8])
}
