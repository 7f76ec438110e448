//! Sign-in methods and the account data that they return.
//!
//! This crate is a library: it knows nothing of events or enrollments. A new directory is another [`SignInMethod`], a
//! new provider a [`redirect::RedirectSignIn`].

pub mod check;
pub mod config;
mod fault;
mod identifiers;
pub mod ldap;
pub mod local;
pub mod lockout;
pub mod one_time_codes;
pub mod openid_connect;
pub mod passkeys;
pub mod password;
pub mod recovery_codes;
pub mod redirect;
pub mod saml;
pub mod throttle;

pub use fault::{Disbelief, Fault};
pub use identifiers::{Identifier, Identifiers};

use async_trait::async_trait;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The account of a person who signed in successfully, as the sign-in method reports it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// The sign-in method: `local`, or the name of a directory or identity provider in the configuration.
    pub provider: String,
    /// The issuer of `subject`. The same subject at another issuer is another person.
    pub issuer: String,
    /// The issuer's permanent identifier of the person. It is not the name they type, which can be given to another
    /// person.
    pub subject: String,
    /// The name that pages show.
    pub user_name: String,
    pub display_name: Option<String>,
    pub mail: Option<String>,
    /// As the issuer reports it: not checked.
    pub managed_apple_id: Option<String>,
    /// Groups of the person, named as the issuer names them.
    pub groups: BTreeSet<String>,
    /// Further attributes that access rules may use, under the names of the configuration, such as `department`.
    pub claims: BTreeMap<String, BTreeSet<String>>,
    pub untold: Untold,
    /// Values by which records of other products name the person. Only what the issuer states: neither what a person
    /// typed nor a fallback.
    #[serde(default)]
    pub identifiers: Identifiers,
}

/// Attributes that the issuer was asked for and did not report. Their values are unknown, which is not the same as
/// empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Untold {
    pub groups: Option<Absence>,
    /// Keyed by the name of the claim.
    pub claims: BTreeMap<String, Absence>,
}

impl Untold {
    /// Reads the claims `names` with `told`, which returns the values of a claim and, if there may be more, the
    /// reason why they are missing. Returns the claims that have a value and records in `self` the claims with
    /// missing values.
    fn claims(
        &mut self,
        names: &[String],
        told: impl Fn(&str) -> (BTreeSet<String>, Option<Absence>),
    ) -> BTreeMap<String, BTreeSet<String>> {
        let mut claims = BTreeMap::new();
        for name in names {
            let (values, why) = told(name);
            self.claims.extend(why.map(|why| (name.clone(), why)));
            if !values.is_empty() {
                claims.insert(name.clone(), values);
            }
        }
        claims
    }
}

/// Why a value is absent from the issuer's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Absence {
    /// The answer does not contain it, or contains nothing that can be parsed.
    Silent,
    /// The answer refers to another address because the value is too large for it. Muster does not follow the
    /// reference: an attacker who can write that address could make the server call any address.
    Elsewhere,
}

/// Why a sign-in was denied. The reason is recorded. The person sees the same message for each reason, except for
/// [`PasswordExpired`](Denial::PasswordExpired) and [`PasswordMustBeChanged`](Denial::PasswordMustBeChanged): the
/// password was right, and the message asks for a new one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denial {
    UnknownName,
    WrongPassword,
    Disabled,
    /// The account is locked after wrong passwords. Reported whether or not the password is right now.
    Locked,
    /// The account has expired.
    Expired,
    /// The password is right but has expired.
    PasswordExpired,
    /// The password is right but must be changed before it can be used.
    PasswordMustBeChanged,
    /// The account may not sign in at this time.
    OutsideHours,
    /// The account may sign in only from other computers.
    ElsewhereOnly,
}

/// Result of checking a user name and password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    Proven(Box<Account>),
    /// `subject` is set if the account exists.
    Denied {
        denial: Denial,
        subject: Option<String>,
    },
}

/// The accounts cannot be read, so there is no verdict. The sign-in is refused and is not counted as a failure.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the accounts cannot be read: {0}")]
pub struct Unavailable(pub String);

/// Provider name and issuer of local accounts.
pub const LOCAL: &str = "local";

/// A way to prove an identity by user name and password.
#[async_trait]
pub trait SignInMethod: Send + Sync {
    /// Checks a user name and password. Takes the same time for an unknown name as for a wrong password.
    ///
    /// # Errors
    /// Returns an error if the accounts cannot be read.
    async fn verify(&self, user_name: &str, password: &SecretString) -> Result<Verdict, Unavailable>;
}

/// Returns the provider's name as the user name of a person for whom the provider sends no name. The provider's
/// identifier of the person is not used, because it is meant for machines.
fn unnamed(provider: &str, setting: &str) -> String {
    tracing::warn!(provider, "the provider sent no name for a person who signed in: check {setting} of this provider");
    provider.to_owned()
}
