//! The truth: which physical device each record and each enrollment is.

use crate::ids::{AccountId, DeviceId, EnrollmentId, OldRecord, OpeningId, PersonId};
use std::collections::BTreeMap;

/// The truth about an organization or a team.
#[derive(Clone, Debug, Default)]
pub struct Truth {
    /// Every record of the old product and every enrollment with Muster.
    pub records: BTreeMap<OldRecord, RecordTruth>,
    pub enrollments: BTreeMap<EnrollmentId, EnrollmentTruth>,
    /// The device on which the page of an invitation was opened; `None` is a computer.
    pub openings: BTreeMap<OpeningId, Option<DeviceId>>,
    /// A person who returns may have two accounts.
    pub accounts: BTreeMap<AccountId, PersonId>,
}

impl Truth {
    pub(crate) fn extend(&mut self, other: Self) {
        self.records.extend(other.records);
        self.enrollments.extend(other.enrollments);
        self.openings.extend(other.openings);
        self.accounts.extend(other.accounts);
    }
}

/// The truth about a record.
#[derive(Clone, Copy, Debug)]
pub struct RecordTruth {
    pub device: DeviceId,
    /// Who had the device when management was removed, or at the end of the horizon.
    pub owner: PersonId,
    /// When the device was enrolled, in seconds since 1970.
    pub from: i64,
    /// When management was removed from the device, in seconds since 1970. `None` if it still was on it at the end.
    pub until: Option<i64>,
}

/// The truth about an enrollment with Muster.
#[derive(Clone, Debug)]
pub struct EnrollmentTruth {
    pub device: DeviceId,
    /// Who uses the device.
    pub person: PersonId,
    /// The record that this enrollment continues: the latest earlier one of the same device. `None` is a new device.
    pub continues: Option<OldRecord>,
    /// All earlier records of the same device in the order of time. The last one is `continues`.
    pub earlier: Vec<OldRecord>,
    /// Whether the server knew the record in `continues` when the device was enrolled. If not, a later export has it,
    /// or none does. False if there is no such record.
    pub was_known: bool,
    pub story: Story,
}

macro_rules! stories {
    ($($(#[$doc:meta])* $name:ident)*) => {
        /// The circumstances of an enrollment. If several apply, it is the least common one.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Story {
            $($(#[$doc])* $name,)*
        }

        impl Story {
            /// All stories.
            pub const ALL: &[Self] = &[$(Self::$name),*];
        }
    };
}

stories! {
    /// The person migrates the only phone.
    SamePhone
    /// As `SamePhone`, and the record of a phone that was replaced earlier is still there.
    SamePhoneWithStaleRecord
    /// One of several managed devices of the person, of different models.
    OneOfSeveral
    /// One of several managed devices of the person of the same model.
    SameModelTwice
    /// The same phone; its record names somebody else as the owner.
    WrongOwner
    /// The same phone; its record names no owner.
    MissingOwner
    /// The same phone; its record names the owner by an old name.
    OldName
    /// The same phone, which has two records in the old product.
    TwoRecords
    /// The same phone, enrolled before its record was first imported.
    EnrolledBeforeImport
    /// The same phone, from an own Device Enrollment to User Enrollment.
    DeviceToUserEnrollment
    /// The same phone, a phone of the organization: Device Enrollment.
    OrganizationPhone
    /// The same phone, with an invitation that was sent to a colleague.
    InvitationForwarded
    /// The same phone, enrolled by a technician under the technician's account.
    TechnicianForOther
    /// The first phone of a person, enrolled by a technician under the technician's account.
    TechnicianForOtherNew
    /// A device of a shared account without an earlier record: Device Enrollment.
    SharedOwnerNew
    /// A device of a shared account, from the old product to Device Enrollment.
    SharedOwner
    /// A device of a shared account, erased and enrolled again with Device Enrollment.
    SharedOwnerAgain
    /// The first device of a person.
    FirstPhone
    /// A new phone of another model replaces the old one.
    NewPhone
    /// A new phone of the same model replaces the old one.
    NewPhoneSameModel
    /// A new phone was restored from the backup of the old one. Management does not come along.
    NewPhoneFromBackup
    /// A new phone replaces one that was lost or stolen.
    LostPhone
    /// A new phone; the old one lies in a drawer and is switched on again later, still managed.
    OldPhoneInDrawer
    /// A second phone in addition; the first one stays where it is.
    SecondPhone
    /// The device-bound link was opened on the old phone, then another phone of the same model was enrolled.
    LinkOpenedOtherEnrolled
    /// A phone from a colleague, who erased it.
    HandMeDown
    /// A phone from a colleague, used for some time under the colleague's old record.
    HandedOnWithoutErase
    /// One of two phones of the same model that a colleague gave to two colleagues.
    TwinsGivenAway
    /// A loaner, for some weeks.
    Loaner
    /// A phone of the organization whose holder left or got a new one, erased for the next person.
    LeaverPhoneReissued
    /// Somebody who left and returned enrolls the phone of before.
    ReturnerSamePhone
    /// Somebody who left and returned enrolls a new phone.
    ReturnerNewPhone
    /// The profile was removed and the same phone enrolled again.
    EnrolledAgain
    /// The same phone was erased and enrolled again, without a backup.
    ErasedAndEnrolledAgain
    /// The same phone was erased and restored from its backup, which did not bring management back.
    RestoredWithoutManagement
}
