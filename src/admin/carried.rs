//! An act that waits for a proof. What its form asked for travels through the pages of the proof, so that afterwards exactly that is
//! asked for again, and each page between names it.
//!
//! It is no authority: it is read from genuine forms only, is shown, and is sent to the act's own address, which checks it as any form.

use super::problem::Problem;
use super::session::{Acts, May, local};
use super::words;
use crate::web::content::content;
use events::device::DeviceId;
use projections::devices::{self as inventory, Device};
use serde::{Deserialize, Serialize};

/// Devices that a page of the proof names; the others it counts.
const NAMED: usize = 20;

/// The largest form that may carry an act: the list of 500 devices, and the identifiers that they were chosen by.
pub const LARGEST: usize = 256 * 1024;

/// What is about to be done, in words.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct About {
    pub label: String,
    /// The devices, so that they can be told apart.
    pub devices: Vec<String>,
    /// How many others there are.
    pub more: usize,
    /// The devices are chosen afterwards.
    pub chosen_later: bool,
}

content!(About { label, devices, more, chosen_later });

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Field {
    pub name: String,
    pub value: String,
}

content!(Field { name, value });

/// A form that was sent, to be sent again.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Act {
    pub path: String,
    pub about: About,
    pub consequence: String,
    pub fields: Vec<Field>,
    /// Where it was asked for.
    pub back: String,
}

impl Act {
    /// The act that a form carries; `None` if it carries none.
    ///
    /// # Errors
    /// If it is not one of ours.
    pub fn parse(text: &str) -> Result<Option<Act>, Problem> {
        if text.is_empty() {
            return Ok(None);
        }
        let act: Option<Act> = serde_json::from_str(text).ok();
        let ours = |path: &str| local(path, "") == path;
        let act = act.filter(|act| ours(&act.path) && ours(&act.back));
        act.map(Some).ok_or(Problem::Bad("The form is not complete, so nothing was done."))
    }

    /// As a field of a form.
    pub fn written(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

impl About {
    /// An act on devices that are chosen after the proof.
    pub fn chosen_later(label: &str) -> About {
        About { label: label.to_owned(), devices: vec![], more: 0, chosen_later: true }
    }

    pub fn one(label: &str, device: &Device) -> About {
        About { chosen_later: false, devices: vec![words::told_apart(device)], ..About::chosen_later(label) }
    }

    /// # Errors
    /// If the projections cannot be used.
    pub async fn many(label: &str, devices: &[DeviceId], staff: &May<Acts>) -> Result<About, Problem> {
        let mut named = Vec::new();
        for id in devices.iter().take(NAMED) {
            let found = inventory::get(staff.projections(), *id, None).await.map_err(|error| staff.broken(error))?;
            named.push(found.map_or_else(|| id.to_string(), |device| words::told_apart(&device)));
        }
        let more = devices.len() - named.len();
        Ok(About { devices: named, more, chosen_later: false, ..About::chosen_later(label) })
    }
}
