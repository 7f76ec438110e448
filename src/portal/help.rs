//! Parses the administrator's help text and turns mail addresses, telephone numbers and web addresses in it into
//! links.

use serde::Serialize;
use std::borrow::Cow;

/// Part of the help text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct HelpPart {
    pub text: String,
    /// Target of the link; empty for plain text.
    pub href: String,
}

/// Minimum digits of a telephone number; fewer are a room or a year.
const LEAST_DIGITS: usize = 6;
/// Maximum digits of a telephone number (ITU-T E.164).
const MOST_DIGITS: usize = 15;

/// Splits the help text into plain text and links. The subject of a mail contains the help code, by which the help
/// desk finds the person's enrollment.
pub(crate) fn parts(words: &str, help_code: Option<&str>) -> Vec<HelpPart> {
    let mut parts = Vec::new();
    let (mut rest, mut plain) = (words, String::new());
    while let Some(next) = rest.chars().next() {
        let begins = !plain.ends_with(char::is_alphanumeric);
        match begins.then(|| tappable(rest, help_code)).flatten() {
            Some((text, href)) => {
                push(&mut parts, std::mem::take(&mut plain), String::new());
                rest = &rest[text.len()..];
                push(&mut parts, text.to_owned(), href);
            }
            None => {
                plain.push(next);
                rest = &rest[next.len_utf8()..];
            }
        }
    }
    push(&mut parts, plain, String::new());
    parts
}

fn push(parts: &mut Vec<HelpPart>, text: String, href: String) {
    if !text.is_empty() {
        parts.push(HelpPart { text, href });
    }
}

fn tappable<'w>(words: &'w str, help_code: Option<&str>) -> Option<(&'w str, String)> {
    web(words).or_else(|| mail(words, help_code)).or_else(|| telephone(words))
}

fn web(words: &str) -> Option<(&str, String)> {
    let end = words.find(|letter: char| letter.is_whitespace() || "<>\"'".contains(letter)).unwrap_or(words.len());
    let text = words[..end].trim_end_matches(['.', ',', ';', ')', ':', '!', '?']);
    // A user name before the host or a backslash can make an address look like another one.
    let is_plain = text.starts_with("https://") && !text.contains(['\\', '@']);
    let url = url::Url::parse(text).ok().filter(|url| is_plain && url.host_str().is_some())?;
    Some((text, url.into()))
}

fn mail<'w>(words: &'w str, help_code: Option<&str>) -> Option<(&'w str, String)> {
    let of_name = |letter: char| letter.is_ascii_alphanumeric() || "._%+-".contains(letter);
    let at = words.find(|letter: char| !of_name(letter))?;
    let domain = words[at..].strip_prefix('@').filter(|_| at > 0)?;
    let end =
        domain.find(|letter: char| !(letter.is_ascii_alphanumeric() || ".-".contains(letter))).unwrap_or(domain.len());
    let domain = domain[..end].trim_end_matches(['.', '-']);
    let text = &words[..at + 1 + domain.len()];
    domain.contains('.').then(|| {
        let subject = help_code.map(|code| format!("?subject=Help%20code%20{code}")).unwrap_or_default();
        // `%` is the only accepted character of an address that starts an escape in a link.
        (text, format!("mailto:{}{subject}", text.replace('%', "%25")))
    })
}

fn telephone(words: &str) -> Option<(&str, String)> {
    let written = words
        .find(|letter: char| !(letter.is_ascii_digit() || "+ -()/.\u{a0}".contains(letter)))
        .unwrap_or(words.len());
    let end = words[..written].rfind(|letter: char| letter.is_ascii_digit())? + 1;
    let text = &words[..end];
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let begins = text.starts_with(['+', '(']) || text.starts_with(|letter: char| letter.is_ascii_digit());
    // A date such as 2026-11-29 is not a telephone number.
    let is_day = text.len() == 10 && text.bytes().filter(|byte| *byte == b'-').count() == 2 && digits.len() == 8;
    let plausible = begins && !is_day && (LEAST_DIGITS..=MOST_DIGITS).contains(&digits.len());
    let international: Cow<'_, str> = if text.starts_with('+') { "+".into() } else { "".into() };
    // A trunk zero in brackets is not dialled together with the country code.
    let dialled = if text.starts_with('+') {
        text.replace("(0)", "").chars().filter(char::is_ascii_digit).collect()
    } else {
        digits
    };
    plausible.then(|| (text, format!("tel:{international}{dialled}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn links(words: &str) -> Vec<(String, String)> {
        let parts = parts(words, Some("7KQ-3M2"));
        assert_eq!(parts.iter().map(|part| part.text.as_str()).collect::<String>(), words, "no text is lost");
        parts.into_iter().filter(|part| !part.href.is_empty()).map(|part| (part.text, part.href)).collect()
    }

    #[test]
    fn mail_addresses_telephone_numbers_and_web_addresses_can_be_tapped() {
        let link = |text: &str, href: &str| (text.to_owned(), href.to_owned());
        let mail = link("help@school.example", "mailto:help@school.example?subject=Help%20code%207KQ-3M2");
        assert_eq!(links("help@school.example"), std::slice::from_ref(&mail));
        assert_eq!(
            links("Help desk, room 7 (help@school.example, +49 (0)30 123 45-67). Open 8-16."),
            [mail, link("+49 (0)30 123 45-67", "tel:+49301234567")]
        );
        assert_eq!(links("内線: 03-1234-5678、平日"), [link("03-1234-5678", "tel:0312345678")]);
        assert_eq!(
            links("See https://help.school.example/ipad."),
            [link("https://help.school.example/ipad", "https://help.school.example/ipad")]
        );
        assert_eq!(links("a%b@school.example")[0].1, "mailto:a%25b@school.example?subject=Help%20code%207KQ-3M2");
    }

    #[test]
    fn what_only_looks_like_one_is_text() {
        for words in [
            "room 7, 2nd floor",
            "since 2026",
            "2026-11-29",
            "@school",
            "me@here",
            "http://school.example",
            "javascript:alert(1)",
            "A1234567",
            "",
        ] {
            assert_eq!(links(words), [], "{words}");
        }
    }

    #[test]
    fn without_a_help_code_a_mail_has_no_subject() {
        assert_eq!(parts("h@s.example", None)[0].href, "mailto:h@s.example");
    }
}
