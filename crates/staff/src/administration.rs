//! Executes commands of an operator from the command line. They arrive over the command socket of a running server, or
//! from a process that has opened the log itself.

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

pub use accounts::{Listed, list_accounts, may};
pub use explain::Question;
pub use identity::password::generate;
pub use staff::{Act, ActError, act};

/// A command of an operator. It has no `Debug`, because it may contain a password.
#[derive(Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case", deny_unknown_fields)]
pub enum Request {
    ApplySettings {
        settings: Box<Settings>,
        /// The revision of the settings that these were made from, as printed by `muster settings show`.
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
    /// Corruption that another process found while it read the log of the running server.
    TellCorruption {
        found: Vec<Corruption>,
    },
}

/// The data of a new local account.
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

/// Result of a command.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// The command was executed.
    Done { said: String },
    SettingsApplied {
        before: Box<Settings>,
        after: Box<Settings>,
        /// Findings that did not prevent the change.
        warnings: Vec<String>,
    },
    /// The command was executed. `token` is shown only once.
    TokenIssued { said: String, token: Token },
    /// Nothing was written. `why` says the reason and what to do.
    Refused { why: String },
}

/// An API token for the operator. Its `Debug` output does not contain it.
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
            Ok(Answer::done("the server reports it in its health checks and alarms"))
        }
        Request::ExplainAccess(question) => explain::explain(service, &question).await.map(Answer::done),
    };
    done.unwrap_or_else(|why| Answer::Refused { why })
}

async fn set_up_link(service: &Staff) -> Result<Answer, String> {
    let address = set_up::issue(service, &operator(service)).await.map_err(|error| error.to_string())?;
    Ok(Answer::done(format!("the link works once, for 24 hours, and replaces any earlier link:\n{address}")))
}

/// Returns the context of events that an operator causes at the command line: no source address, a new correlation id.
fn operator(service: &Staff) -> Context {
    Context::operator(service.platform.world.uuid())
}
