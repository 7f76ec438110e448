//! Texts of strangers as they are shown: characters that act on the text around them are written out, and a text of which
//! nothing can be seen is no name.

use handlebars::{Context, Handlebars, Helper, HelperResult, Output, RenderContext, RenderErrorReason};
use std::borrow::Cow;

/// The text with control characters and directional overrides written as `\u{202e}`. Line ends and tabs stay.
pub fn visible(text: &str) -> Cow<'_, str> {
    written_out(text, acts)
}

/// As [`visible`], for what stands in one line (names, cells of an export): line ends and tabs are written out too.
pub fn visible_line(text: &str) -> Cow<'_, str> {
    written_out(text, |character| acts(character) || character.is_control())
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

/// A text to call something by, as it is shown; `None` if nothing of it can be seen: a link or a button needs words.
pub fn name(text: Option<&str>) -> Option<String> {
    text.filter(|text| !text.chars().all(is_unseen)).map(|text| visible_line(text).into_owned())
}

// C0 and C1 controls, line and paragraph separators; embeddings, overrides and isolates (Unicode Standard Annex #9, section 2).
fn acts(character: char) -> bool {
    match character {
        '\t' | '\n' | '\r' => false,
        '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => true,
        character => character.is_control(),
    }
}

// White space, and what has no width or no ink: fillers, joiners, marks, tags, selectors of variants.
fn is_unseen(character: char) -> bool {
    character.is_whitespace()
        || matches!(
            character,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{206a}'..='\u{206f}' | '\u{2800}' | '\u{3164}'
                | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{e0000}'..='\u{e0fff}'
        )
}

/// Has every value of a page shown so. What somebody typed goes back into its field as it was, by `{{typed value}}`.
pub fn register(pages: &mut Handlebars<'_>) {
    pages.register_escape_fn(|text| handlebars::html_escape(&visible(text)));
    pages.register_helper("typed", Box::new(typed));
}

fn typed(
    helper: &Helper<'_>,
    _: &Handlebars<'_>,
    _: &Context,
    _: &mut RenderContext<'_, '_>,
    out: &mut dyn Output,
) -> HelperResult {
    let value = helper.param(0).and_then(|value| value.value().as_str());
    let value = value.ok_or_else(|| RenderErrorReason::Other("typed needs a text".into()))?;
    out.write(&handlebars::html_escape(value))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

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
        assert_eq!(name(Some("\u{202e}")).as_deref(), Some("\\u{202e}"), "it can be seen as it is shown");
        assert_eq!(name(Some(" Ada ")).as_deref(), Some(" Ada "));
        assert_eq!(name(Some("Ada\nBob")).as_deref(), Some("Ada\\u{a}Bob"), "a name is one line");
    }

    #[test]
    fn a_page_shows_values_so_and_gives_back_what_was_typed() {
        let mut pages = Handlebars::new();
        register(&mut pages);
        let page = pages.render_template("{{a}}|{{typed a}}", &json!({ "a": "<\u{202e}" })).unwrap();
        assert_eq!(page, "&lt;\\u{202e}|&lt;\u{202e}");
    }
}
