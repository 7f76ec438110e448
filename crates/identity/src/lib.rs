//! Who is this: sign-in methods and what they tell about a person.
//!
//! A library at heart: it knows nothing of events or enrollments. Where accounts are kept is behind a trait, so a
//! method that asks a directory or another site comes as one more [`SignInMethod`].

pub mod check;
pub mod config;
mod fault;
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

use async_trait::async_trait;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What a sign-in method says about somebody who proved who they are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Who was asked: `local`, or the name of a directory or identity provider in the configuration.
    pub provider: String,
    /// Who vouches: the same subject at another issuer is another person.
    pub issuer: String,
    /// The issuer's lasting name for the person; not the name they type, which can change hands.
    pub subject: String,
    pub user_name: String,
    pub display_name: Option<String>,
    pub mail: Option<String>,
    pub managed_apple_id: Option<String>,
    /// Groups that the person is in, as the issuer names them.
    pub groups: BTreeSet<String>,
    /// Further attributes that access rules may ask for, by the names of the configuration: `department`.
    pub claims: BTreeMap<String, BTreeSet<String>>,
    pub untold: Untold,
}

/// What the issuer was asked for and did not tell: it is not known, which is not the same as empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Untold {
    pub groups: Option<Absence>,
    /// By the name of the claim.
    pub claims: BTreeMap<String, Absence>,
}

impl Untold {
    /// Reads the claims of these names with `told`, which gives a claim's values and why there may be more. Returns the claims that
    /// have a value; the others that could have one are noted.
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

/// How something is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Absence {
    /// Nothing was said of it, or nothing that can be read.
    Silent,
    /// Another place was named for it, since there is too much for one answer. It is not asked: whoever could write that
    /// address could have us call any.
    Elsewhere,
}

/// Why somebody is not who they say. For the record; the person is told the same in each case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denial {
    UnknownName,
    WrongPassword,
    Disabled,
    /// After wrong passwords. Told whatever the password is now.
    Locked,
    /// The account has ended.
    Expired,
    /// The password is right, and too old.
    PasswordExpired,
    /// The password is right, and has to be replaced before it is used.
    PasswordMustBeChanged,
    /// Not at this time.
    OutsideHours,
    /// Only at other computers.
    ElsewhereOnly,
}

/// What came of a name and a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    Proven(Box<Account>),
    /// `subject` is there where the account is.
    Denied {
        denial: Denial,
        subject: Option<String>,
    },
}

/// The method cannot tell: its accounts cannot be read. Nobody is let in and nobody is blamed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the accounts cannot be read: {0}")]
pub struct Unavailable(pub String);

/// Who vouches for local accounts, and what they are called as a provider.
pub const LOCAL: &str = "local";

/// One way to prove who one is by name and password.
#[async_trait]
pub trait SignInMethod: Send + Sync {
    /// Says who this is. Takes the same time for an unknown name as for a wrong password.
    ///
    /// # Errors
    /// If the accounts cannot be read.
    async fn verify(&self, user_name: &str, password: &SecretString) -> Result<Verdict, Unavailable>;
}

/// What somebody is called whom a provider gives no name: by the provider. Its identifier for them is for machines.
fn unnamed(provider: &str, setting: &str) -> String {
    tracing::warn!(provider, "the provider tells no name of somebody who signs in: {setting} says what it calls them");
    provider.to_owned()
}
