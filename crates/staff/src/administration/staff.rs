//! Actions of an administrator or operator on an account: disable, enable, and change roles, password, second factors
//! and sessions. The context contains the actor.

use crate::Staff;
use crate::set_up;
use decisions::staff::{Command, FactorCommand, LocalAccount, Refusal};
use events::Personal;
use events::staff::{Privilege, StaffId};
use events::store::Appended;
use identity::password::{WeakPassword, check_new_password, hash_password};
use platform::PerformError;
use platform::context::Context;
use secrecy::SecretString;
use std::collections::BTreeSet;
use uuid::Uuid;

/// An action on an account.
pub enum Act {
    Disable,
    Enable,
    SetRoles(BTreeSet<Privilege>),
    SetPassword(SecretString),
    RemoveFactors,
    EndSession(Uuid),
    EndSessions,
}

#[derive(Debug, thiserror::Error)]
pub enum ActError {
    #[error(transparent)]
    Weak(#[from] WeakPassword),
    #[error("{0}")]
    Refused(Refusal),
    #[error("{0}")]
    Broken(String),
}

impl From<PerformError<Refusal>> for ActError {
    fn from(error: PerformError<Refusal>) -> ActError {
        match error {
            PerformError::Refused(refusal) => ActError::Refused(refusal),
            other => ActError::Broken(other.to_string()),
        }
    }
}

/// Performs an action. Disabling the account, a new password and the removal of second factors end all sessions of the
/// account, so that its owner must sign in again. `None` if nothing changed.
///
/// # Errors
/// Returns an error if the password is too weak, the state of the account does not permit the action, or `sessions.db`
/// or the log cannot be read or written.
pub async fn act(service: &Staff, id: StaffId, act: Act, context: &Context) -> Result<Option<Appended>, ActError> {
    let broken = |error: &dyn std::fmt::Display| ActError::Broken(error.to_string());
    let ends_sessions = matches!(act, Act::Disable | Act::SetPassword(_) | Act::RemoveFactors | Act::EndSessions);
    let command = match act {
        Act::Disable => Command::Disable,
        Act::Enable => Command::Enable,
        Act::SetRoles(privileges) => Command::ChangePrivileges { privileges },
        Act::SetPassword(password) => password_command(service, id, password).await?,
        Act::RemoveFactors => Command::Factor(FactorCommand::RemoveAll),
        Act::EndSession(session) => {
            if !service.sign_in.staff_sessions.end_one(id, session).await.map_err(|error| broken(&error))? {
                return Ok(None);
            }
            Command::EndSession { session }
        }
        Act::EndSessions => Command::EndSessions,
    };
    let performed = service.platform.perform::<LocalAccount>(&id.stream(), &command, context).await?;
    if ends_sessions {
        service.sign_in.staff_sessions.end_all(id, None).await.map_err(|error| broken(&error))?;
    }
    if performed.state.privileges.contains(&Privilege::Administrator)
        && matches!(command, Command::ChangePrivileges { .. })
    {
        set_up::revoke(service, context).await.map_err(|error| broken(&error))?;
    }
    Ok(performed.appended)
}

async fn password_command(service: &Staff, id: StaffId, password: SecretString) -> Result<Command, ActError> {
    let broken = |error: &dyn std::fmt::Display| ActError::Broken(error.to_string());
    let (account, _) = service.platform.load::<LocalAccount>(&id.stream()).await.map_err(|error| broken(&error))?;
    let user_name = account.user_name.as_ref().and_then(Personal::get).cloned().unwrap_or_default();
    check_new_password(&user_name, &password)?;
    let world = service.platform.world.clone();
    let hashed = tokio::task::spawn_blocking(move || hash_password(&world, &password)).await;
    Ok(Command::ChangePassword { password: Personal::new(id.key(), hashed.map_err(|error| broken(&error))?) })
}
