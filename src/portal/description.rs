//! The administrator's description for people with personal devices: Markdown in, harmless HTML out.

use ammonia::Builder;
use events::settings::Settings;
use pulldown_cmark::{Options, Parser, html};
use std::collections::HashSet;

/// The language that stands in where there is no description in the page's own.
const FALLBACK: &str = "en";

/// The description in the language of the page, else in English; empty where there is none. With it the language it is
/// in, where that is not the page's: it must be said, or it is read aloud as if it were.
pub fn personal(settings: &Settings, language: &str) -> (String, Option<&'static str>) {
    let texts = &settings.personal_description;
    match (texts.get(language), texts.get(FALLBACK)) {
        (Some(own), _) => (render(own), None),
        (None, Some(fallback)) => (render(fallback), Some(FALLBACK)),
        (None, None) => (String::new(), None),
    }
}

// Text, lists and links to the web; no headings (the page has its own), no images, no styles, nothing that acts.
fn render(markdown: &str) -> String {
    let mut unsafe_html = String::new();
    html::push_html(&mut unsafe_html, Parser::new_ext(markdown, Options::empty()));
    Builder::empty()
        .tags(HashSet::from(["p", "br", "strong", "em", "ul", "ol", "li", "a", "blockquote", "code"]))
        .clean_content_tags(HashSet::from(["script", "style"]))
        .tag_attributes([("a", HashSet::from(["href"]))].into_iter().collect())
        .url_schemes(HashSet::from(["https", "mailto", "tel"]))
        .link_rel(Some("noopener noreferrer"))
        .clean(&unsafe_html)
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
