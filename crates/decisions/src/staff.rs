//! Console users and local accounts: streams `staff-<id>` and `username-<hmac>`.

mod decide;
mod evolve;
mod factors;
mod standing;
#[cfg(test)]
mod tests;
mod user_name;

pub use factors::{Factors, OneTimeCodes, Passkey};
pub use standing::{CONSOLE_ROLES, Standing, needs_second_factor, standing, works_at_console};
pub use user_name::{NameTaken, ReserveUserName, UserName};

use events::Timestamp;
use events::enrollment::{SecretHash, SignInMethodName, SignInRefusal};
use events::personal::Personal;
use events::staff::{ApiRefusal, FactorRefusal, PasskeyId, Privilege, Purpose, SecondFactor};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use uuid::Uuid;

/// An account: a local account of Muster, or a console user from a directory or identity provider.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct LocalAccount {
    pub exists: bool,
    pub disabled: bool,
    /// The directory or identity provider; `None` for a local account.
    pub external: Option<External>,
    pub user_name: Option<Personal<String>>,
    /// Password hash: argon2id as a PHC string.
    pub password: Option<Personal<String>>,
    pub privileges: BTreeSet<Privilege>,
    pub display_name: Option<Personal<String>>,
    pub mail: Option<Personal<String>>,
    pub managed_apple_id: Option<Personal<String>>,
    pub factors: Factors,
    /// Hash of the API client's token.
    pub api_token: Option<SecretHash>,
    /// The link with which the first administrator sets up this account.
    pub set_up_link: Option<SetUpLink>,
}

/// The directory or identity provider of an account that is not local.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct External {
    pub method: SignInMethodName,
    pub provider: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetUpLink {
    pub hash: SecretHash,
    pub expires: Timestamp,
}

/// A local account to be added.
#[derive(Debug, Clone)]
pub struct NewAccount {
    pub user_name: Personal<String>,
    pub password: Personal<String>,
    pub privileges: BTreeSet<Privilege>,
    pub display_name: Option<Personal<String>>,
    pub mail: Option<Personal<String>>,
    pub managed_apple_id: Option<Personal<String>>,
}

/// The data about a console user from a directory or identity provider.
#[derive(Debug, Clone)]
pub struct Vouched {
    pub external: External,
    pub user_name: Personal<String>,
    pub display_name: Option<Personal<String>>,
    pub mail: Option<Personal<String>>,
    /// Roles from the role rules of the settings.
    pub privileges: BTreeSet<Privilege>,
}

#[derive(Debug, Clone)]
pub enum Command {
    Add(NewAccount),
    /// Adds the account that a set-up link is for.
    SetUp {
        secret: SecretHash,
        now: Timestamp,
        account: NewAccount,
    },
    IssueSetUpLink(SetUpLink),
    RevokeSetUpLink,
    Know(Vouched),
    /// Adds a client of the API.
    AddApiClient {
        user_name: Personal<String>,
        display_name: Option<Personal<String>>,
        token: SecretHash,
    },
    /// Replaces the token of an API client.
    IssueApiToken {
        token: SecretHash,
    },
    RefuseApiToken {
        reason: ApiRefusal,
    },
    Disable,
    Enable,
    ChangePassword {
        password: Personal<String>,
    },
    ChangePrivileges {
        privileges: BTreeSet<Privilege>,
    },
    /// The first of two factors was accepted.
    ProveFirst {
        method: SignInMethodName,
    },
    SignIn {
        method: SignInMethodName,
    },
    RefuseSignIn {
        method: SignInMethodName,
        reason: SignInRefusal,
    },
    SignOut,
    EndSession {
        session: Uuid,
    },
    EndSessions,
    ConfirmPassword,
    RefuseConfirmation {
        reason: SignInRefusal,
    },
    Factor(FactorCommand),
}

/// Commands for second factors. `entering`: the method of the first factor, if the person completes a sign-in with this
/// command. `required`: the settings require a second factor.
#[derive(Debug, Clone)]
pub enum FactorCommand {
    AddPasskey {
        passkey: PasskeyId,
        label: Personal<String>,
        credential: Personal<String>,
        entering: Option<SignInMethodName>,
    },
    UsePasskey {
        passkey: PasskeyId,
        /// The credential, if it changed.
        credential: Option<Personal<String>>,
        purpose: Purpose,
        entering: Option<SignInMethodName>,
    },
    RemovePasskey {
        passkey: PasskeyId,
        required: bool,
    },
    AddOneTimeCodes {
        seed: Personal<String>,
        step: u64,
        entering: Option<SignInMethodName>,
    },
    UseOneTimeCode {
        step: u64,
        purpose: Purpose,
        entering: Option<SignInMethodName>,
    },
    RemoveOneTimeCodes {
        required: bool,
    },
    MakeRecoveryCodes {
        hashes: Vec<SecretHash>,
    },
    UseRecoveryCode {
        code_hash: SecretHash,
        entering: Option<SignInMethodName>,
    },
    /// Removes all factors after the person lost them. Issued by an administrator or the operator.
    RemoveAll,
    Refuse {
        factor: SecondFactor,
        reason: FactorRefusal,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("there is no such account")]
    Unknown,
    #[error("the account exists already")]
    Exists,
    #[error("the account is disabled")]
    Disabled,
    #[error("an account needs at least one privilege")]
    NoPrivilege,
    #[error("this account belongs to a directory or identity provider: its password cannot be set here")]
    NotOurs,
    #[error("the roles of this account are set by the role rules of the settings at each sign-in")]
    RolesByRule,
    #[error("the account is not an API client")]
    NoApiClient,
    #[error("the role of an API client cannot be changed: disable it, and add another account for a person")]
    Program,
    #[error("an API client has a token and no password")]
    NoPassword,
    #[error("the set-up link is unknown or was already used")]
    LinkUnknown,
    #[error("the link has expired")]
    LinkExpired,
    #[error("the code was already used")]
    CodeUsed,
    #[error("the account has no such second factor")]
    FactorUnknown,
    #[error("the settings require a second factor, and this is the last one: add another one first")]
    LastFactor,
}
