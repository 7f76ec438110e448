//! What a server for device management learns, in the order of time. No happening tells the truth about devices.

use crate::ids::{AccountId, CodeId, EnrollmentId, InvitationId, OldRecord, OpeningId, RecordId};
use crate::model::Family;
use crate::person::Names;
use crate::version::OsVersion;
use std::sync::Arc;

/// Something that the server learns at an instant.
#[derive(Clone, Debug)]
pub struct Happening {
    /// Seconds since 1970-01-01T00:00:00Z.
    pub time: i64,
    pub what: What,
}

/// What the server learns.
#[derive(Clone, Debug)]
pub enum What {
    /// An account of the directory exists from now on.
    AccountOpened { account: AccountId, names: Names },
    /// The account can no longer sign in: its person left.
    AccountClosed { account: AccountId },
    /// The names of an account changed in the directory.
    PersonRenamed { account: AccountId, before: Names, after: Names },
    /// An export of the old product is imported.
    ExportImported(Box<Export>),
    /// An invitation is issued. The account is the one to which it is addressed; a device-bound one is addressed to the
    /// owner whom the record names, if that account is open.
    InvitationIssued { invitation: InvitationId, account: Option<AccountId>, delivery: Delivery },
    /// The page of an invitation is opened in a browser.
    InvitationOpened { opening: OpeningId, invitation: InvitationId, browser: Browser },
    /// The page of an invitation shows a code, to be typed in Settings.
    CodeShown { code: CodeId, opening: OpeningId },
    /// An enrollment is complete: the first `TokenUpdate`.
    Enrolled(Box<Enrolled>),
    /// A later `TokenUpdate`: the device was erased and restored from its own backup, with its management.
    Restored { enrollment: EnrollmentId, os: OsVersion },
    /// A managed device makes contact. Only some contacts are listed, among them the last one of each enrollment and
    /// those around a period without contact.
    Contact { enrollment: EnrollmentId, os: OsVersion },
    /// The inventory shows a new OS version.
    OsUpdated { enrollment: EnrollmentId, os: OsVersion },
    /// `CheckOut`. It may arrive up to two days after management was removed, thus also after the next enrollment.
    CheckedOut { enrollment: EnrollmentId },
    /// APNs answers a push to an enrollment.
    PushAnswered { enrollment: EnrollmentId, answer: PushAnswer },
    /// The portal asked which of the earlier devices an enrollment is. It is asked only if the server knows earlier
    /// records of the person.
    PortalAnswered { enrollment: EnrollmentId, account: AccountId, answer: Answer },
}

/// An export of the old product.
#[derive(Clone, Debug)]
pub struct Export {
    /// From 0, in the order of time.
    pub number: usize,
    /// Whether it has every record. A record that is missing in a complete export was deleted in the old product.
    pub complete: bool,
    /// Sorted by record.
    pub rows: Vec<ExportRow>,
}

/// A row of an export. `None` stands for an empty cell or a missing column. Times are wrong by up to a day, because
/// some exports have local time or only a date; they may thus be after the export.
#[derive(Clone, Debug)]
pub struct ExportRow {
    pub record: RecordId,
    /// The name that the device has in Settings. UTF-8.
    pub device_name: Arc<str>,
    /// Model identifier (iPhone14,5) or marketing name (iPhone 13), depending on the export. ASCII.
    pub model: &'static str,
    pub serial: Option<Arc<str>>,
    pub udid: Option<Arc<str>>,
    pub os: Option<OsVersion>,
    /// False if the old product knows that the device left.
    pub managed: Option<bool>,
    /// Seconds since 1970.
    pub last_contact: Option<i64>,
    /// First enrollment, in seconds since 1970.
    pub enrolled: Option<i64>,
    /// The owner according to the old product: may be wrong, missing, or have an old name.
    pub user_name: Option<Arc<str>>,
    pub mail: Option<Arc<str>>,
    pub full_name: Option<Arc<str>>,
}

/// How an invitation reaches its person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// A Web Clip, installed by the old management exactly on the device of this record.
    DeviceBound { record: OldRecord },
    /// A link by mail.
    Mail,
    /// A code by letter or from the help desk, to be typed in Settings.
    Code { code: CodeId },
}

/// What a browser tells about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Browser {
    /// `None` is a computer; Safari on an iPad also claims to be one.
    pub family: Option<Family>,
    /// From iOS 26 on, Safari no longer tells the version.
    pub os: Option<OsVersion>,
}

/// The kind of an enrollment with Muster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Device Enrollment: shows serial number and UDID.
    Device,
    /// User Enrollment: shows neither.
    User,
}

/// How an enrollment starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Way {
    /// A profile from a page in Safari. For User Enrollment below iOS 18 only.
    Profile,
    /// The account, in Settings. From iOS 15 on (User Enrollment) or 17 (Device Enrollment).
    Account,
}

/// A complete enrollment.
#[derive(Clone, Debug)]
pub struct Enrolled {
    pub enrollment: EnrollmentId,
    /// Who signed in.
    pub account: AccountId,
    pub names: Names,
    /// For whom a technician enrolled the device, if the technician said so.
    pub on_behalf_of: Option<AccountId>,
    pub kind: Kind,
    pub way: Way,
    /// Model identifier, for example iPhone14,5.
    pub model: &'static str,
    pub os: OsVersion,
    /// `None` in User Enrollment.
    pub hardware: Option<Hardware>,
    pub invitation: Option<InvitationUse>,
}

/// What Device Enrollment shows.
#[derive(Clone, Debug)]
pub struct Hardware {
    pub serial: Arc<str>,
    pub udid: Arc<str>,
    /// Whether the Secure Enclave attested both values (Managed Device Attestation).
    pub attested: bool,
}

/// How an enrollment used an invitation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvitationUse {
    pub invitation: InvitationId,
    pub through: Through,
    /// Whether the person signed in from a second phone between the opening (or the issue, of a code) and the use.
    pub other_phone_signed_in: bool,
}

/// How an enrollment is connected with an invitation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Through {
    /// The profile was downloaded in the browser session of this opening.
    Browser { opening: OpeningId },
    /// A code was typed in Settings. `opening` is the page that showed it; a code by letter has none. `minutes` are
    /// those since the page showed it or the letter was issued, rounded down.
    Code { code: CodeId, opening: Option<OpeningId>, minutes: i64 },
}

/// An answer of APNs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PushAnswer {
    /// 200: stored for the device. It does not mean that the device exists.
    Accepted,
    /// 410 `Unregistered`.
    Gone,
}

/// An answer to "which of your earlier devices is this".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// This one. True or wrong.
    Record(OldRecord),
    /// None of those that the page lists. True or wrong.
    NoneOfThem,
    /// The question was shown and left unanswered.
    NotAnswered,
}
