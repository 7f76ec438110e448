//! An action that waits for a confirmation. The fields of its form pass through the confirmation pages, so that
//! exactly the same action is requested afterwards. Each page in between shows the action.
//!
//! The carried form gives no permission: it is read from genuine forms only, it is shown, and it is sent to the
//! action's own address, which checks it like any form.

use super::problem::Problem;
use super::session::{Acts, May, local};
use super::words;
use crate::web::content::content;
use events::device::DeviceId;
use projections::devices::{self as inventory, Device};
use serde::{Deserialize, Serialize};

/// Number of devices that a confirmation page names; it only counts the others.
const NAMED: usize = 20;

/// Maximum size in bytes of a form that carries an action: a list of 500 devices and the identifiers by which they
/// were selected.
pub(crate) const LARGEST: usize = 256 * 1024;

/// Description of the action that is about to be done.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct About {
    pub label: String,
    /// Distinguishing labels of the devices, or of what else the action is done with.
    pub devices: Vec<String>,
    /// Number of further devices.
    pub more: usize,
    /// The devices are selected after the confirmation.
    pub chosen_later: bool,
}

content!(About { label, devices, more, chosen_later });

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Field {
    pub name: String,
    pub value: String,
}

content!(Field { name, value });

/// A submitted form that is to be sent again.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Act {
    pub path: String,
    pub about: About,
    pub consequence: String,
    pub fields: Vec<Field>,
    /// Path of the page that requested the action.
    pub back: String,
}

impl Act {
    /// Parses the action that a form carries; `None` if it carries none.
    ///
    /// # Errors
    /// Returns an error if the text is not a valid action with paths inside the console.
    pub(crate) fn parse(text: &str) -> Result<Option<Act>, Problem> {
        if text.is_empty() {
            return Ok(None);
        }
        let act: Option<Act> = serde_json::from_str(text).ok();
        let ours = |path: &str| local(path, "") == path;
        let act = act.filter(|act| ours(&act.path) && ours(&act.back));
        act.map(Some).ok_or(Problem::Bad("The form is incomplete, so nothing was done."))
    }

    /// Serializes the action as the value of a form field.
    pub(crate) fn written(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

impl About {
    /// Returns the description of an action whose devices are selected after the confirmation.
    pub(crate) fn chosen_later(label: &str) -> About {
        About { label: label.to_owned(), devices: vec![], more: 0, chosen_later: true }
    }

    pub(crate) fn one(label: &str, device: &Device) -> About {
        About::of(label, words::told_apart(device))
    }

    /// Returns the description of an action on one thing.
    pub(crate) fn of(label: &str, what: String) -> About {
        About { chosen_later: false, devices: vec![what], ..About::chosen_later(label) }
    }

    /// # Errors
    /// Returns an error if the projections are unavailable.
    pub(crate) async fn many(label: &str, devices: &[DeviceId], staff: &May<Acts>) -> Result<About, Problem> {
        let mut named = Vec::new();
        for id in devices.iter().take(NAMED) {
            let found = inventory::get(staff.projections(), *id, None).await.map_err(|error| staff.broken(error))?;
            named.push(found.map_or_else(|| id.to_string(), |device| words::told_apart(&device)));
        }
        let more = devices.len() - named.len();
        Ok(About { devices: named, more, chosen_later: false, ..About::chosen_later(label) })
    }
}
