//! What an operator does from the command line: the same, whether it comes over the command socket of a running server
//! or from a process that has the log for itself.

mod accounts;
mod api_clients;
mod explain;
mod settings;

use crate::app::App;
use crate::app::context::Context;
use events::envelope::{Actor, ActorKind};
use events::settings::Settings;
use events::staff::Privilege;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

pub use accounts::{Listed, list_accounts, may};
pub use explain::Question;
pub use settings::{Findings, apply as apply_settings, check as check_settings, difference};

/// A command of an operator. Not printable: it may hold a password.
#[derive(Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case", deny_unknown_fields)]
pub enum Request {
    ApplySettings { settings: Box<Settings> },
    AddUser(NewUser),
    AddApiClient { user_name: String, display_name: Option<String> },
    RotateToken { user_name: String },
    DisableUser { user_name: String },
    EnableUser { user_name: String },
    ExplainAccess(Question),
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
pub async fn execute(app: &App, request: Request) -> Answer {
    let done = match request {
        Request::ApplySettings { settings } => settings::apply(app, *settings, &operator(app)).await,
        Request::AddUser(user) => accounts::add(app, user).await,
        Request::AddApiClient { user_name, display_name } => api_clients::add(app, user_name, display_name).await,
        Request::RotateToken { user_name } => api_clients::rotate(app, &user_name).await,
        Request::DisableUser { user_name } => accounts::switch(app, &user_name, accounts::Switch::Off).await,
        Request::ExplainAccess(question) => explain::explain(app, &question).await.map(Answer::done),
        Request::EnableUser { user_name } => accounts::switch(app, &user_name, accounts::Switch::On).await,
    };
    done.unwrap_or_else(|why| Answer::Refused { why })
}

/// Somebody at the command line did it: no source address, a correlation of its own.
fn operator(app: &App) -> Context {
    Context::of(Actor::new(ActorKind::Operator, "command-line"), None, app.world.uuid())
}
