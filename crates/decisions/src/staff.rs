//! Who works at the console and who has a local account: streams `staff-<id>` and `username-<hmac>`.

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
use std::collections::BTreeSet;
use uuid::Uuid;

/// An account: of ours, or of a directory or identity provider whose user works at the console.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LocalAccount {
    pub exists: bool,
    pub disabled: bool,
    /// Who vouches for the person, where the account is not ours.
    pub external: Option<External>,
    pub user_name: Option<Personal<String>>,
    /// argon2id, PHC string.
    pub password: Option<Personal<String>>,
    pub privileges: BTreeSet<Privilege>,
    pub display_name: Option<Personal<String>>,
    pub mail: Option<Personal<String>>,
    pub managed_apple_id: Option<Personal<String>>,
    pub factors: Factors,
    /// Hash of the token with which a program reads by the API.
    pub api_token: Option<SecretHash>,
    /// The link with which the first administrator makes this account.
    pub set_up_link: Option<SetUpLink>,
}

/// Who vouches for somebody whose account is not ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct External {
    pub method: SignInMethodName,
    pub provider: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
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

/// What a directory or identity provider says about somebody who works at the console.
#[derive(Debug, Clone)]
pub struct Vouched {
    pub external: External,
    pub user_name: Personal<String>,
    pub display_name: Option<Personal<String>>,
    pub mail: Option<Personal<String>>,
    /// What the rules of the settings give them.
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
    /// Adds a program that reads by the API.
    AddApiClient {
        user_name: Personal<String>,
        display_name: Option<Personal<String>>,
        token: SecretHash,
    },
    /// The program's token from now on.
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
    /// The first proof of two.
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

/// What is done about second factors. `entering`: the person signs in with it, and that is how they proved themselves at
/// first. `required`: the settings ask for a second factor.
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
        /// Where it is another one now.
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
    /// Somebody lost them all: done by an administrator or the operator.
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
    #[error("a directory or identity provider vouches for this account: it has no password of ours")]
    NotOurs,
    #[error("the roles of this account come from the rules of the settings, each time the person signs in")]
    RolesByRule,
    #[error("the account is no program that reads by the API")]
    NoApiClient,
    #[error("a program that reads by the API has this one role: disable it, and add another account for a person")]
    Program,
    #[error("a program has a token and no password")]
    NoPassword,
    #[error("the link is not, or not any more, one that sets up an account")]
    LinkUnknown,
    #[error("the link has expired")]
    LinkExpired,
    #[error("the code was used before")]
    CodeUsed,
    #[error("the account has no such second factor")]
    FactorUnknown,
    #[error("the settings ask for a second factor, and this is the last one: add another one first")]
    LastFactor,
}
