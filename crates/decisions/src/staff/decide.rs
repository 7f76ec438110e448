//! Decides commands for an account.

use super::{Command, LocalAccount, NewAccount, Refusal, SetUpLink, Vouched, factors};
use crate::Aggregate;
use events::Timestamp;
use events::enrollment::SecretHash;
use events::personal::Personal;
use events::staff::StaffEvent;

impl Aggregate for LocalAccount {
    const FOLD: u32 = 1;

    type Whole = Self;
    type Event = StaffEvent;
    type Command = Command;
    type Refusal = Refusal;

    fn decide(&self, command: &Command) -> Result<Vec<StaffEvent>, Refusal> {
        match command {
            Command::Add(account) => self.add(account),
            Command::SetUp { secret, now, account } => self.set_up(secret, *now, account),
            Command::IssueSetUpLink(_) if self.exists => Err(Refusal::Exists),
            Command::IssueSetUpLink(SetUpLink { hash, expires }) => {
                Ok(vec![StaffEvent::SetUpLinkIssued { hash: hash.clone(), expires: *expires }])
            }
            Command::RevokeSetUpLink if self.set_up_link.is_some() => Ok(vec![StaffEvent::SetUpLinkRevoked {}]),
            Command::RevokeSetUpLink => Ok(vec![]),
            Command::Know(vouched) => self.know(vouched),
            Command::AddApiClient { user_name, display_name, token } => {
                self.add_api_client(user_name, display_name.as_ref(), token)
            }
            _ if !self.exists => Err(Refusal::Unknown),
            Command::Factor(command) => factors::decide(self, command),
            existing => self.decide_of_existing(existing),
        }
    }

    fn evolve(self, event: &StaffEvent) -> LocalAccount {
        super::evolve::evolve(self, event)
    }
}

impl LocalAccount {
    fn decide_of_existing(&self, command: &Command) -> Result<Vec<StaffEvent>, Refusal> {
        match command {
            Command::Disable if self.disabled => Ok(vec![]),
            Command::Disable => Ok(vec![StaffEvent::LocalAccountDisabled {}]),
            Command::Enable if self.disabled => Ok(vec![StaffEvent::LocalAccountEnabled {}]),
            Command::Enable => Ok(vec![]),
            Command::ChangePassword { .. } if self.external.is_some() => Err(Refusal::NotOurs),
            Command::ChangePassword { .. } if self.password.is_none() => Err(Refusal::NoPassword),
            Command::ChangePassword { password } => {
                Ok(vec![StaffEvent::PasswordChanged { password: password.clone() }])
            }
            Command::ChangePrivileges { .. } if self.external.is_some() => Err(Refusal::RolesByRule),
            Command::ChangePrivileges { .. } if self.api_token.is_some() => Err(Refusal::Program),
            Command::ChangePrivileges { privileges } if privileges.is_empty() => Err(Refusal::NoPrivilege),
            Command::ChangePrivileges { privileges } if *privileges == self.privileges => Ok(vec![]),
            Command::ChangePrivileges { privileges } => {
                Ok(vec![StaffEvent::PrivilegesChanged { before: self.privileges.clone(), after: privileges.clone() }])
            }
            Command::ProveFirst { .. } | Command::SignIn { .. } if self.disabled => Err(Refusal::Disabled),
            Command::ProveFirst { method } => Ok(vec![StaffEvent::FirstFactorProven { method: *method }]),
            Command::SignIn { method } => Ok(vec![StaffEvent::StaffSignedIn { method: *method }]),
            Command::RefuseSignIn { method, reason } => {
                Ok(vec![StaffEvent::StaffSignInRefused { method: *method, reason: *reason }])
            }
            Command::SignOut => Ok(vec![StaffEvent::StaffSignedOut {}]),
            Command::IssueApiToken { .. } if self.disabled => Err(Refusal::Disabled),
            Command::IssueApiToken { .. } if self.api_token.is_none() => Err(Refusal::NoApiClient),
            Command::IssueApiToken { token } => Ok(vec![StaffEvent::ApiTokenIssued { token: token.clone() }]),
            Command::RefuseApiToken { reason } => Ok(vec![StaffEvent::ApiTokenRefused { reason: *reason }]),
            Command::EndSession { session } => Ok(vec![StaffEvent::StaffSessionEnded { session: *session }]),
            Command::EndSessions => Ok(vec![StaffEvent::StaffSessionsEnded {}]),
            Command::ConfirmPassword => Ok(vec![StaffEvent::PasswordConfirmed {}]),
            Command::RefuseConfirmation { reason } => {
                Ok(vec![StaffEvent::PasswordConfirmationRefused { reason: *reason }])
            }
            // Decided before the check that the account exists.
            Command::Add(_)
            | Command::SetUp { .. }
            | Command::IssueSetUpLink(_)
            | Command::RevokeSetUpLink
            | Command::Know(_)
            | Command::AddApiClient { .. }
            | Command::Factor(_) => Err(Refusal::Exists),
        }
    }

    fn add(&self, account: &NewAccount) -> Result<Vec<StaffEvent>, Refusal> {
        match (self.exists, account.privileges.is_empty()) {
            (true, _) => Err(Refusal::Exists),
            (false, true) => Err(Refusal::NoPrivilege),
            (false, false) => Ok(vec![added(account)]),
        }
    }

    fn add_api_client(
        &self,
        user_name: &Personal<String>,
        display_name: Option<&Personal<String>>,
        token: &SecretHash,
    ) -> Result<Vec<StaffEvent>, Refusal> {
        if self.exists {
            return Err(Refusal::Exists);
        }
        let (user_name, display_name) = (user_name.clone(), display_name.cloned());
        Ok(vec![
            StaffEvent::ApiClientAdded { user_name, display_name },
            StaffEvent::ApiTokenIssued { token: token.clone() },
        ])
    }

    // A link can be used once, since the account exists afterwards.
    fn set_up(&self, secret: &SecretHash, now: Timestamp, account: &NewAccount) -> Result<Vec<StaffEvent>, Refusal> {
        let link = self.open_link(secret)?;
        if link.expires <= now {
            return Err(Refusal::LinkExpired);
        }
        self.add(account)
    }

    /// Returns the set-up link with this secret.
    ///
    /// # Errors
    /// Returns an error if there is no such link, or it was already used.
    pub fn open_link(&self, secret: &SecretHash) -> Result<&SetUpLink, Refusal> {
        let link = self.set_up_link.as_ref().filter(|link| link.hash == *secret && !self.exists);
        link.ok_or(Refusal::LinkUnknown)
    }

    // Records a console user at the first sign-in, and later only if their names or roles changed.
    fn know(&self, vouched: &Vouched) -> Result<Vec<StaffEvent>, Refusal> {
        if self.exists && self.external.is_none() {
            return Err(Refusal::Exists);
        }
        let mut happened = Vec::new();
        if !self.is_as(vouched) {
            happened.push(StaffEvent::ExternalStaffKnown {
                method: vouched.external.method,
                provider: vouched.external.provider.clone(),
                user_name: vouched.user_name.clone(),
                display_name: vouched.display_name.clone(),
                mail: vouched.mail.clone(),
            });
        }
        if self.privileges != vouched.privileges {
            let (before, after) = (self.privileges.clone(), vouched.privileges.clone());
            happened.push(StaffEvent::PrivilegesChanged { before, after });
        }
        Ok(happened)
    }

    fn is_as(&self, vouched: &Vouched) -> bool {
        self.external.as_ref() == Some(&vouched.external)
            && self.user_name.as_ref() == Some(&vouched.user_name)
            && self.display_name == vouched.display_name
            && self.mail == vouched.mail
    }
}

fn added(account: &NewAccount) -> StaffEvent {
    StaffEvent::LocalAccountAdded {
        user_name: account.user_name.clone(),
        password: account.password.clone(),
        privileges: account.privileges.clone(),
        display_name: account.display_name.clone(),
        mail: account.mail.clone(),
        managed_apple_id: account.managed_apple_id.clone(),
    }
}
