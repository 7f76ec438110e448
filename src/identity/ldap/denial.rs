//! What a directory says beside "invalid credentials".

use crate::identity::Denial;

// Active Directory says more in its text: `80090308: LdapErr: …, data 533, v4563`. 525: no such user, 52e: wrong password;
// 530 and 531: not at this time or place, 532: password expired, 533: disabled, 701: account expired, 773: password must
// be changed, 775: locked.
pub fn denial(text: &str) -> Denial {
    let code = text.split("data ").nth(1).and_then(|rest| rest.split([',', ' ']).next()).unwrap_or_default();
    match code {
        "525" => Denial::UnknownName,
        "530" | "531" | "532" | "533" | "701" | "773" | "775" => Denial::Disabled,
        _ => Denial::WrongPassword,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_active_directory_says_of_a_denial_is_understood() {
        let text = |code: &str| {
            format!("80090308: LdapErr: DSID-0C090439, comment: AcceptSecurityContext error, data {code}, v4563\0")
        };
        assert_eq!(denial(&text("525")), Denial::UnknownName);
        assert_eq!(denial(&text("52e")), Denial::WrongPassword);
        for code in ["533", "701", "775"] {
            assert_eq!(denial(&text(code)), Denial::Disabled, "{code}");
        }
        assert_eq!(denial(""), Denial::WrongPassword, "OpenLDAP says nothing");
    }
}
