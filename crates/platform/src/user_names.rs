//! User names of local accounts: resolves a typed name to the streams `username-<HMAC>` that reserve it, and to the
//! account.

use crate::Platform;
use crate::secrets::Secrets;
use decisions::staff::UserName;
use events::StreamName;
use events::staff::StaffId;
use events::store::ReadError;
use names::user_name_keys;

/// Returns the streams in which a name may be reserved, in the order of the search. New names are reserved in the
/// first.
pub fn streams(secrets: &Secrets, typed: &str) -> Vec<StreamName> {
    let stream = |key: &String| StreamName::of("username", secrets.name("username", &[key]));
    user_name_keys(typed).iter().map(stream).collect()
}

/// Returns the normalized form of a typed name. Callers that must not store the name in clear hash this form.
pub fn key(typed: &str) -> String {
    user_name_keys(typed).swap_remove(0)
}

/// Returns the account for which a name is reserved.
///
/// # Errors
/// Returns an error if the log cannot be read.
pub async fn account_named(platform: &Platform, typed: &str) -> Result<Option<StaffId>, ReadError> {
    for stream in streams(&platform.secrets, typed) {
        if let Some(account) = platform.load::<UserName>(&stream).await?.0.account {
            return Ok(Some(account));
        }
    }
    Ok(None)
}
