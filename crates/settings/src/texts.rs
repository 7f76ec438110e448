//! Checks texts that people see: characters that a text must not contain, and links of Markdown that pages do not show.

use super::Findings;
use events::settings::Settings;
use names::visible::{wrong_in_line, wrong_in_text};
use pulldown_cmark::{Options, Parser, html};
use scraper::{Html, Selector};
use std::collections::BTreeMap;
use url::Url;

/// URL schemes of links that pages show: web pages, mail and telephone calls. A relative URL would lead to Muster's own
/// pages.
pub const SCHEMES: [&str; 3] = ["https", "mailto", "tel"];

pub(super) fn check(settings: &Settings, findings: &mut Findings) {
    one_line("organization", &settings.organization, findings);
    one_line("help", settings.help.as_deref().unwrap_or_default(), findings);
    for (nth, rule) in settings.access.iter().enumerate() {
        one_line(&format!("access[{nth}].name"), &rule.name, findings);
    }
    markdown("personal_description", &settings.personal_description, findings);
    for (ownership, terms) in &settings.terms {
        let key = format!("terms.{}", ownership.as_str());
        one_line(&format!("{key}.version"), &terms.version, findings);
        markdown(&format!("{key}.text"), &terms.text, findings);
    }
}

/// Converts Markdown to HTML. The result is not sanitized.
pub fn html(markdown: &str) -> String {
    let mut html = String::new();
    html::push_html(&mut html, Parser::new_ext(markdown, Options::empty()));
    html
}

fn one_line(key: &str, text: &str, findings: &mut Findings) {
    // Empty and blank texts are checked with their own section.
    if let Some(wrong) = wrong_in_line(text).filter(|_| !text.trim().is_empty()) {
        findings.wrong(format!("{key} {wrong}"));
    }
}

fn markdown(key: &str, texts: &BTreeMap<String, String>, findings: &mut Findings) {
    for (tag, text) in texts {
        let page = Html::parse_fragment(&html(text));
        // A character reference (`&#x202e;`) is shown as the character.
        let shown: String = page.root_element().text().collect();
        if let Some(wrong) = wrong_in_text(text).or_else(|| wrong_in_text(&shown)) {
            findings.wrong(format!("{key}.{tag} {wrong}"));
        }
        for href in values(&page, "a[href]", "href").filter(|href| !is_followed(href)) {
            findings.wrong(format!(
                "{key}.{tag}: the link {href:?} would not be shown: give a complete URL that begins with https://, mailto: or tel:"
            ));
        }
        for src in values(&page, "img", "src") {
            findings.warn(format!("{key}.{tag}: the picture {src:?} is not shown: pages show no external pictures"));
        }
    }
}

fn values<'p>(page: &'p Html, selector: &str, attribute: &'p str) -> impl Iterator<Item = String> + use<'p> {
    let selector = Selector::parse(selector).expect("the selector is valid");
    let found: Vec<String> =
        page.select(&selector).map(|element| element.attr(attribute).unwrap_or_default().to_owned()).collect();
    found.into_iter()
}

fn is_followed(href: &str) -> bool {
    Url::parse(href).is_ok_and(|url| SCHEMES.contains(&url.scheme()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(change: impl FnOnce(&mut Settings)) -> Findings {
        let (mut settings, mut findings) = (Settings::default(), Findings::default());
        change(&mut settings);
        check(&settings, &mut findings);
        findings
    }

    #[test]
    fn a_line_with_a_character_that_acts_on_it_is_refused_by_key_and_number() {
        for (character, number) in [
            ('\n', "U+000A"),
            ('\u{7}', "U+0007"),
            ('\u{85}', "U+0085"),
            ('\u{200e}', "U+200E"),
            ('\u{2028}', "U+2028"),
            ('\u{202e}', "U+202E"),
            ('\u{2066}', "U+2066"),
            ('\u{2069}', "U+2069"),
        ] {
            let text = format!("Room{character}7");
            let help = found(|settings| settings.help = Some(text.clone())).wrong;
            assert!(
                help.len() == 1 && help[0].starts_with(&format!("help contains the character {number} ")),
                "{help:?}"
            );
            let organization = found(|settings| settings.organization = text).wrong;
            assert!(
                organization[0].starts_with("organization ") && organization[0].contains(number),
                "{organization:?}"
            );
        }
        let plain = found(|settings| settings.help = Some("Zoë 👩‍👧, שלום, می‌خواهم: +49 30 1234".into()));
        assert_eq!(plain, Findings::default());
    }

    #[test]
    fn a_text_in_markdown_has_no_character_that_reorders_it_however_it_is_written() {
        let said = |text: &str| {
            let text = text.to_owned();
            found(|settings| drop(settings.personal_description.insert("en".into(), text))).wrong
        };
        for text in ["We \u{202e}ees", "We &#x202e;see", "<p>We &#8294;see</p>", "We\u{7} see"] {
            let wrong = said(text);
            assert!(
                wrong.len() == 1 && wrong[0].starts_with("personal_description.en contains the character U+"),
                "{wrong:?}"
            );
        }
        assert_eq!(said("We see:\n\n*\tapps\r\n*\tשלום, می‌خواهم"), Vec::<String>::new());
    }

    #[test]
    fn a_link_that_pages_would_drop_is_refused_by_its_address() {
        let said = |text: &str| found(|settings| drop(settings.personal_description.insert("en".into(), text.into())));
        for link in
            ["/terms", "terms.html", "//evil.example/x", "http://example.com", "javascript:x", "#below", "ftp://a"]
        {
            for text in [format!("[more]({link})"), format!("<a href='{link}'>more</a>")] {
                let wrong = said(&text).wrong;
                let told = format!("personal_description.en: the link {link:?} would not be shown");
                assert!(wrong.len() == 1 && wrong[0].starts_with(&told), "{text}: {wrong:?}");
            }
        }
        let links = "[a](https://example.com) [b](mailto:help@example.com) [c](tel:+4930123) <https://example.com>";
        assert_eq!(said(links), Findings::default());
        assert_eq!(said("![logo](https://example.com/logo.png)").warnings.len(), 1);
    }
}
