//! Identifiers, unique in the organization. Each team has a block of numbers, so that teams do not depend on each
//! other.

/// How many numbers of each kind a team has.
const BLOCK: u32 = 4096;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident)*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
            pub struct $name(pub u32);

            impl From<u32> for $name {
                fn from(number: u32) -> Self {
                    Self(number)
                }
            }
        )*
    };
}

ids! {
    /// A human being, or a shared account as if it were one. Part of the truth.
    PersonId
    /// The stable id of an account in the directory. It stays the same if the person is renamed.
    AccountId
    /// A physical device. Part of the truth.
    DeviceId
    /// The number of a record in the old product. The same in every export.
    RecordId
    /// An enrollment with Muster. Each enrollment has a new one.
    EnrollmentId
    /// An invitation to enroll.
    InvitationId
    /// One opening of an invitation's page in a browser.
    OpeningId
    /// A code that a page showed, or that an invitation by code consists of.
    CodeId
}

/// An earlier record of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OldRecord {
    /// A record of the old product, known from its exports.
    Exported(RecordId),
    /// An earlier enrollment with Muster.
    Enrolled(EnrollmentId),
}

/// Hands out the numbers of one kind within the block of a team.
#[derive(Debug)]
pub(crate) struct Numbers {
    next: u32,
    end: u32,
}

impl Numbers {
    /// The numbers of the team with this index, from 0.
    pub(crate) fn of(team: u32) -> Self {
        Self { next: team * BLOCK, end: (team + 1) * BLOCK }
    }

    pub(crate) fn next<I: From<u32>>(&mut self) -> I {
        assert!(self.next < self.end, "a team has more than {BLOCK} things of one kind");
        self.next += 1;
        I::from(self.next - 1)
    }
}
