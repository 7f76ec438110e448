//! Results of verifying a person: a proof, or a refusal with its reason and the answer to the person.

use crate::beat::Beat;
use events::enrollment::{SignInMethodName, SignInRefusal};
use events::staff::{Privilege, StaffId};
use identity::{Account, Denial, LOCAL};
use platform::secrets::Secrets;
use std::collections::BTreeSet;

/// A successful authentication.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    pub method: SignInMethodName,
    pub account: Account,
    /// For a local account: its id and its privileges.
    pub local: Option<(StaffId, BTreeSet<Privilege>)>,
}

impl Proof {
    /// Returns the id of the `account-` stream that maps the account to a person.
    pub fn account_name(&self, secrets: &Secrets) -> String {
        account_name(secrets, self.method, &self.account.issuer, &self.account.subject)
    }
}

/// Result of verifying a user name and a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verified {
    Proven(Proof),
    Refused(Refused),
}

/// A rejected sign-in. `reason` is recorded. The answer to the person must be [`Refused::answer`], which hides most
/// reasons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    pub method: SignInMethodName,
    pub reason: SignInRefusal,
    /// The local account with that name, if there is one.
    pub account: Option<StaffId>,
    /// Whether that local account has a privilege for the console.
    pub staff: bool,
    /// The directory account with that name, if there is one.
    pub known: Option<KnownAccount>,
    /// HMAC of the name that was typed, because people sometimes type their password there.
    pub name: String,
    /// If throttled, the seconds to wait.
    pub retry_after: Option<i64>,
    /// A directory that was asked, or would have been asked for another name, does not answer.
    pub unanswered: bool,
    /// The caller waits for it after all events are written.
    pub beat: Beat,
}

/// An account of a directory, identified by its streams.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownAccount {
    /// Id of its `account-` stream, which maps it to a person.
    pub account: String,
    /// Id of its `username-` stream, which maps it to a member of the staff.
    pub staff: String,
}

/// The answer to a person whose sign-in is rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignInAnswer {
    /// The same for an unknown name, a wrong password and an account that is not permitted to sign in.
    No,
    /// The person must wait this many seconds.
    Wait(i64),
    /// A directory does not answer. The same for every name.
    NotNow,
    /// The password was right, but the directory requires a new one. This reveals nothing to anyone who does not know
    /// the password.
    ChangePassword,
}

impl Refused {
    /// Returns the answer to the person.
    pub fn answer(&self) -> SignInAnswer {
        match (self.retry_after, self.reason) {
            (Some(seconds), _) => SignInAnswer::Wait(seconds),
            (None, SignInRefusal::PasswordExpired | SignInRefusal::PasswordMustBeChanged) => {
                SignInAnswer::ChangePassword
            }
            (None, _) if self.unanswered => SignInAnswer::NotNow,
            (None, _) => SignInAnswer::No,
        }
    }

    /// Whether the person must wait (429) and the password was not checked. Such refusals are counted instead of
    /// written, so they use no budget.
    pub fn is_held_up(&self) -> bool {
        self.retry_after.is_some() && self.reason == SignInRefusal::Throttled
    }

    /// Returns the id of the `account-` stream of the account with this name, if there is one.
    pub fn account_name(&self, secrets: &Secrets) -> Option<String> {
        let local = |id: StaffId| account_name(secrets, SignInMethodName::LocalAccount, LOCAL, &id.to_string());
        self.account.map(local).or_else(|| self.known.as_ref().map(|known| known.account.clone()))
    }
}

pub(crate) fn reason(denial: Denial) -> SignInRefusal {
    match denial {
        Denial::UnknownName => SignInRefusal::UnknownName,
        Denial::WrongPassword => SignInRefusal::WrongPassword,
        Denial::Disabled => SignInRefusal::AccountDisabled,
        Denial::Locked => SignInRefusal::AccountLocked,
        Denial::Expired => SignInRefusal::AccountExpired,
        Denial::PasswordExpired => SignInRefusal::PasswordExpired,
        Denial::PasswordMustBeChanged => SignInRefusal::PasswordMustBeChanged,
        Denial::OutsideHours => SignInRefusal::OutsideLogonHours,
        Denial::ElsewhereOnly => SignInRefusal::WorkstationNotPermitted,
    }
}

/// Returns the id of the `account-` stream of an account. `subject` is the issuer's identifier of the person.
pub fn account_name(secrets: &Secrets, method: SignInMethodName, issuer: &str, subject: &str) -> String {
    secrets.name("account", &[method.as_str(), issuer, subject])
}

/// Returns the id of the `username-` stream that maps an account of a directory or identity provider to a member of the
/// staff.
pub fn staff_account_name(secrets: &Secrets, method: SignInMethodName, issuer: &str, subject: &str) -> String {
    secrets.name("staff-account", &[method.as_str(), issuer, subject])
}
