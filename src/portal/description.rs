//! Renders texts that the administrator wrote (the description for people with personal devices, the terms of use)
//! from Markdown to sanitized HTML.

use ammonia::{Builder, UrlRelative};
use events::settings::Settings;
use settings::texts::{SCHEMES, html};
use std::collections::{BTreeMap, HashSet};

/// Language used if there is no text in the page's language.
const FALLBACK: &str = "en";

/// Returns the text in the language of the page, else in English, with the tag of the language it is in. Returns
/// `None` if there is neither.
pub(crate) fn in_language<'a>(
    texts: &'a BTreeMap<String, String>,
    language: &'static str,
) -> Option<(&'a str, &'static str)> {
    let text = |tag: &'static str| texts.get(tag).map(|text| (text.as_str(), tag));
    text(language).or_else(|| text(FALLBACK))
}

/// Returns the description in the language of the page, else in English, else an empty string. The second value is the
/// tag of the description's language if it differs from the page's. The page must declare it, or screen readers read
/// the text in the wrong language.
pub(crate) fn personal(settings: &Settings, language: &'static str) -> (String, Option<&'static str>) {
    match in_language(&settings.personal_description, language) {
        Some((text, tag)) => (render(text), (tag != language).then_some(tag)),
        None => (String::new(), None),
    }
}

/// Renders Markdown as sanitized HTML for a page.
// Allows text, lists and links to the web. Headings (the page has its own), images, styles and active content are
// removed.
pub(crate) fn render(markdown: &str) -> String {
    Builder::empty()
        .tags(HashSet::from(["p", "br", "strong", "em", "ul", "ol", "li", "a", "blockquote", "code"]))
        .clean_content_tags(HashSet::from(["script", "style"]))
        .tag_attributes([("a", HashSet::from(["href"]))].into_iter().collect())
        .url_schemes(HashSet::from(SCHEMES))
        .url_relative(UrlRelative::Deny)
        .link_rel(Some("noopener noreferrer"))
        .clean(&html(markdown))
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markdown_becomes_text_lists_and_links() {
        let html = render("We **never** see your photos.\n\n* one\n* two\n\n[More](https://example.com/privacy)");
        assert!(html.contains("<strong>never</strong>"));
        assert!(html.contains("<li>two</li>"));
        assert!(html.contains(r#"<a href="https://example.com/privacy" rel="noopener noreferrer">More</a>"#));
    }

    #[test]
    fn nothing_that_acts_survives() {
        let evil = "<script>x()</script><img src=x onerror=x()>\n\n[a](javascript:x) <b style='x'>b</b>\n\n\
                    <form action=//evil><input>";
        let html = render(evil);
        let relative = render("[a](//evil.example) [b](/console)");
        assert!(!relative.contains("href"), "{relative}");
        for bad in ["<script", "x()", "<img", "javascript:", "style", "<form", "<input"] {
            assert!(!html.contains(bad), "{bad} in {html}");
        }
    }

    #[test]
    fn the_description_falls_back_to_english() {
        let mut settings = Settings::default();
        settings.personal_description.insert("en".into(), "Hello".into());
        settings.personal_description.insert("de".into(), "Hallo".into());
        assert_eq!(personal(&settings, "de"), ("<p>Hallo</p>\n".into(), None));
        assert_eq!(personal(&settings, "en"), ("<p>Hello</p>\n".into(), None));
        assert_eq!(personal(&settings, "ja"), ("<p>Hello</p>\n".into(), Some("en")));
        assert_eq!(personal(&Settings::default(), "en"), (String::new(), None));
    }
}
