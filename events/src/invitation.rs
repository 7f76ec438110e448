//! Events of invitations to enroll, stream `invitation-<id>`, of their codes, stream `code-<HMAC(code)>`, and of waves
//! of invitations, stream `wave-<id>`.

pub use crate::ids::{InvitationId, WaveId};
pub use crate::mail::MailFailure;

use crate::Timestamp;
use crate::ids::{EnrollmentId, PersonId, RecordId};
use crate::personal::Personal;
use crate::record::OwnerKey;
use serde::{Deserialize, Serialize};

/// How the recipient gets an invitation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InvitationDelivery {
    /// Muster sends it.
    Mail,
    /// Staff hand it over: a link, a QR code, a printed page.
    ByHand,
    /// The management of the earlier record delivers it to that device, as a Web Clip. Who opens it holds the device.
    WebClip,
}

impl InvitationDelivery {
    pub const ALL: [InvitationDelivery; 3] =
        [InvitationDelivery::Mail, InvitationDelivery::ByHand, InvitationDelivery::WebClip];

    /// Returns the word that events and rows use.
    pub fn as_str(self) -> &'static str {
        match self {
            InvitationDelivery::Mail => "mail",
            InvitationDelivery::ByHand => "by_hand",
            InvitationDelivery::WebClip => "web_clip",
        }
    }

    /// Parses the word of [`InvitationDelivery::as_str`]; `None` for any other text.
    pub fn parse(word: &str) -> Option<InvitationDelivery> {
        InvitationDelivery::ALL.into_iter().find(|delivery| delivery.as_str() == word)
    }

    /// Returns whether the invitation proves the device of the earlier record.
    pub fn is_device_bound(self) -> bool {
        self == InvitationDelivery::WebClip
    }
}

/// What a person showed at the portal or in Settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InvitationToken {
    Link,
    Code,
    /// A code that the page of a device-bound invitation issued a few minutes ago.
    DeviceCode,
}

impl InvitationToken {
    pub const ALL: [InvitationToken; 3] = [InvitationToken::Link, InvitationToken::Code, InvitationToken::DeviceCode];

    /// Returns the word that events and rows use.
    pub fn as_str(self) -> &'static str {
        match self {
            InvitationToken::Link => "link",
            InvitationToken::Code => "code",
            InvitationToken::DeviceCode => "device_code",
        }
    }
}

/// Name and mail address of the recipient. They are sealed together, so no upcast can change them: a later field needs
/// a default.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecipientDetails {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub full_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mail: Option<String>,
}

/// Who is invited. Only this person can use the invitation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recipient {
    /// `None`: nobody has signed in with the recipient's account yet.
    pub person: Option<PersonId>,
    /// Values of accounts that the recipient has one of. They decide if `person` is `None`.
    pub keys: Vec<OwnerKey>,
    /// Sealed with the key of the earlier record if there is one, then of the person, then of the invitation.
    pub details: Personal<RecipientDetails>,
}

/// Why an invitation was not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InvitationRefusal {
    /// The secret is wrong, or belongs to an earlier link of the invitation.
    Replaced,
    Expired,
    Revoked,
    Used,
    /// Another person signed in.
    OtherPerson,
}

impl InvitationRefusal {
    pub const ALL: [InvitationRefusal; 5] = [
        InvitationRefusal::Replaced,
        InvitationRefusal::Expired,
        InvitationRefusal::Revoked,
        InvitationRefusal::Used,
        InvitationRefusal::OtherPerson,
    ];

    /// Returns the word that events and rows use.
    pub fn as_str(self) -> &'static str {
        match self {
            InvitationRefusal::Replaced => "replaced",
            InvitationRefusal::Expired => "expired",
            InvitationRefusal::Revoked => "revoked",
            InvitationRefusal::Used => "used",
            InvitationRefusal::OtherPerson => "other_person",
        }
    }
}

/// Why a wave invited nobody for a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NotInvited {
    /// The import of the record was undone.
    UnknownRecord,
    /// The record or its owner was erased.
    Erased,
    AlreadyEnrolled,
    Exception,
    NoOwner,
    SeveralOwners,
    OwnerLeft,
    NoMail,
    MigrationClosed,
}

impl NotInvited {
    pub const ALL: [NotInvited; 9] = [
        NotInvited::UnknownRecord,
        NotInvited::Erased,
        NotInvited::AlreadyEnrolled,
        NotInvited::Exception,
        NotInvited::NoOwner,
        NotInvited::SeveralOwners,
        NotInvited::OwnerLeft,
        NotInvited::NoMail,
        NotInvited::MigrationClosed,
    ];

    /// Returns the word that events and rows use.
    pub fn as_str(self) -> &'static str {
        match self {
            NotInvited::UnknownRecord => "unknown_record",
            NotInvited::Erased => "erased",
            NotInvited::AlreadyEnrolled => "already_enrolled",
            NotInvited::Exception => "exception",
            NotInvited::NoOwner => "no_owner",
            NotInvited::SeveralOwners => "several_owners",
            NotInvited::OwnerLeft => "owner_left",
            NotInvited::NoMail => "no_mail",
            NotInvited::MigrationClosed => "migration_closed",
        }
    }

    /// Parses the word of [`NotInvited::as_str`]; `None` for any other text.
    pub fn parse(word: &str) -> Option<NotInvited> {
        NotInvited::ALL.into_iter().find(|why| why.as_str() == word)
    }

    /// Returns the reason in plain English.
    pub fn name(self) -> &'static str {
        match self {
            NotInvited::UnknownRecord => "the import of the record was undone",
            NotInvited::Erased => "the record or its owner was erased",
            NotInvited::AlreadyEnrolled => "the device is enrolled already",
            NotInvited::Exception => "the record is an exception",
            NotInvited::NoOwner => "the record names no owner",
            NotInvited::SeveralOwners => "several people may be the owner",
            NotInvited::OwnerLeft => "the account of the owner is disabled",
            NotInvited::NoMail => "the owner has no mail address",
            NotInvited::MigrationClosed => "the migration is closed",
        }
    }
}

/// Why a new link of an invitation was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RenewalCause {
    /// Staff sent it again.
    SentAgain,
    /// A reminder that became due.
    Reminder,
}

/// Stream `invitation-<id>`. A link and a code are derived from id and generation with a key of the installation, so
/// they are stored nowhere and a mail can be sent again after a crash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum InvitationEvent {
    /// The first generation has number 0.
    InvitationIssued {
        recipient: Recipient,
        /// The earlier record that the recipient is asked to enroll again.
        record: Option<RecordId>,
        wave: Option<WaveId>,
        delivery: InvitationDelivery,
        /// Language tag of the mail, such as `de`.
        language: String,
        expires: Timestamp,
    },
    /// From now on only the link and code of this generation are valid.
    InvitationRenewed {
        generation: u32,
        cause: RenewalCause,
        expires: Timestamp,
    },
    /// The mail server accepted the mail.
    InvitationSent {
        generation: u32,
    },
    /// `is_final`: Muster does not try again.
    InvitationNotSent {
        generation: u32,
        why: MailFailure,
        /// Reply code of the mail server, such as 550.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        code: Option<u16>,
        is_final: bool,
    },
    /// A person went on from the page of the invitation, or typed its code. Fetching the page is no event, because mail
    /// scanners fetch pages.
    InvitationOpened {
        enrollment: EnrollmentId,
        token: InvitationToken,
    },
    /// The page of a device-bound invitation issued a code for Settings. `code`: HMAC of the code, lower-case hex.
    InvitationCodeIssued {
        code: String,
        expires: Timestamp,
    },
    /// The recipient signed in. The invitation is spent.
    InvitationUsed {
        enrollment: EnrollmentId,
        person: PersonId,
        token: InvitationToken,
    },
    /// Somebody tried to use it. `enrollment`: theirs, if there is one.
    InvitationRefused {
        why: InvitationRefusal,
        enrollment: Option<EnrollmentId>,
    },
    InvitationRevoked {},
    /// It was not used in time.
    InvitationExpired {},
}

/// Stream `code-<HMAC(code)>`: the invitation that a code leads to. A code is never given to a second invitation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum CodeEvent {
    CodeReserved { invitation: InvitationId },
}

/// Stream `wave-<id>`: invitations for many earlier records, sent a few per hour.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum WaveEvent {
    WaveBegun {
        /// Name that staff gave it.
        name: String,
        delivery: InvitationDelivery,
        language: String,
        /// Maximum number of invitations that are issued in an hour.
        most_per_hour: u32,
        /// Days after which an invitation expires.
        valid_days: u32,
        /// Days between two reminders.
        remind_after_days: u32,
        /// Number of reminders, after which nobody is reminded again.
        most_reminders: u32,
        /// Who has not enrolled by then is listed for escalation.
        deadline: Timestamp,
    },
    /// Records to invite the owners of, in this order after those before; at most 500 each.
    WaveRecordsAdded {
        records: Vec<RecordId>,
    },
    /// Nobody was invited to enroll this record, for this reason.
    WaveRecordSkipped {
        record: RecordId,
        why: NotInvited,
    },
    WavePaused {},
    WaveResumed {},
    /// The deadline passed. `open`: number of records that were not done.
    WaveDeadlinePassed {
        open: u64,
    },
    /// Nobody is invited or reminded any more. Invitations that were sent stay valid.
    WaveEnded {},
}
