//! The Self Service app, which is installed at the end of an enrollment.

use crate::enrollment::Ownership;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SelfService {
    /// App Store number of the app, as at the end of its address (`…/id1234567890`). Institutional devices prompt for
    /// it after they have enrolled.
    pub store_id: Option<u64>,
    /// Ownership kinds of devices for which the organization assigns licences for the app (Apps and Books): to the
    /// person for personal devices, to the device for institutional ones. A personal device without a licence gets a
    /// link to the App Store.
    pub licensed: BTreeSet<Ownership>,
}
