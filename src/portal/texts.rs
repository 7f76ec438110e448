//! Texts of the pages: one Fluent catalogue per language, chosen by the browser's `Accept-Language`.

use actix_web::HttpRequest;
use events::Timestamp;
use fluent_templates::fluent_bundle::FluentValue;
use fluent_templates::{LanguageIdentifier, Loader as _};
use handlebars::html_escape;
use std::borrow::Cow;
use std::collections::HashMap;

fluent_templates::static_loader! {
    static CATALOGUES = {
        locales: "./templates/texts",
        fallback_language: "en",
        // Isolation marks are for mixed text directions; all supported languages run left to right.
        customise: |bundle| bundle.set_use_isolating(false),
    };
}

/// A supported language of the portal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    English,
    German,
    Japanese,
}

impl Language {
    pub(crate) const ALL: [Language; 3] = [Language::English, Language::German, Language::Japanese];

    /// Returns the language tag, as used in `lang` and in the name of the catalogue.
    pub(crate) const fn tag(self) -> &'static str {
        match self {
            Language::English => "en",
            Language::German => "de",
            Language::Japanese => "ja",
        }
    }

    pub fn parse(tag: &str) -> Option<Language> {
        Language::ALL.into_iter().find(|language| language.tag() == tag)
    }

    /// Returns the name of the language in the language itself.
    pub fn name(self) -> String {
        self.text("language-name").unwrap_or_else(|| self.tag().to_owned())
    }

    /// Returns the preferred supported language of `Accept-Language`, else English.
    pub fn accepted(request: &HttpRequest) -> Language {
        let accepted = request.headers().get("accept-language").and_then(|value| value.to_str().ok());
        accepted.and_then(best).unwrap_or(Language::English)
    }

    /// Returns a text without arguments as plain text, or `None` if the key is unknown.
    pub fn text(self, key: &str) -> Option<String> {
        CATALOGUES.try_lookup(&self.id(), key)
    }

    /// Returns a text as HTML: arguments are escaped, `**…**` becomes bold. `None` if the key is unknown.
    pub fn html(self, key: &str, arguments: Vec<(String, Argument)>) -> Option<String> {
        let arguments: HashMap<_, _> =
            arguments.into_iter().map(|(name, value)| (Cow::Owned(name), value.into_fluent())).collect();
        CATALOGUES.try_lookup_with_args(&self.id(), key, &arguments).map(|text| bold(&text))
    }

    /// Returns a text as plain text without escaping its arguments; the caller must escape it for a page. `None` if
    /// the key is unknown.
    pub fn plain(self, key: &str, arguments: Vec<(String, Argument)>) -> Option<String> {
        let arguments: HashMap<_, _> =
            arguments.into_iter().map(|(name, value)| (Cow::Owned(name), value.into_plain())).collect();
        CATALOGUES.try_lookup_with_args(&self.id(), key, &arguments)
    }

    /// Formats the day (UTC) for use in a sentence.
    pub fn date(self, at: Timestamp) -> Option<String> {
        let day: u64 = at.day().parse().ok()?;
        let part = |name: &str, number| (name.to_owned(), Argument::Number(number));
        self.html("date", vec![part("year", day / 10_000), part("month", day / 100 % 100), part("day", day % 100)])
    }

    fn id(self) -> LanguageIdentifier {
        self.tag().parse().expect("the tags are language tags")
    }
}

// RFC 9110 §12.5.4: the highest quality wins; among equals the first. Regions are ignored.
fn best(accepted: &str) -> Option<Language> {
    let mut best: Option<(f32, Language)> = None;
    for range in accepted.split(',').take(32) {
        let mut parts = range.split(';').map(str::trim);
        let primary = parts.next().unwrap_or_default().split('-').next().unwrap_or_default().to_ascii_lowercase();
        let quality = parts.find_map(|part| part.strip_prefix("q=")).map_or(1.0, |q| q.parse().unwrap_or(0.0));
        if let Some(language) = Language::parse(&primary)
            && quality > best.map_or(0.0, |(quality, _)| quality)
        {
            best = Some((quality, language));
        }
    }
    best.map(|(_, language)| language)
}

/// Argument of a text.
#[derive(Debug, Clone)]
pub enum Argument {
    Number(u64),
    Text(String),
}

impl Argument {
    fn into_plain(self) -> FluentValue<'static> {
        match self {
            Argument::Number(number) => FluentValue::from(number),
            Argument::Text(text) => FluentValue::from(text),
        }
    }

    // Escapes the argument, including asterisks, so that it cannot become markup. The catalogues contain no markup (a
    // test checks this).
    fn into_fluent(self) -> FluentValue<'static> {
        match self {
            Argument::Number(number) => FluentValue::from(number),
            Argument::Text(text) => FluentValue::from(html_escape(&text).replace('*', "&#42;")),
        }
    }
}

fn bold(text: &str) -> String {
    let mut html = String::with_capacity(text.len() + 32);
    for (nth, piece) in text.split("**").enumerate() {
        html.push_str(match nth {
            0 => "",
            odd if odd % 2 == 1 => "<b>",
            _ => "</b>",
        });
        html.push_str(piece);
    }
    html
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn catalogue(language: Language) -> String {
        let path = format!("{}/templates/texts/{}.ftl", env!("CARGO_MANIFEST_DIR"), language.tag());
        std::fs::read_to_string(path).unwrap()
    }

    fn keys(language: Language) -> BTreeSet<String> {
        let defined = |line: &str| line.split_once(" =").map(|(key, _)| key.to_owned());
        let starts = |line: &&str| line.starts_with(|c: char| c.is_ascii_lowercase() || c == '-');
        let keys: Vec<String> = catalogue(language).lines().filter(starts).filter_map(defined).collect();
        let distinct: BTreeSet<String> = keys.iter().cloned().collect();
        assert_eq!(keys.len(), distinct.len(), "a key is defined twice in {}", language.tag());
        assert!(keys.len() > 150);
        distinct
    }

    #[test]
    fn every_language_has_the_same_texts() {
        let english = keys(Language::English);
        for language in Language::ALL {
            let other = keys(language);
            assert_eq!(english.difference(&other).collect::<Vec<_>>(), Vec::<&String>::new(), "{}", language.tag());
            assert_eq!(other.difference(&english).collect::<Vec<_>>(), Vec::<&String>::new(), "{}", language.tag());
        }
    }

    #[test]
    fn no_text_holds_markup_of_its_own_and_bold_is_always_closed() {
        for language in Language::ALL {
            for line in catalogue(language).lines().filter(|line| !line.starts_with('#')) {
                assert!(!line.contains('<'), "{line}");
                assert!(line.replace("& ", "").find('&').is_none(), "an unescaped ampersand: {line}");
                assert!(line.matches("**").count() % 2 == 0, "{line}");
            }
        }
    }

    #[test]
    fn the_browser_s_first_language_that_is_spoken_here_is_taken() {
        assert_eq!(best("de-AT,de;q=0.9,en;q=0.8"), Some(Language::German));
        assert_eq!(best("fr-FR, ja;q=0.7, en;q=0.3"), Some(Language::Japanese));
        assert_eq!(best("en;q=0.1, de;q=0.2"), Some(Language::German));
        assert_eq!(best("de;q=0, *"), None);
        assert_eq!(best(""), None);
    }

    #[test]
    fn an_argument_cannot_make_markup() {
        let evil = Argument::Text("<script>**x**&".into());
        let html = Language::English.html("signed-in-as", vec![("name".into(), evil)]).unwrap();
        assert_eq!(html, "Signed in as &lt;script&gt;&#42;&#42;x&#42;&#42;&amp;");
    }

    #[test]
    fn a_date_reads_as_people_write_it() {
        let date = |language: Language| language.date(Timestamp(1_772_841_600_000_000)).unwrap();
        assert_eq!(Language::ALL.map(date), ["7 March 2026", "7. März 2026", "2026年3月7日"]);
        let later = Timestamp(1_797_984_000_000_000);
        assert_eq!(Language::English.date(later).unwrap(), "23 December 2026");
    }

    #[test]
    fn buttons_of_ios_are_bold_and_named_in_the_person_s_language() {
        let render = |language: Language| language.html("open-downloaded", vec![]).unwrap();
        assert_eq!(render(Language::English), "Open <b>Settings</b> and tap <b>Profile Downloaded</b>.");
        assert_eq!(
            render(Language::German),
            "Öffnen Sie <b>Einstellungen</b> und tippen Sie auf <b>Profil geladen</b>."
        );
        assert!(render(Language::Japanese).contains("<b>設定</b>"));
    }
}
