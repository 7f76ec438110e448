//! Local accounts: streams `staff-<id>` and `username-<hmac>`.

use crate::enrollment::Aggregate;
use events::enrollment::{SignInMethodName, SignInRefusal};
use events::personal::Personal;
use events::staff::{Privilege, StaffEvent, StaffId, UserNameEvent};
use std::collections::BTreeSet;

#[derive(Debug, Clone, Default, PartialEq)]
pub struct LocalAccount {
    pub exists: bool,
    pub disabled: bool,
    pub user_name: Option<Personal<String>>,
    /// argon2id, PHC string.
    pub password: Option<Personal<String>>,
    pub privileges: BTreeSet<Privilege>,
    pub display_name: Option<Personal<String>>,
    pub mail: Option<Personal<String>>,
    pub managed_apple_id: Option<Personal<String>>,
}

#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "a command is made, decided and gone; none is kept in numbers")]
pub enum Command {
    Add {
        user_name: Personal<String>,
        password: Personal<String>,
        privileges: BTreeSet<Privilege>,
        display_name: Option<Personal<String>>,
        mail: Option<Personal<String>>,
        managed_apple_id: Option<Personal<String>>,
    },
    Disable,
    Enable,
    ChangePassword {
        password: Personal<String>,
    },
    ChangePrivileges {
        privileges: BTreeSet<Privilege>,
    },
    SignIn {
        method: SignInMethodName,
    },
    RefuseSignIn {
        method: SignInMethodName,
        reason: SignInRefusal,
    },
    SignOut,
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
}

impl Aggregate for LocalAccount {
    type Event = StaffEvent;
    type Command = Command;
    type Refusal = Refusal;

    fn decide(&self, command: &Command) -> Result<Vec<StaffEvent>, Refusal> {
        if let Command::Add { user_name, password, privileges, display_name, mail, managed_apple_id } = command {
            return match (self.exists, privileges.is_empty()) {
                (true, _) => Err(Refusal::Exists),
                (false, true) => Err(Refusal::NoPrivilege),
                (false, false) => Ok(vec![StaffEvent::LocalAccountAdded {
                    user_name: user_name.clone(),
                    password: password.clone(),
                    privileges: privileges.clone(),
                    display_name: display_name.clone(),
                    mail: mail.clone(),
                    managed_apple_id: managed_apple_id.clone(),
                }]),
            };
        }
        if !self.exists {
            return Err(Refusal::Unknown);
        }
        match command {
            Command::Add { .. } => Err(Refusal::Exists),
            Command::Disable if self.disabled => Ok(vec![]),
            Command::Disable => Ok(vec![StaffEvent::LocalAccountDisabled {}]),
            Command::Enable if self.disabled => Ok(vec![StaffEvent::LocalAccountEnabled {}]),
            Command::Enable => Ok(vec![]),
            Command::ChangePassword { password } => {
                Ok(vec![StaffEvent::PasswordChanged { password: password.clone() }])
            }
            Command::ChangePrivileges { privileges } if privileges.is_empty() => Err(Refusal::NoPrivilege),
            Command::ChangePrivileges { privileges } if *privileges == self.privileges => Ok(vec![]),
            Command::ChangePrivileges { privileges } => {
                Ok(vec![StaffEvent::PrivilegesChanged { before: self.privileges.clone(), after: privileges.clone() }])
            }
            Command::SignIn { .. } if self.disabled => Err(Refusal::Disabled),
            Command::SignIn { method } => Ok(vec![StaffEvent::StaffSignedIn { method: *method }]),
            Command::RefuseSignIn { method, reason } => {
                Ok(vec![StaffEvent::StaffSignInRefused { method: *method, reason: *reason }])
            }
            Command::SignOut => Ok(vec![StaffEvent::StaffSignedOut {}]),
        }
    }

    fn evolve(mut self, event: &StaffEvent) -> LocalAccount {
        match event {
            StaffEvent::LocalAccountAdded { user_name, password, privileges, display_name, mail, managed_apple_id } => {
                self.exists = true;
                self.user_name = Some(user_name.clone());
                self.password = Some(password.clone());
                self.privileges = privileges.clone();
                self.display_name = display_name.clone();
                self.mail = mail.clone();
                self.managed_apple_id = managed_apple_id.clone();
            }
            StaffEvent::LocalAccountDisabled {} => self.disabled = true,
            StaffEvent::LocalAccountEnabled {} => self.disabled = false,
            StaffEvent::PasswordChanged { password } => self.password = Some(password.clone()),
            StaffEvent::PrivilegesChanged { after, .. } => self.privileges = after.clone(),
            StaffEvent::StaffSignedIn { .. }
            | StaffEvent::StaffSignInRefused { .. }
            | StaffEvent::StaffSignedOut {} => {}
        }
        self
    }
}

/// Which local account has a name.
#[derive(Debug, Clone, Default, PartialEq)]
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
