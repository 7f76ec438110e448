//! Networks whose addresses many people share.

use serde::{Deserialize, Serialize};

/// A range of addresses that many people share, such as a school behind one address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SharedNetwork {
    /// The range in CIDR notation, such as `192.0.2.0/24` or `2001:db8::/48`.
    pub cidr: String,
    /// Number of people who share each address of the range.
    pub people: u32,
}
