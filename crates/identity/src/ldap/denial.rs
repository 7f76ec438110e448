//! Reasons that a directory gives with "invalid credentials".

use crate::Denial;

/// Parses the reason for a denial. Active Directory gives it in the text: `80090308: LdapErr: …, data 533, v4563`.
/// The number is a Windows error code in hexadecimal, such as `ERROR_INVALID_LOGON_HOURS` (530).
pub(crate) fn denial(text: &str) -> Denial {
    let code = text.split("data ").nth(1).and_then(|rest| rest.split([',', ' ']).next()).unwrap_or_default();
    match code {
        "525" => Denial::UnknownName,
        "530" => Denial::OutsideHours,
        "531" => Denial::ElsewhereOnly,
        "532" => Denial::PasswordExpired,
        "533" => Denial::Disabled,
        "701" => Denial::Expired,
        "773" => Denial::PasswordMustBeChanged,
        "775" => Denial::Locked,
        // Code 52e, and OpenLDAP, which gives no reason.
        _ => Denial::WrongPassword,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_active_directory_says_of_a_denial_is_understood_and_kept_apart() {
        let told = |code: &str| {
            denial(&format!(
                "80090308: LdapErr: DSID-0C090439, comment: AcceptSecurityContext error, data {code}, v4563\0"
            ))
        };
        let codes = ["525", "52e", "530", "531", "532", "533", "701", "773", "775"];
        let expected = [
            Denial::UnknownName,
            Denial::WrongPassword,
            Denial::OutsideHours,
            Denial::ElsewhereOnly,
            Denial::PasswordExpired,
            Denial::Disabled,
            Denial::Expired,
            Denial::PasswordMustBeChanged,
            Denial::Locked,
        ];
        assert_eq!(codes.map(told), expected);
        assert_eq!(denial(""), Denial::WrongPassword, "OpenLDAP says nothing");
    }
}
