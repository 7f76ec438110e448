//! What an operator does from the command line: the same, whether it comes over the command socket of a running server
//! or from a process that has the log for itself.

mod accounts;
mod api_clients;
mod explain;
mod settings;
mod staff;

use crate::Staff;
use crate::set_up;
use events::settings::Settings;
use events::staff::Privilege;
use events::store::Corruption;
use platform::context::Context;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

pub use accounts::{Listed, check_display_name, list_accounts, may, reserve_name};
pub use explain::Question;
pub use identity::password::generate;
pub use staff::{Act, ActError, act};

/// A command of an operator. Not printable: it may hold a password.
#[derive(Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case", deny_unknown_fields)]
pub enum Request {
    ApplySettings {
        settings: Box<Settings>,
        /// The revision of the settings that they were made of, as `muster settings show` prints it.
        over: Option<u64>,
    },
    AddUser(NewUser),
    AddApiClient {
        user_name: String,
        display_name: Option<String>,
    },
    RotateToken {
        user_name: String,
    },
    DisableUser {
        user_name: String,
    },
    EnableUser {
        user_name: String,
    },
    ExplainAccess(Question),
    SetRoles {
        user_name: String,
        privileges: BTreeSet<Privilege>,
    },
    SetPassword {
        user_name: String,
        password: String,
    },
    RemoveFactors {
        user_name: String,
    },
    SetUpLink,
    /// A command that read the log beside the server found this.
    TellCorruption {
        found: Vec<Corruption>,
    },
}

/// A local account to be added.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewUser {
    pub user_name: String,
    pub password: String,
    pub privileges: BTreeSet<Privilege>,
    pub display_name: Option<String>,
    pub mail: Option<String>,
    pub managed_apple_id: Option<String>,
}

impl NewUser {
    fn secret(&self) -> SecretString {
        SecretString::from(self.password.as_str())
    }
}

/// What came of it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// It is in the log.
    Done { said: String },
    SettingsApplied {
        before: Box<Settings>,
        after: Box<Settings>,
        /// Applied all the same, but perhaps not what was meant.
        warnings: Vec<String>,
    },
    /// It is in the log; `token` is shown once.
    TokenIssued { said: String, token: Token },
    /// Nothing was written; why, and what to do.
    Refused { why: String },
}

/// A token of the API on its way to whoever asked for it. Does not print itself by accident.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
pub struct Token(pub String);

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(not shown)")
    }
}

impl Answer {
    pub fn done(said: impl Into<String>) -> Answer {
        Answer::Done { said: said.into() }
    }

    pub fn refused(why: impl Into<String>) -> Answer {
        Answer::Refused { why: why.into() }
    }
}

/// Performs a command.
pub async fn execute(service: &Staff, request: Request) -> Answer {
    let done = match request {
        Request::ApplySettings { settings, over } => {
            settings::apply(service, *settings, over, &operator(service)).await
        }
        Request::AddUser(user) => accounts::add(service, user).await,
        Request::AddApiClient { user_name, display_name } => api_clients::add(service, user_name, display_name).await,
        Request::RotateToken { user_name } => api_clients::rotate(service, &user_name).await,
        Request::DisableUser { user_name } => accounts::do_to(service, &user_name, Act::Disable).await,
        Request::EnableUser { user_name } => accounts::do_to(service, &user_name, Act::Enable).await,
        Request::SetRoles { user_name, privileges } => {
            accounts::do_to(service, &user_name, Act::SetRoles(privileges)).await
        }
        Request::SetPassword { user_name, password } => {
            accounts::do_to(service, &user_name, Act::SetPassword(password.into())).await
        }
        Request::RemoveFactors { user_name } => accounts::do_to(service, &user_name, Act::RemoveFactors).await,
        Request::SetUpLink => set_up_link(service).await,
        Request::TellCorruption { found } => {
            found.into_iter().for_each(|corruption| service.platform.log.store().findings().add(corruption));
            Ok(Answer::done("the server tells it in its health and alarms"))
        }
        Request::ExplainAccess(question) => explain::explain(service, &question).await.map(Answer::done),
    };
    done.unwrap_or_else(|why| Answer::Refused { why })
}

async fn set_up_link(service: &Staff) -> Result<Answer, String> {
    let address = set_up::issue(service, &operator(service)).await.map_err(|error| error.to_string())?;
    Ok(Answer::done(format!("within 24 hours, once, and instead of any link before it:\n{address}")))
}

/// Somebody at the command line did it: no source address, a correlation of its own.
fn operator(service: &Staff) -> Context {
    Context::operator(service.platform.world.uuid())
}
