//! What spreadsheets do to identifiers, and the repair where it is certain.

use std::borrow::Cow;

/// Removes what people and spreadsheets write around an identifier so that it stays text: `="…"`, quotation marks, a
/// leading apostrophe, blanks.
pub(crate) fn unwrapped(text: &str) -> &str {
    let text = text.trim_matches(is_around);
    let inner = text.strip_prefix('=').unwrap_or(text);
    if let Some(inner) = inner.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        return inner.trim();
    }
    let plain = text.strip_prefix(['\'', '\u{2019}']).unwrap_or(text);
    plain.strip_suffix('\'').unwrap_or(plain).trim()
}

// White space, and the invisible characters that are copied with a serial number from Settings.
fn is_around(letter: char) -> bool {
    match letter.is_ascii() {
        true => letter.is_ascii_whitespace(),
        false => names::visible::holds_unseen(letter.encode_utf8(&mut [0; 4])),
    }
}

/// A number in scientific notation, such as `3.56938E+14`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Scientific {
    /// All digits are there: they are in the text.
    Exact(String),
    /// The notation has fewer digits than the number.
    LostDigits,
}

/// Reads scientific notation as spreadsheets write it, with a point or a comma. A text without point, comma and plus
/// sign is none: `12E45678901` can be a serial number.
pub(crate) fn scientific(text: &str) -> Option<Scientific> {
    let (mantissa, exponent) = text.split_once(['e', 'E'])?;
    let is_marked = exponent.starts_with('+') || mantissa.contains(['.', ',']);
    let exponent = exponent.strip_prefix('+').unwrap_or(exponent);
    let (whole, fraction) = mantissa.split_once(['.', ',']).unwrap_or((mantissa, ""));
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_marked || whole.len() != 1 || !is_digits(whole) || !is_digits(fraction) || !is_digits(exponent) {
        return None;
    }
    let exponent: usize = exponent.parse().ok().filter(|exponent| *exponent <= 308)?;
    // With fewer digits, zeros and lost digits look the same. With more, the value is no whole number.
    let is_exact = fraction.len() == exponent && exponent > 0;
    Some(if is_exact { Scientific::Exact(format!("{whole}{fraction}")) } else { Scientific::LostDigits })
}

/// Returns whether the text is a number with a decimal point or comma, such as `123456789012.0`.
pub(crate) fn is_decimal(text: &str) -> bool {
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.split_once(['.', ',']).is_some_and(|(whole, fraction)| is_digits(whole) && is_digits(fraction))
}

/// Removes blanks and dashes between digits, and the `.0` that data tools append to numbers.
pub(crate) fn joined(text: &str) -> Cow<'_, str> {
    let text = match text.strip_suffix(".0").or_else(|| text.strip_suffix(",0")) {
        Some(digits) if is_decimal(text) => digits,
        _ => text,
    };
    let is_between = |letter: char| letter.is_whitespace() || matches!(letter, '-' | '\u{2010}'..='\u{2015}');
    match text.contains(is_between) {
        true => Cow::Owned(text.chars().filter(|letter| !is_between(*letter)).collect()),
        false => Cow::Borrowed(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_keeps_an_identifier_a_text_in_a_spreadsheet_is_removed() {
        for text in
            ["=\"0123\"", "'0123", "\"0123\"", " 0123 ", "'0123'", "\u{2019}0123", "\u{a0}0123", "\u{202d}0123\u{202c}"]
        {
            assert_eq!(unwrapped(text), "0123", "{text}");
        }
        assert_eq!(unwrapped("=1+2"), "=1+2");
        assert_eq!(unwrapped("\""), "\"");
        assert_eq!(unwrapped("'"), "");
    }

    #[test]
    fn scientific_notation_is_exact_only_with_every_digit() {
        let exact = Some(Scientific::Exact("356938035643809".into()));
        assert_eq!(scientific("3.56938035643809E+14"), exact);
        assert_eq!(scientific("3,56938035643809E+14"), exact);
        for lost in ["3.56938E+14", "3,57E+14", "1E+14", "1.23E+11", "1.5E0"] {
            assert_eq!(scientific(lost), Some(Scientific::LostDigits), "{lost}");
        }
        for other in ["12E45678901", "E+14", "1.2.3E+14", "35.69E+14", "1.2E-3", "1.2E+99999999999999999999", "ABC"] {
            assert_eq!(scientific(other), None, "{other}");
        }
    }

    #[test]
    fn digits_are_joined_across_blanks_and_dashes() {
        for text in ["35 693803 564380 9", "35-693803-564380-9", "356938035643809.0", "35\u{a0}6938035643809"] {
            assert_eq!(joined(text), "356938035643809", "{text}");
        }
        assert_eq!(joined("3.5"), "3.5");
    }
}
