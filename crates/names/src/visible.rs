//! Visible form of texts. Texts from other parties are shown with escapes for the characters that affect the
//! surrounding text. A text without visible characters is not accepted as a name. Texts that an administrator chooses
//! are refused if they contain such characters.

use std::borrow::Cow;
use std::path::Path;

/// Returns the text with control characters and directional overrides escaped, as in `\u{202e}`. Line ends and tabs
/// stay.
pub fn visible(text: &str) -> Cow<'_, str> {
    written_out(text, acts)
}

/// Like [`visible`], for texts in one line (names, cells of an export): line ends and tabs are also escaped.
pub fn visible_line(text: &str) -> Cow<'_, str> {
    written_out(text, |character| acts(character) || character.is_control())
}

/// Returns a path in one line. Bytes that are not UTF-8 are shown as U+FFFD.
pub fn visible_path(path: &Path) -> String {
    visible_line(&path.to_string_lossy()).into_owned()
}

fn written_out(text: &str, is_written_out: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.chars().any(&is_written_out) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        if is_written_out(character) {
            shown.extend(character.escape_unicode());
        } else {
            shown.push(character);
        }
    }
    Cow::Owned(shown)
}

/// Returns a name as it is shown; `None` if it has no visible characters, because a link or button needs a text.
pub fn name(text: Option<&str>) -> Option<String> {
    text.filter(|text| !text.chars().all(is_unseen)).map(|text| visible_line(text).into_owned())
}

/// Returns what is wrong with a chosen text that is shown in one line; `None` if it is valid.
pub fn wrong_in_line(text: &str) -> Option<String> {
    if let Some(character) = text.chars().find(|character| is_refused_in_line(*character)) {
        return Some(format!("{}: remove it and enter one line of visible text", described(character)));
    }
    let is_seen = !text.chars().all(is_unseen);
    (!is_seen).then(|| "contains no visible character: enter one line of visible text".into())
}

/// Returns what is wrong with a text of several lines, such as Markdown: control characters, and characters that
/// reorder the surrounding text.
pub fn wrong_in_text(text: &str) -> Option<String> {
    let is_refused = |character: &char| acts(*character) && !is_line_end(*character);
    text.chars().find(is_refused).map(|character| format!("{}: remove it", described(character)))
}

/// Returns whether a name that people recognize by sight contains an invisible character: two such names would look
/// the same.
pub fn holds_unseen(name: &str) -> bool {
    name.chars().any(|character| acts(character) || is_unseen(character))
}

fn described(character: char) -> String {
    let why = match character.is_control() {
        true => "a control character or line break",
        false => "it is invisible or reorders the text",
    };
    format!("contains the character U+{:04X} ({why})", u32::from(character))
}

fn is_refused_in_line(character: char) -> bool {
    let is_blank = character.is_whitespace() || character == '\u{2800}';
    acts(character) || character.is_control() || (is_unseen(character) && !is_blank && !belongs_to_word(character))
}

// Joiners in words of some languages and in emoji, variation selectors, and tags of flags.
fn belongs_to_word(character: char) -> bool {
    matches!(
        character,
        '\u{34f}' | '\u{180b}'..='\u{180d}' | '\u{180f}' | '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}'
            | '\u{e0020}'..='\u{e007f}' | '\u{e0100}'..='\u{e01ef}'
    )
}

fn is_line_end(character: char) -> bool {
    matches!(character, '\u{2028}' | '\u{2029}')
}

// C0 and C1 controls, line and paragraph separators; embeddings, overrides and isolates (Unicode Standard Annex #9,
// section 2).
fn acts(character: char) -> bool {
    match character {
        '\t' | '\n' | '\r' => false,
        '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => true,
        character => character.is_control(),
    }
}

// White space and characters without width or ink: fillers, joiners, marks, tags, variation selectors. This is the
// only such list. The characters that `folded` ignores in comparisons are another list, from RFC 4518.
fn is_unseen(character: char) -> bool {
    character.is_whitespace()
        || matches!(
            character,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{206a}'..='\u{206f}' | '\u{2800}' | '\u{3164}'
                | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{e0000}'..='\u{e0fff}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_that_act_on_others_are_written_out() {
        let cases = [
            ("Ada\u{202e}enohPi", "Ada\\u{202e}enohPi"),
            ("\u{2066}a\u{2069}", "\\u{2066}a\\u{2069}"),
            ("a\0b\u{1b}[2J\u{9b}", "a\\u{0}b\\u{1b}[2J\\u{9b}"),
            ("two\nlines\tand", "two\nlines\tand"),
            ("Zoë 👩‍👩‍👧 שלום", "Zoë 👩‍👩‍👧 שלום"),
        ];
        for (text, shown) in cases {
            assert_eq!(visible(text), shown);
        }
        assert_eq!(visible_line("two\r\nlines\tand"), "two\\u{d}\\u{a}lines\\u{9}and");
    }

    #[test]
    fn a_text_of_which_nothing_can_be_seen_is_no_name() {
        for unseen in ["", " \t", "\u{200b}\u{feff}", "\u{3164}", "\u{2800}", "\u{e0020}"] {
            assert_eq!(name(Some(unseen)), None, "{unseen:?}");
        }
        assert_eq!(name(None), None);
        assert_eq!(name(Some("\u{202e}")).as_deref(), Some("\\u{202e}"), "the escaped form is visible");
        assert_eq!(name(Some(" Ada ")).as_deref(), Some(" Ada "));
        assert_eq!(name(Some("Ada\nBob")).as_deref(), Some("Ada\\u{a}Bob"), "a name is one line");
    }

    #[test]
    fn a_chosen_line_is_refused_for_what_is_not_seen_and_keeps_what_words_are_made_of() {
        for character in [
            '\n',
            '\t',
            '\u{7}',
            '\u{ad}',
            '\u{200b}',
            '\u{202e}',
            '\u{2028}',
            '\u{2066}',
            '\u{3164}',
            '\u{feff}',
            '\u{e0001}',
        ] {
            let wrong = wrong_in_line(&format!("Room{character}7")).unwrap_or_default();
            assert!(wrong.starts_with(&format!("contains the character U+{:04X} (", u32::from(character))), "{wrong}");
        }
        for unseen in ["", "  ", "\u{200d}", "\u{a0}\u{2800}", "\u{fe0f}"] {
            assert!(wrong_in_line(unseen).is_some_and(|wrong| wrong.contains("no visible character")), "{unseen:?}");
        }
        for plain in ["Zoë 👩‍👧, שלום, می‌خواهم: +49 30 1234", "❤️", "🏴\u{e0067}\u{e0062}\u{e007f}"]
        {
            assert_eq!(wrong_in_line(plain), None, "{plain}");
        }
    }

    #[test]
    fn a_text_of_several_lines_keeps_line_ends_and_joiners_and_nothing_that_reorders_it() {
        for character in ['\0', '\u{1b}', '\u{85}', '\u{202a}', '\u{202e}', '\u{2066}', '\u{2069}'] {
            assert!(wrong_in_text(&format!("one\n{character}two")).is_some(), "{character:?}");
        }
        assert_eq!(wrong_in_text("one\r\n\ttwo\u{2028}می‌خواهم"), None);
    }

    #[test]
    fn a_name_that_looks_like_another_is_told() {
        for name in ["ada\u{200d}", "a\u{ad}da", "\u{202e}ada", "ada\u{fe0f}", "a da"] {
            assert!(holds_unseen(name), "{name:?}");
        }
        assert!(!holds_unseen("émile.शर्मा-7"));
    }
}
