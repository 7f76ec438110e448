//! People found by name, without a proof: only for whoever may enroll devices for others.

use super::directories::alarm;
use crate::app::App;
use crate::identity::{Account, Unavailable};
use events::settings::Ways;
use events::store::ReadError;

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

/// Asks the directories that are switched on for enrollment, in their order.
///
/// # Errors
/// If the settings cannot be read.
pub async fn look_up(app: &App, user_name: &str) -> Result<LookedUp, ReadError> {
    let ways = app.settings().await?.sign_in.enrollment;
    if ways.directories.is_empty() {
        return Ok(LookedUp::NoDirectory);
    }
    Ok(match in_directories(app, &ways, user_name).await {
        Ok(Some(account)) => LookedUp::Found(Box::new(account)),
        Ok(None) => LookedUp::Unknown,
        Err(why) => {
            alarm(app, &why);
            LookedUp::Unavailable
        }
    })
}

// The next one only where the name is unknown, as at sign-in: it must not be another person who is found.
async fn in_directories(app: &App, ways: &Ways, user_name: &str) -> Result<Option<Account>, Unavailable> {
    for directory in app.sign_in.directories.switched_on(ways)? {
        if let Some(account) = directory.look_up(user_name).await? {
            return Ok(Some(account));
        }
    }
    Ok(None)
}
