//! People found by name, without a proof: only for whoever may enroll devices for others, and for `muster access explain`.

use super::directories::alarm;
use crate::SignIn;
use events::store::ReadError;
use identity::Account;

/// What became of it.
pub enum LookedUp {
    Found(Box<Account>),
    /// All directories were asked.
    Unknown,
    /// None is switched on for enrollment.
    NoDirectory,
    /// One that might know the name cannot be asked.
    Unavailable,
}

/// Asks the directories that are switched on for enrollment, in their order: the next one only where the name is unknown,
/// as at sign-in, so that it is not another person who is found.
///
/// # Errors
/// If the settings cannot be read.
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

/// Asks one directory, switched on or not. One that the configuration does not have cannot be asked.
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
