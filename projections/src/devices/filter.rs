//! Which devices a list shows, and in which order.

use super::cursor::DeviceCursor;
use super::device::State;
use crate::renewals::Standing;
use events::Timestamp;
use events::enrollment::{EnrollmentKind, OsVersion, Ownership};
use events::person::PersonId;

/// Filter for devices. All given conditions must hold.
#[derive(Debug, Clone, Default)]
pub struct DeviceFilter {
    pub state: Option<State>,
    pub kind: Option<EnrollmentKind>,
    pub ownership: Option<Ownership>,
    /// Product names, such as `iPhone12,1`; parts such as `iPad13` (every `iPad13,…`) or `iPad`. Case does not matter.
    /// Any of them. Empty: any model.
    pub models: Vec<String>,
    /// This OS version or a later one. A device whose version is unknown does not match.
    pub os_from: Option<OsVersion>,
    /// An OS version before this one.
    pub os_below: Option<OsVersion>,
    /// Whether to include archived records. Only lists for people omit them; no rule does.
    pub archived: bool,
    /// Only archived records.
    pub archived_only: bool,
    pub person: Option<PersonId>,
    /// The person's whole user name; case does not matter. It is the name of now, also with `as_of`.
    pub user_name: Option<String>,
    /// Found anywhere in name, model, Managed Apple ID, user name or full name. A text that is an identifier (see
    /// [`DeviceFilter::ids`]) finds only the devices with this identifier.
    pub text: Option<String>,
    /// Found anywhere in the device's name or model.
    pub named: Option<String>,
    /// Serial numbers, UDIDs, EnrollmentIDs or record ids, each complete or a prefix of at least eight
    /// characters. They are not searched for anywhere in the text: three letters of a user name would match devices of
    /// other people. They are those of now, also with `as_of`. Empty: any.
    pub ids: Vec<String>,
    /// State of the identity at this instant, which must be now, since no history of it is kept.
    pub identity: Option<(Standing, Timestamp)>,
    /// Last contact before this instant. A device whose last contact is unknown does not match. Last contacts are known
    /// only for now: this condition does not hold for any device together with `as_of`.
    pub seen_before: Option<Timestamp>,
    /// Last contact at or after this instant.
    pub seen_from: Option<Timestamp>,
    /// Enrolled at or after this instant.
    pub enrolled_from: Option<Timestamp>,
    /// Enrolled before this instant.
    pub enrolled_before: Option<Timestamp>,
    /// The inventory as it was at this instant.
    pub as_of: Option<Timestamp>,
    /// The order of the list. With `as_of` it is always that of [`DeviceSort::Added`]: the history has no index of the
    /// values that a million devices had at an instant.
    pub sort: DeviceSort,
    /// `None`: the usual direction of the order.
    pub direction: Option<Direction>,
    /// Continue after this place.
    pub after: Option<DeviceCursor>,
}

impl DeviceFilter {
    /// Returns the order in which the list is.
    pub(super) fn order(&self) -> (DeviceSort, Direction) {
        let sort = if self.as_of.is_some() { DeviceSort::Added } else { self.sort };
        (sort, self.direction.unwrap_or(sort.usual()))
    }

    /// Returns whether a condition restricts the devices, apart from the one on archived records.
    pub fn restricts(&self) -> bool {
        let DeviceFilter { state, kind, ownership, models, os_from, os_below, archived_only, person, .. } = self;
        let DeviceFilter { user_name, text, named, ids, identity, seen_before, seen_from, .. } = self;
        let conditions = [
            state.is_some(),
            kind.is_some(),
            ownership.is_some(),
            !models.is_empty(),
            os_from.is_some() || os_below.is_some(),
            *archived_only,
            person.is_some() || user_name.is_some(),
            text.is_some() || named.is_some() || !ids.is_empty(),
            identity.is_some(),
            seen_before.is_some() || seen_from.is_some(),
            self.enrolled_from.is_some() || self.enrolled_before.is_some(),
        ];
        conditions.contains(&true)
    }
}

/// The order of a list of devices. Devices whose value is unknown come last in both directions, and devices with the
/// same value are in the order in which they were added.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum DeviceSort {
    /// By the first event about the device.
    #[default]
    Added,
    /// By the last contact. The order is that of the contacts that are stored: it is up to
    /// [`WRITE_SECONDS`](crate::last_seen::WRITE_SECONDS) behind.
    LastContact,
    /// By the name that the device reported; case does not matter.
    Name,
    /// By the product name, such as `iPhone12,1`, as text.
    Model,
    /// By the OS version as a version: 9.3 comes before 17.0.
    OsVersion,
    Enrolled,
    IdentityExpiry,
    /// By the user name of the person; case does not matter.
    UserName,
}

impl DeviceSort {
    pub const ALL: [DeviceSort; 8] = [
        DeviceSort::Added,
        DeviceSort::LastContact,
        DeviceSort::Name,
        DeviceSort::Model,
        DeviceSort::OsVersion,
        DeviceSort::Enrolled,
        DeviceSort::IdentityExpiry,
        DeviceSort::UserName,
    ];

    /// The word for addresses.
    pub fn as_str(self) -> &'static str {
        match self {
            DeviceSort::Added => "added",
            DeviceSort::LastContact => "last_contact",
            DeviceSort::Name => "name",
            DeviceSort::Model => "model",
            DeviceSort::OsVersion => "os_version",
            DeviceSort::Enrolled => "enrolled",
            DeviceSort::IdentityExpiry => "identity_expiry",
            DeviceSort::UserName => "user_name",
        }
    }

    pub fn parse(name: &str) -> Option<DeviceSort> {
        DeviceSort::ALL.into_iter().find(|sort| sort.as_str() == name)
    }

    /// Times begin with the latest, except for the expiry of identities; everything else is ascending.
    pub fn usual(self) -> Direction {
        match self {
            DeviceSort::Added | DeviceSort::LastContact | DeviceSort::Enrolled => Direction::Descending,
            DeviceSort::Name | DeviceSort::Model | DeviceSort::OsVersion => Direction::Ascending,
            DeviceSort::IdentityExpiry | DeviceSort::UserName => Direction::Ascending,
        }
    }

    /// Returns the column that the order is by; `None` if it is no column of the current row.
    pub(super) fn column(self) -> Option<&'static str> {
        match self {
            DeviceSort::Added | DeviceSort::LastContact => None,
            DeviceSort::Name => Some("name"),
            DeviceSort::Model => Some("product_name"),
            DeviceSort::OsVersion => Some("os"),
            DeviceSort::Enrolled => Some("enrolled_at"),
            DeviceSort::IdentityExpiry => Some("identity_expires"),
            DeviceSort::UserName => Some("user_name"),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    Ascending,
    Descending,
}

impl Direction {
    pub const ALL: [Direction; 2] = [Direction::Ascending, Direction::Descending];

    pub fn as_str(self) -> &'static str {
        match self {
            Direction::Ascending => "ascending",
            Direction::Descending => "descending",
        }
    }

    pub fn parse(name: &str) -> Option<Direction> {
        Direction::ALL.into_iter().find(|direction| direction.as_str() == name)
    }
}
