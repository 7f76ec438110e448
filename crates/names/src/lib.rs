//! Defines equality for each kind of name. Code that compares names from other parties uses this crate, or compares
//! text byte by byte. [`visible`] defines which characters of a name are visible.
//!
//! * Issuer, `sub`, NameID, entity id: equal if the bytes are equal. Another spelling is another party (OpenID Connect
//!   Core §2, SAML Core §8.3).
//! * Distinguished name of a group: equal if the structure is equal ([`DistinguishedName`], RFC 4514) and the values
//!   are equal under `caseIgnoreMatch` (RFC 4517 §4.2.11).
//! * Any other name of a group, and the value of a claim: equal if their [`folded`] forms are equal.
//! * User name: compared by the provider of the account. A local account is *found* by [`user_name_keys`].
//! * Value by which a previous record finds its owner (user name, UPN, mail address, employee number): equal if the
//!   [`owner_value`] forms are equal.

mod address;
mod distinguished;
pub mod visible;

pub use address::is_address;
pub use distinguished::DistinguishedName;

use icu_casemap::CaseMapper;
use icu_normalizer::ComposingNormalizerBorrowed;

/// Normalizes text as `caseIgnoreMatch` compares it (RFC 4518 §2): ignores upper and lower case and compatibility
/// forms, removes leading and trailing spaces, and reduces several spaces in a row to one.
pub fn folded(text: &str) -> String {
    let normalizer = ComposingNormalizerBorrowed::new_nfkc();
    let cased = CaseMapper::new().fold_string(&normalizer.normalize(text)).into_owned();
    let visible: String = cased.chars().filter(|letter| !is_ignored(*letter)).collect();
    normalizer.normalize(&visible).split_whitespace().collect::<Vec<_>>().join(" ")
}

// Characters that RFC 4518 §2.2 maps to nothing: soft hyphen, joiners, variation selectors, byte order mark, control
// characters other than spaces. This is not the list in `visible`.
fn is_ignored(letter: char) -> bool {
    matches!(letter, '\u{AD}' | '\u{34F}' | '\u{1806}' | '\u{180B}'..='\u{180E}' | '\u{200B}'..='\u{200F}')
        || matches!(letter, '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2063}' | '\u{206A}'..='\u{206F}')
        || matches!(letter, '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFC}')
        || (letter.is_control() && !letter.is_whitespace())
}

/// Returns the name unchanged in quotation marks, so that it can be copied from a message. Characters that affect the
/// surrounding text are written as [`visible::visible_line`] does.
pub fn quoted(name: &str) -> String {
    format!("\"{}\"", visible::visible_line(name))
}

/// Name of a group, as rules and providers write it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum GroupName {
    Distinguished(DistinguishedName),
    /// A name that is not a distinguished name: an object id, a path, a title.
    Plain(String),
}

impl GroupName {
    pub fn of(text: &str) -> GroupName {
        match DistinguishedName::parse(text) {
            Some(name) => GroupName::Distinguished(name),
            None => GroupName::Plain(folded(text)),
        }
    }
}

/// Keys for finding a local account, in the order to look them up. People vary capitals, add spaces, and type
/// accented letters in two Unicode forms. The last key is the form of names that were reserved before Unicode forms
/// were normalized.
pub fn user_name_keys(typed: &str) -> Vec<String> {
    let kept = typed.trim().to_lowercase();
    let composed = ComposingNormalizerBorrowed::new_nfc().normalize(&kept).into_owned();
    if composed == kept { vec![composed] } else { vec![composed, kept] }
}

/// Normalizes a value of a previous record or of a person, by which a record finds its owner: as directories compare
/// it, and the user name of a local account as its account is found. `None`: nothing visible is left.
pub fn owner_value(is_local_user_name: bool, text: &str) -> Option<String> {
    let value = if is_local_user_name { user_name_keys(text).swap_remove(0) } else { folded(text) };
    (!value.is_empty()).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_value_of_an_owner_is_compared_as_a_directory_does_and_a_local_name_as_its_account_is_found() {
        assert_eq!(owner_value(false, " Ada@Example.ORG "), owner_value(false, "ada@example.org"));
        assert_eq!(owner_value(false, "Straße"), owner_value(false, "STRASSE"));
        assert_ne!(owner_value(true, "straße"), owner_value(true, "strasse"), "they are two local accounts");
        assert_eq!(owner_value(true, " Ada"), owner_value(true, "ada"));
        assert_eq!((owner_value(false, " \u{200B}"), owner_value(true, " ")), (None, None));
    }

    #[test]
    fn a_quoted_name_can_be_copied_and_acts_on_nothing() {
        assert_eq!(quoted("cn=Leavers\\2C suspended"), "\"cn=Leavers\\2C suspended\"");
        assert_eq!(quoted("a\u{202e}b\n"), "\"a\\u{202e}b\\u{a}\"");
    }

    #[test]
    fn text_is_folded_as_directories_compare_it() {
        for (one, other) in [
            ("Staff", "staff"),
            ("  Science   teachers ", "science teachers"),
            ("Straße", "STRASSE"),
            ("Émile", "e\u{301}mile"),
            ("ﬁnance", "Finance"),
            ("soft\u{AD}ware", "software"),
            ("Ａdmins", "admins"),
        ] {
            assert_eq!(folded(one), folded(other), "{one:?} {other:?}");
        }
        assert_ne!(folded("science teachers"), folded("scienceteachers"));
        assert_ne!(folded("staff"), folded("staff2"));
    }

    #[test]
    fn a_group_that_has_no_distinguished_name_is_compared_as_text() {
        assert_eq!(GroupName::of("/Staff/IT"), GroupName::of("/staff/it"));
        assert_eq!(GroupName::of("CN=Staff,DC=example"), GroupName::of("cn = staff , dc=EXAMPLE"));
        assert_ne!(GroupName::of("cn=staff"), GroupName::of("staff"));
    }

    #[test]
    fn a_user_name_is_found_whatever_its_capitals_blanks_and_unicode_form() {
        assert_eq!(user_name_keys(" Ada "), ["ada"]);
        assert_eq!(user_name_keys("Émile"), ["émile"]);
        // Names that were reserved as a keyboard sent them are still found if they are typed in the same way.
        assert_eq!(user_name_keys("E\u{301}mile"), ["émile", "e\u{301}mile"]);
    }
}
