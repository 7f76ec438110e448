//! Texts with which exports say that there is no value.

/// Returns whether the text says that there is no value. Names of people and places may be `None` or `Null`, so these
/// words count only for identifiers and dates: see [`is_absent_identifier`].
pub(crate) fn is_absent(text: &str) -> bool {
    const WORDS: [&str; 13] = [
        "-",
        "--",
        "---",
        "\u{2013}",
        "\u{2014}",
        "n/a",
        "#n/a",
        "unknown",
        "<unknown>",
        "not available",
        "not applicable",
        "(null)",
        "<null>",
    ];
    names::visible::name(Some(text)).is_none() || WORDS.iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// Returns whether an identifier or a date says that there is no value. An identifier of zeros alone is none.
pub(crate) fn is_absent_identifier(text: &str) -> bool {
    const WORDS: [&str; 6] = ["na", "none", "null", "nil", "undefined", "never"];
    is_absent(text)
        || WORDS.iter().any(|word| text.eq_ignore_ascii_case(word))
        || (text.contains('0') && text.chars().all(|letter| matches!(letter, '0' | ' ' | '-' | ':' | '.')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dashes_and_words_for_nothing_are_no_value() {
        for text in ["", " ", "-", "--", "—", "N/A", "n/a", "#N/A", "Unknown", "unknown", "\u{200b}", "(null)"] {
            assert!(is_absent(text), "{text:?}");
        }
        for text in ["0", "A", "Null", "None", "NA", "unknown device"] {
            assert!(!is_absent(text), "{text:?}");
        }
    }

    #[test]
    fn an_identifier_of_zeros_or_the_word_null_is_no_identifier() {
        for text in ["0", "000000000000000", "00:00:00:00:00:00", "null", "None", "NA", "00000000-0000"] {
            assert!(is_absent_identifier(text), "{text:?}");
        }
        for text in ["01", "F2LXJ0AAA", "100"] {
            assert!(!is_absent_identifier(text), "{text:?}");
        }
    }
}
