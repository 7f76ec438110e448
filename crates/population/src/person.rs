//! People and their accounts over time.

use crate::ids::{AccountId, PersonId};
use std::sync::Arc;

/// What a person does, as far as it matters for devices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Job {
    Employee,
    /// Enrolls devices for others under the own account.
    Technician,
    /// No person: an account that owns the devices of a kiosk or a cart.
    SharedAccount,
}

/// The names of an account at a time, as the directory has them. UTF-8.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Names {
    /// Sign-in name, in lower-case ASCII.
    pub user_name: Arc<str>,
    /// Mail address, in lower-case ASCII.
    pub mail: Arc<str>,
    /// First name and family name.
    pub full_name: Arc<str>,
}

/// The names of an account from an instant on. An account has a further entry for each change of names.
#[derive(Clone, Debug)]
pub struct Account {
    pub id: AccountId,
    /// From when the account has these names, in seconds since 1970.
    pub from: i64,
    pub names: Names,
}

/// A person. Part of the truth.
#[derive(Clone, Debug)]
pub struct Person {
    pub id: PersonId,
    pub job: Job,
    /// In the order of time. A person who returns may get a new account.
    pub accounts: Vec<Account>,
    /// All instants in seconds since 1970.
    pub joined: i64,
    pub left: Option<i64>,
    pub returned: Option<i64>,
}

impl Person {
    /// The account at present.
    pub(crate) fn account(&self) -> &Account {
        &self.accounts[self.accounts.len() - 1]
    }

    /// Whether an account of this person ever had this user name.
    pub(crate) fn has_had(&self, user_name: &str) -> bool {
        self.accounts.iter().any(|account| &*account.names.user_name == user_name)
    }
}
