//! The account that a name belongs to, or the console user of an account of a directory or identity provider.

use crate::Aggregate;
use events::staff::{StaffId, UserNameEvent};
use serde::{Deserialize, Serialize};

/// The account that has a name.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct UserName {
    pub account: Option<StaffId>,
}

#[derive(Debug, Clone)]
pub struct ReserveUserName {
    pub account: StaffId,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the name belongs to another account")]
pub struct NameTaken;

impl Aggregate for UserName {
    const FOLD: u32 = 1;

    type Whole = Self;
    type Event = UserNameEvent;
    type Command = ReserveUserName;
    type Refusal = NameTaken;

    fn decide(&self, command: &ReserveUserName) -> Result<Vec<UserNameEvent>, NameTaken> {
        match self.account {
            Some(account) if account == command.account => Ok(vec![]),
            Some(_) => Err(NameTaken),
            None => Ok(vec![UserNameEvent::UserNameReserved { account: command.account }]),
        }
    }

    fn evolve(self, event: &UserNameEvent) -> UserName {
        match event {
            UserNameEvent::UserNameReserved { account } => UserName { account: Some(self.account.unwrap_or(*account)) },
        }
    }
}
