//! Stream `staff-<id>`: an account, its roles, its second factors and its use.

use super::{ApiRefusal, FactorRefusal, PasskeyId, Privilege, Purpose, SecondFactor};
use crate::Timestamp;
use crate::enrollment::{SecretHash, SignInMethodName, SignInRefusal};
use crate::personal::Personal;
use crate::system::SuppressedRefusals;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use uuid::Uuid;

/// Events of a staff account: stream `staff-<id>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum StaffEvent {
    LocalAccountAdded {
        user_name: Personal<String>,
        /// Password hash: argon2id as a PHC string.
        password: Personal<String>,
        privileges: BTreeSet<Privilege>,
        display_name: Option<Personal<String>>,
        mail: Option<Personal<String>>,
        managed_apple_id: Option<Personal<String>>,
    },
    /// A console user from a directory or identity provider signed in for the first time, or with changed names.
    ExternalStaffKnown {
        method: SignInMethodName,
        /// The name of the directory or identity provider in the configuration.
        provider: String,
        user_name: Personal<String>,
        display_name: Option<Personal<String>>,
        mail: Option<Personal<String>>,
    },
    /// A client of the API was added. It has no password and cannot use the console.
    ApiClientAdded {
        user_name: Personal<String>,
        display_name: Option<Personal<String>>,
    },
    /// A token was displayed once; it replaces the earlier one.
    ApiTokenIssued {
        token: SecretHash,
    },
    ApiTokenRefused {
        reason: ApiRefusal,
    },
    LocalAccountDisabled {},
    LocalAccountEnabled {},
    PasswordChanged {
        /// Password hash: argon2id as a PHC string.
        password: Personal<String>,
    },
    PrivilegesChanged {
        before: BTreeSet<Privilege>,
        after: BTreeSet<Privilege>,
    },
    /// A link for setting up the first administrator account was printed. It replaces the earlier one.
    SetUpLinkIssued {
        hash: SecretHash,
        expires: Timestamp,
    },
    SetUpLinkRevoked {},
    /// The password, directory or identity provider accepted the person; a second factor is requested next.
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
    /// Refused sign-ins of this account that were counted instead of recorded one by one.
    StaffRefusalsSuppressed(SuppressedRefusals),
    StaffSignedOut {},
    /// One session was ended, by its owner or by an administrator. The id is the correlation id of the session's
    /// events.
    StaffSessionEnded {
        session: Uuid,
    },
    /// All sessions were ended, possibly except the one that requested it.
    StaffSessionsEnded {},
    /// The password was confirmed before a change of factors, roles or settings.
    PasswordConfirmed {},
    PasswordConfirmationRefused {
        reason: SignInRefusal,
    },
    PasskeyAdded {
        passkey: PasskeyId,
        /// The label that the person gave the passkey.
        label: Personal<String>,
        /// Public key and state of the credential, in the format of the WebAuthn library.
        credential: Personal<String>,
    },
    PasskeyUsed {
        passkey: PasskeyId,
        purpose: Purpose,
        /// The credential, if its counter or backup state changed.
        credential: Option<Personal<String>>,
    },
    PasskeyRemoved {
        passkey: PasskeyId,
    },
    /// One-time codes (RFC 6238) were set up; they replace earlier ones.
    OneTimeCodesAdded {
        /// The secret, in Base32.
        seed: Personal<String>,
        /// The time step of the code that confirmed the set-up.
        step: u64,
    },
    OneTimeCodeUsed {
        /// Codes of this time step and earlier ones are not accepted again.
        step: u64,
        purpose: Purpose,
    },
    OneTimeCodesRemoved {},
    /// Recovery codes were displayed once; they replace earlier ones.
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
