//! The Self Service app that a device gets at the end of its enrollment.

use crate::enrollment::Ownership;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SelfService {
    /// The app's number in the App Store, as at the end of its address (`…/id1234567890`). Institutional devices prompt
    /// for it when they have enrolled.
    pub store_id: Option<u64>,
    /// Whose devices the organization assigns licences for the app to (Apps and Books): to the person for personal
    /// devices, to the device for institutional ones. A personal device without a licence gets a link to the App Store.
    pub licensed: BTreeSet<Ownership>,
}
