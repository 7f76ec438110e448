//! The shape of an organization: size, calendar and rates, each with its reason.

use crate::calendar::{DAY, date};

/// The shape of an organization. All rates are probabilities from 0 to 1. Two organizations of the same shape differ by
/// their seed only.
#[derive(Clone, Debug)]
pub struct Shape {
    /// Number of people, shared accounts included. Up to 40,000,000.
    pub people: u32,
    /// People of a team, 4 to 100. Devices change hands within a team only.
    pub team: u32,
    pub calendar: Calendar,
    pub person: PeopleRates,
    pub device: DeviceRates,
    pub record: RecordRates,
    pub invitation: InvitationRates,
    pub answer: AnswerRates,
    pub migration: MigrationRates,
    pub later: LaterRates,
    pub leaving: LeavingRates,
}

impl Shape {
    /// An organization of this many people, with the default rates.
    pub fn of(people: u32) -> Self {
        Self { people, ..Self::default() }
    }
}

impl Default for Shape {
    /// 20,000 people.
    fn default() -> Self {
        Self {
            people: 20_000,
            team: 40,
            calendar: Calendar::default(),
            person: PeopleRates::default(),
            device: DeviceRates::default(),
            record: RecordRates::default(),
            invitation: InvitationRates::default(),
            answer: AnswerRates::default(),
            migration: MigrationRates::default(),
            later: LaterRates::default(),
            leaving: LeavingRates::default(),
        }
    }
}

/// The calendar of the migration. Instants in seconds since 1970.
#[derive(Clone, Debug)]
pub struct Calendar {
    /// The old product's records begin here.
    pub start: i64,
    /// Muster starts, with Device Enrollment only.
    pub device_enrollment: i64,
    /// User Enrollment with Muster starts, for the pilot.
    pub user_enrollment: i64,
    /// The migration starts for everybody.
    pub migration: i64,
    /// Last day on which a migration starts.
    pub migrated: i64,
    /// The horizon ends.
    pub end: i64,
    /// In the order of time.
    pub exports: Vec<ExportPlan>,
}

/// When an export of the old product is imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExportPlan {
    /// Seconds since 1970.
    pub time: i64,
    /// A partial export has the devices with contact within two weeks: the usual smart group of a migration.
    pub complete: bool,
}

impl Default for Calendar {
    /// Three years and four months, which include iOS 27.
    fn default() -> Self {
        let export = |(year, month, day), complete| ExportPlan { time: date(year, month, day) + 9 * 3600, complete };
        Self {
            start: date(2023, 10, 1),
            device_enrollment: date(2025, 2, 3),
            user_enrollment: date(2026, 1, 12),
            migration: date(2026, 2, 2),
            migrated: date(2026, 12, 11),
            end: date(2027, 1, 31),
            exports: vec![
                export((2026, 1, 26), true),
                export((2026, 4, 20), false),
                export((2026, 6, 15), true),
                export((2026, 8, 31), false),
                export((2026, 10, 12), true),
                export((2027, 1, 18), true),
            ],
        }
    }
}

macro_rules! rates {
    ($(#[$doc:meta])* $name:ident { $($(#[$why:meta])* $rate:ident = $value:expr,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub struct $name {
            $($(#[$why])* pub $rate: f64,)*
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $($rate: $value,)* }
            }
        }
    };
}

rates! {
    /// Rates of people.
    PeopleRates {
        /// A team has a technician: 1.5 % of the people, as one in 70 in usual IT staffing.
        technician = 0.6,
        /// A team has a shared account: wards, shops and class rooms, about one per 200 people.
        shared_account = 0.2,
        /// Employees who joined within the horizon: fluctuation of 8 % a year over three years.
        joined_late = 0.22,
        /// Employees who leave within the horizon: the same fluctuation, so that the size stays.
        leaves = 0.2,
        /// Leavers who return: seasonal work, parental leave, unfinished contracts.
        returns = 0.15,
        /// Returners who get a new account: the directory deletes old ones after a time.
        new_account = 0.5,
        /// People who change their family name within the horizon: 1 % a year (marriages and divorces).
        renamed = 0.03,
        /// Renamed people whose sign-in name changes too: some directories keep it for life.
        user_name_changes = 0.6,
        /// Double first names: so many that one person in six has a namesake among 20,000, as with real names.
        double_first_name = 0.25,
    }
}

rates! {
    /// Rates of devices.
    DeviceRates {
        /// Employees without a managed device at the start: those who need no mail on the phone.
        none = 0.1,
        /// Employees with a second managed device: a second phone, or an iPad.
        second = 0.22,
        /// Second devices that are iPads.
        second_is_tablet = 0.45,
        /// Second phones of the same model: family contracts and pairs bought at once.
        second_same_model = 0.3,
        /// Phones of the organization among first phones: managers and field staff. The subject is the rest.
        organization = 0.08,
        /// People with a stale record of a phone that they replaced before the migration: a phone is kept for three
        /// years, and half of the old products' administrators clean up.
        stale_record = 0.25,
        /// People who stay on iOS 18: in each year about one in eight declines the new design.
        holds_back = 0.12,
        /// Devices that are never updated: full storage, or automatic updates switched off.
        never_updated = 0.03,
        /// Devices whose Device Enrollment is attested: ACME is configured for some of the profiles only.
        attested = 0.4,
        /// Device Enrollment from Settings (iOS 17 or later): new, so that most still use the profile.
        device_by_account = 0.15,
        /// User Enrollment by profile, of those below iOS 18 that could use both.
        user_by_profile = 0.6,
    }
}

rates! {
    /// Rates of records of the old product, and of what it learns.
    RecordRates {
        /// Personal phones whose first management is an own Device Enrollment with Muster instead of the old product:
        /// the departments that started before User Enrollment was possible.
        own_device_enrollment = 0.1,
        /// Wrong owner: the technician or the predecessor who enrolled the device.
        wrong_owner = 0.03,
        /// Technicians among the wrong owners, in teams that have one.
        wrong_is_technician = 0.5,
        /// Missing owner: enrolled by a shared token without sign-in.
        missing_owner = 0.05,
        /// Old products that keep the name of the time of enrollment: they rarely follow the directory.
        keeps_old_name = 0.7,
        /// Devices with two records: the product had two sites, and the device changed between them.
        two_records = 0.015,
        /// Rows without serial number: inventory incomplete.
        no_serial = 0.04,
        /// Rows without UDID: inventory incomplete, or an import by hand.
        no_udid = 0.06,
        /// Rows without OS version.
        no_os = 0.03,
        /// Rows without last contact: the first inventory never came.
        no_last_contact = 0.02,
        /// Rows without the date of enrollment.
        no_enrolled = 0.03,
        /// Rows without full name of those with an owner: the account was not looked up in the directory.
        no_full_name = 0.08,
        /// Rows without user name of those with an owner: the product knows only the mail address.
        no_user_name = 0.04,
        /// Rows without mail address of those with an owner.
        no_mail = 0.08,
        /// Removed profiles that the old product learns of: its check-out is one attempt, and many profiles did not
        /// ask for one.
        learns_removal = 0.55,
        /// Records of removed devices that an administrator deletes before a later export.
        deleted = 0.2,
        /// Exports that name models by marketing name instead of identifier: consoles show the former by default.
        marketing_name = 0.5,
        /// Exports with dates without a time of day, or with local time: clocks are off by up to a day.
        clock_off = 0.5,
    }
}

rates! {
    /// Rates of invitations. The rest of the people enroll without one.
    InvitationRates {
        /// Device-bound, of the same managed phone: the campaign reaches those whose phone makes contact.
        device_bound = 0.38,
        /// By mail: those without contact, and reminders.
        mail = 0.2,
        /// By letter or help desk.
        code = 0.08,
        /// Devices of a migrating person that got an earlier device-bound invitation which nobody opened: the first
        /// wave of the campaign.
        unopened = 0.5,
        /// Mailed links that are opened on a computer: mail is read at the desk.
        opened_on_computer = 0.3,
        /// Openings whose code is typed in Settings, if the enrollment is by account; the others just sign in there.
        code_typed = 0.75,
        /// Mail for a colleague that was forwarded, of mailed invitations.
        forwarded = 0.05,
        /// People with several devices who sign in from another one between page and code.
        other_signs_in = 0.08,
        /// People with a new phone who open the device-bound link on the old phone first, because the Web Clip is
        /// there.
        old_phone_opens = 0.15,
    }
}

rates! {
    /// Rates of answers at the portal.
    AnswerRates {
        /// Enrollments that are followed by a visit to the portal: those who only used Settings do not come.
        asked = 0.55,
        /// Questions left unanswered: optional questions are skipped by two of five.
        not_answered = 0.4,
        /// Wrong answers of the given ones: the first row is taken without reading.
        wrong = 0.07,
        /// Wrong answers if two listed devices have the same model: the page cannot tell them apart.
        wrong_between_twins = 0.25,
        /// Wrong answers for a new phone: "it replaces that one" is answered with the old record.
        wrong_for_new = 0.15,
    }
}

rates! {
    /// What people do instead of migrating the same phone. The rest does that. Relative to 1.
    MigrationRates {
        /// Never migrates: the phone stays in the old product.
        never = 0.05,
        /// Takes the occasion for a new phone: a phone is kept for three years, and a campaign lasts ten months.
        new_phone = 0.06,
        /// The same model again: insurance replacements and refurbished devices.
        same_model = 0.015,
        /// A new phone restored from the backup of the old one: most use Quick Start, few of them notice management.
        from_backup = 0.05,
        /// Lost or stolen: 2 to 3 % a year.
        lost = 0.02,
        /// The old phone lies in a drawer and is switched on again.
        drawer = 0.03,
        /// A second phone in addition.
        second = 0.02,
        /// The link is opened on the old phone, then another one of the same model is enrolled: the replacement has
        /// arrived on that day.
        link_then_other = 0.012,
        /// A phone of a colleague, erased, if there is one on the shelf.
        hand_me_down = 0.1,
        /// The old phone goes to a colleague without being erased.
        handed_on = 0.012,
        /// People with two phones of the same model who give both away.
        twins_given_away = 0.1,
        /// Enrolls in the pilot, before the first import.
        pilot = 0.025,
        /// A technician enrolls the migrated phone: help desk hours.
        technician = 0.04,
        /// A technician enrolls the first phone: it is part of the first day.
        technician_first = 0.1,
        /// The technician says for whom.
        technician_says = 0.6,
        /// Other managed devices of a person that follow the first one.
        others_follow = 0.8,
        /// Profiles that were removed days before the enrollment: people read the first half of the instructions.
        removed_earlier = 0.12,
    }
}

rates! {
    /// What happens after an enrollment with Muster, each in the rest of the horizon.
    LaterRates {
        /// Removes the profile and enrolls again: trouble with an app, advice of the help desk.
        again = 0.05,
        /// Erases the phone: repairs and beta versions.
        erased = 0.045,
        /// Erased phones that are restored from their backup.
        restored = 0.6,
        /// A new phone: the autumn after the campaign.
        replaced = 0.08,
        /// The phone lies in a drawer for some weeks and then works on: holidays, a second phone.
        pause = 0.04,
        /// A loaner during a repair, in teams with a technician.
        loaner = 0.03,
        /// Devices of shared accounts that are erased and enrolled again, per round of the technician.
        cart_erased = 0.15,
        /// `CheckOut` that arrives: one attempt, best effort.
        check_out = 0.8,
        /// `CheckOut` that arrives late, of those that arrive.
        check_out_late = 0.1,
        /// Devices that left silently whose token APNs reports as gone within the horizon.
        gone = 0.85,
    }
}

rates! {
    /// Rates of devices that leave a person.
    LeavingRates {
        /// Leavers whose personal phone loses management on the last day: the checklist.
        unmanaged = 0.7,
        /// Returners with the phone of before.
        same_phone = 0.6,
        /// Replaced phones that are erased and traded in.
        traded_in = 0.4,
        /// Replaced phones that are erased and go to a colleague.
        passed_on = 0.12,
        /// Replaced phones whose profile is removed before they are sold.
        removed = 0.2,
        // The others are kept, switched off and managed.
        /// Replaced phones that leave only after the new one is enrolled: data is moved first.
        leaves_after = 0.5,
        /// Phones of leavers that belong to the organization and go to the next person.
        reissued = 0.8,
    }
}

impl Calendar {
    /// The last instant at which something longer can begin.
    pub(crate) fn last_start(&self) -> i64 {
        self.end - 20 * DAY
    }
}
