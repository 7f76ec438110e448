//! User names of local accounts: the streams `username-<HMAC>` that reserve them, and how a name that somebody typed leads to one.

use crate::Platform;
use crate::secrets::Secrets;
use decisions::staff::UserName;
use events::StreamName;
use events::staff::StaffId;
use events::store::ReadError;
use names::user_name_keys;

/// The streams that a name may be reserved in, in the order in which to look; new names are reserved in the first.
pub fn streams(secrets: &Secrets, typed: &str) -> Vec<StreamName> {
    let stream = |key: &String| StreamName::of("username", secrets.name("username", &[key]));
    user_name_keys(typed).iter().map(stream).collect()
}

/// What a name that was typed is kept as where nobody may read it.
pub fn key(typed: &str) -> String {
    user_name_keys(typed).swap_remove(0)
}

/// The account that a name is reserved for.
///
/// # Errors
/// If the log cannot be read.
pub async fn account_named(platform: &Platform, typed: &str) -> Result<Option<StaffId>, ReadError> {
    for stream in streams(&platform.secrets, typed) {
        if let Some(account) = platform.load::<UserName>(&stream).await?.0.account {
            return Ok(Some(account));
        }
    }
    Ok(None)
}
