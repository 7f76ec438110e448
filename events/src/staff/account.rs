//! Stream `staff-<id>`: an account, its roles, its second factors, and when it was used.

use super::{ApiRefusal, FactorRefusal, PasskeyId, Privilege, Purpose, SecondFactor};
use crate::Timestamp;
use crate::enrollment::{SecretHash, SignInMethodName, SignInRefusal};
use crate::personal::Personal;
use crate::system::SuppressedRefusals;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use uuid::Uuid;

/// Stream `staff-<id>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
pub enum StaffEvent {
    LocalAccountAdded {
        user_name: Personal<String>,
        /// argon2id, PHC string.
        password: Personal<String>,
        privileges: BTreeSet<Privilege>,
        display_name: Option<Personal<String>>,
        mail: Option<Personal<String>>,
        managed_apple_id: Option<Personal<String>>,
    },
    /// Somebody whom a directory or identity provider vouches for is known, or is called otherwise now.
    ExternalStaffKnown {
        method: SignInMethodName,
        /// The directory or identity provider, by its name in the configuration.
        provider: String,
        user_name: Personal<String>,
        display_name: Option<Personal<String>>,
        mail: Option<Personal<String>>,
    },
    /// A program that reads by the API: it has no password, and no way into the console.
    ApiClientAdded {
        user_name: Personal<String>,
        display_name: Option<Personal<String>>,
    },
    /// A token was shown, once; it takes the place of an earlier one.
    ApiTokenIssued {
        token: SecretHash,
    },
    ApiTokenRefused {
        reason: ApiRefusal,
    },
    LocalAccountDisabled {},
    LocalAccountEnabled {},
    PasswordChanged {
        password: Personal<String>,
    },
    PrivilegesChanged {
        before: BTreeSet<Privilege>,
        after: BTreeSet<Privilege>,
    },
    /// A link was printed with which the first administrator makes their account. It takes the place of an earlier one.
    SetUpLinkIssued {
        hash: SecretHash,
        expires: Timestamp,
    },
    SetUpLinkRevoked {},
    /// Name and password, directory or identity provider said yes; a second factor is asked for next.
    FirstFactorProven {
        method: SignInMethodName,
    },
    StaffSignedIn {
        method: SignInMethodName,
    },
    StaffSignInRefused {
        method: SignInMethodName,
        reason: SignInRefusal,
    },
    /// Refusals of this account that were counted instead of written one by one.
    StaffRefusalsSuppressed(SuppressedRefusals),
    StaffSignedOut {},
    /// One session was ended, by whoever it belongs to or by an administrator. The id is the correlation of its events.
    StaffSessionEnded {
        session: Uuid,
    },
    /// All sessions were ended, but perhaps the one in which that was asked for.
    StaffSessionsEnded {},
    /// The password was given again, before factors, roles or settings change.
    PasswordConfirmed {},
    PasswordConfirmationRefused {
        reason: SignInRefusal,
    },
    PasskeyAdded {
        passkey: PasskeyId,
        /// What the person calls it.
        label: Personal<String>,
        /// Public key and state of the credential, as the WebAuthn library writes it.
        credential: Personal<String>,
    },
    PasskeyUsed {
        passkey: PasskeyId,
        purpose: Purpose,
        /// Where its counter or its state of backup is another one now.
        credential: Option<Personal<String>>,
    },
    PasskeyRemoved {
        passkey: PasskeyId,
    },
    /// One-time codes (RFC 6238) were set up; they take the place of earlier ones.
    OneTimeCodesAdded {
        /// Base32.
        seed: Personal<String>,
        /// The step of the code that proved that the set-up worked.
        step: u64,
    },
    OneTimeCodeUsed {
        /// Neither this step nor an earlier one serves again.
        step: u64,
        purpose: Purpose,
    },
    OneTimeCodesRemoved {},
    /// Recovery codes were shown, once; they take the place of earlier ones.
    RecoveryCodesMade {
        hashes: Vec<SecretHash>,
    },
    RecoveryCodeUsed {
        code_hash: SecretHash,
    },
    RecoveryCodesRemoved {},
    SecondFactorRefused {
        factor: SecondFactor,
        reason: FactorRefusal,
    },
}
