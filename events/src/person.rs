//! Events of people and their accounts. A person has a random id; accounts refer to it.

pub use crate::enrollment::ProvenAccount;
pub use crate::ids::PersonId;

use crate::enrollment::{Ownership, SignInMethodName, SignInRefusal};
use crate::ids::{EnrollmentId, RecordId};
use crate::personal::Personal;
use crate::record::{NameKey, OwnerKey};
use crate::system::SuppressedRefusals;
use serde::{Deserialize, Serialize};

/// Attributes of a person that a sign-in method provides.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonAttributes {
    pub user_name: Option<Personal<String>>,
    pub display_name: Option<Personal<String>>,
    pub mail: Option<Personal<String>>,
    /// As the sign-in method reports it: not checked.
    pub managed_apple_id: Option<Personal<String>>,
}

/// Stream `person-<id>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum PersonEvent {
    PersonKnown {
        method: SignInMethodName,
        /// HMAC of (method, issuer, subject), lower-case hex: the id of the `account-` stream.
        account: String,
        attributes: PersonAttributes,
        /// As in `PersonKeysNoted`.
        keys: Vec<OwnerKey>,
        /// As in `PersonKeysNoted`.
        names: Vec<NameKey>,
    },
    /// The sign-in method provided new attributes; `attributes` holds all that it provides now.
    PersonAttributesChanged { attributes: PersonAttributes },
    /// The person entered their Managed Apple ID at the portal: it is filled in the next time.
    ManagedAppleIdLearned { managed_apple_id: Personal<String> },
    /// The person accepted terms of use during an enrollment: the same version is not requested again.
    TermsAcceptanceKept {
        ownership: Ownership,
        /// Version of the terms in the settings, such as `2026-09`.
        version: String,
        enrollment: EnrollmentId,
    },
    /// The provider of the person stated values by which previous records find their owner (`keys`), and the same
    /// values as any record may name the person (`names`). Both have those that are new. Those of earlier values stay
    /// valid, so that a record with an earlier name finds the person.
    PersonKeysNoted { keys: Vec<OwnerKey>, names: Vec<NameKey> },
    /// The owners of the previous records with keys of this person were resolved, in order of the records' ids, up to
    /// this one. The rest follows from this event, so that each effect is bounded.
    PersonRecordsResolved { up_to: RecordId },
    /// The person was erased and their key destroyed.
    PersonErased {},
}

/// Stream `account-<HMAC(method, issuer, subject)>`: reserves the account for one person at a time. It can be reserved
/// for another person after the first was erased.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum AccountEvent {
    AccountReserved {
        person: PersonId,
    },
    /// A sign-in at the portal was refused. The source had exceeded its share of enrollments, so no enrollment was
    /// opened for it.
    AccountSignInRefused {
        method: SignInMethodName,
        reason: SignInRefusal,
    },
    /// Refused sign-ins at the portal with this account's name that were counted instead of recorded one by one.
    AccountRefusalsSuppressed(SuppressedRefusals),
}
