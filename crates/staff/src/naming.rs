//! Checks of names of accounts, and the reservation of user names.

use crate::Staff;
use decisions::staff::{ReserveUserName, UserName};
use events::staff::StaffId;
use names::visible::{holds_unseen, wrong_in_line};
use platform::context::Context;
use platform::user_names;

/// Reserves a user name for the account `fresh`, unless it is reserved already. Returns the account that has the name.
///
/// # Errors
/// Returns an error if the name is not allowed, or the log cannot be read or written.
pub(crate) async fn reserve_name(
    service: &Staff,
    user_name: &str,
    fresh: StaffId,
    by: &Context,
) -> Result<StaffId, String> {
    check_name(user_name)?;
    if let Some(account) =
        user_names::account_named(&service.platform, user_name).await.map_err(|error| error.to_string())?
    {
        return Ok(account);
    }
    let name = user_names::streams(&service.platform.secrets, user_name).swap_remove(0);
    match service.platform.perform::<UserName>(&name, &ReserveUserName { account: fresh }, by).await {
        Ok(_) => Ok(fresh),
        Err(error) => service
            .platform
            .load::<UserName>(&name)
            .await
            .map_err(|error| error.to_string())?
            .0
            .account
            .ok_or_else(|| error.to_string()),
    }
}

/// Checks a user name. Returns what is wrong with it.
pub(crate) fn check_name(name: &str) -> Result<(), String> {
    if name.is_empty() || name.chars().count() > 128 || name.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err("a user name must have 1 to 128 characters and no spaces".into());
    }
    if holds_unseen(name) {
        return Err("a user name must not contain invisible characters or characters that reorder it".into());
    }
    Ok(())
}

/// Checks a display name. Returns what is wrong with it. `option` is the name of the option or field, for the message.
pub(crate) fn check_display_name(option: &str, name: Option<&str>) -> Result<(), String> {
    match name.and_then(wrong_in_line) {
        Some(wrong) => Err(format!("{option} {wrong}")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_name_that_looks_like_another_is_refused() {
        for name in ["", "a da", "ada\u{200b}", "ada\u{200d}", "\u{202e}ada", "\u{3164}", "a\u{ad}da", "\u{2066}ada"] {
            assert!(check_name(name).is_err(), "{name:?}");
        }
        for name in ["ada", "émile", "ada@school.example", "学生7"] {
            assert_eq!(check_name(name), Ok(()), "{name:?}");
        }
        let wrong = check_display_name("--display-name", Some("Ada \u{202e}")).unwrap_err();
        assert!(wrong.starts_with("--display-name contains the character U+202E "), "{wrong}");
    }
}
