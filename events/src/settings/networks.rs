//! Addresses that many people share.

use serde::{Deserialize, Serialize};

/// A range of addresses, each of which so many people share: a school behind one address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SharedNetwork {
    /// Such as `192.0.2.0/24` or `2001:db8::/48`.
    pub cidr: String,
    pub people: u32,
}
