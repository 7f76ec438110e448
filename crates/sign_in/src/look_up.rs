//! Looks up people by name without authentication. Only for people who may enroll devices for others, and for
//! `muster access explain`.

use super::directories::alarm;
use crate::SignIn;
use events::store::ReadError;
use identity::ldap::Listed;
use identity::{Account, Identifier};

/// Result of a lookup.
pub enum LookedUp {
    Found(Box<Account>),
    /// All directories answered, and none knows the name.
    Unknown,
    /// The settings enable no directory for enrollment.
    NoDirectory,
    /// A directory that may know the name does not answer or is not configured.
    Unavailable,
}

/// Asks the directories that the settings enable for enrollment, in order. The next directory is asked only if the name
/// is unknown, as at sign-in, so that a lookup and a sign-in find the same person.
///
/// # Errors
/// Returns an error if the settings cannot be read.
pub async fn look_up(sign_in: &SignIn, user_name: &str) -> Result<LookedUp, ReadError> {
    let directories = sign_in.settings.current().await?.sign_in.enrollment.directories;
    if directories.is_empty() {
        return Ok(LookedUp::NoDirectory);
    }
    for directory in directories {
        match look_up_in(sign_in, &directory, user_name).await {
            LookedUp::Unknown => {}
            other => return Ok(other),
        }
    }
    Ok(LookedUp::Unknown)
}

/// Asks one directory, even if the settings do not enable it. A directory that is not configured is `Unavailable`.
pub async fn look_up_in(sign_in: &SignIn, directory: &str, user_name: &str) -> LookedUp {
    let Some(directory) = sign_in.directories.named(directory) else { return LookedUp::Unavailable };
    match directory.look_up(user_name).await {
        Ok(Some(account)) => LookedUp::Found(Box::new(account)),
        Ok(None) => LookedUp::Unknown,
        Err(why) => {
            alarm(sign_in, directory.name(), &why);
            LookedUp::Unavailable
        }
    }
}

/// Returns the people of a directory who have one of these values. `None`: the directory does not answer, or is not
/// configured.
pub async fn holders(
    sign_in: &SignIn,
    directory: &str,
    identifier: Identifier,
    values: &[String],
) -> Option<Vec<Listed>> {
    let directory = sign_in.directories.named(directory)?;
    let found = directory.holders(identifier, values).await;
    found.inspect_err(|why| alarm(sign_in, directory.name(), why)).ok()
}
