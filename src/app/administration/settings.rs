//! Settings: checked, then applied.

use super::{Answer, operator};
use crate::app::App;
use crate::enrollment::settings::{Apply, Current};
use events::settings::Settings;
use url::Url;

/// The languages that pages are in: what `templates/texts` holds.
const LANGUAGES: [&str; 3] = ["de", "en", "ja"];

/// Applies the settings if they make sense.
pub async fn apply(app: &App, after: Settings) -> Result<Answer, String> {
    let wrong = check(&after);
    if !wrong.is_empty() {
        return Err(wrong.join("\n"));
    }
    let before = app.settings().await.map_err(|error| error.to_string())?;
    app.perform::<Current>(&events::settings::stream(), &Apply(after.clone()), &operator(app))
        .await
        .map_err(|error| error.to_string())?;
    Ok(Answer::SettingsApplied { before: Box::new(before), after: Box::new(after) })
}

/// What is wrong with settings: the key, what is wrong, what it should be.
pub fn check(settings: &Settings) -> Vec<String> {
    let mut wrong = Vec::new();
    if settings.organization.trim().is_empty() {
        wrong.push("organization is empty: give the name people know, it heads every page and profile".to_owned());
    }
    if settings.ownership_kinds.is_empty() {
        wrong.push(r#"ownership_kinds is empty: nobody could enroll; give "personal", "institutional" or both"#.into());
    }
    if settings.abandon_after_hours == 0 {
        wrong.push("abandon_after_hours is 0: every visit would be closed at once; give at least 1".into());
    }
    if let Some(url) = &settings.self_service_url
        && !Url::parse(url).is_ok_and(|url| url.scheme() == "https" && url.has_host())
    {
        wrong.push(format!("self_service_url {url:?} is no https address, such as https://apps.apple.com/app/id1"));
    }
    for domain in &settings.managed_apple_id_domains {
        if !is_domain(domain) {
            wrong.push(format!("managed_apple_id_domains: {domain:?} is no domain such as example.com, in lower case"));
        }
    }
    for tag in settings.personal_description.keys().filter(|tag| !LANGUAGES.contains(&tag.as_str())) {
        let known = LANGUAGES.join(", ");
        wrong.push(format!("personal_description: there are no pages in {tag:?}; the languages are {known}"));
    }
    wrong
}

fn is_domain(text: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    text.len() <= 253 && text.contains('.') && text.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_settings_make_sense() {
        assert_eq!(check(&Settings::default()), Vec::<String>::new());
    }

    #[test]
    fn the_known_languages_are_those_that_there_are_texts_in() {
        let texts = concat!(env!("CARGO_MANIFEST_DIR"), "/templates/texts");
        let names = std::fs::read_dir(texts).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
        let mut tags: Vec<String> = names.map(|name| name.trim_end_matches(".ftl").to_owned()).collect();
        tags.sort();
        assert_eq!(tags, LANGUAGES);
    }

    #[test]
    fn each_setting_that_makes_no_sense_is_named() {
        let settings = Settings {
            organization: "  ".into(),
            ownership_kinds: [].into(),
            personal_description: [("tlh".to_owned(), "nuqneH".to_owned())].into(),
            managed_apple_id_domains: ["@example.com".to_owned(), "example".to_owned(), "Example.com".to_owned()]
                .into(),
            self_service_url: Some("http://apps.apple.com/".into()),
            abandon_after_hours: 0,
            ..Settings::default()
        };
        let wrong = check(&settings).join("\n");
        for key in ["organization", "ownership_kinds", "tlh", "@example.com", "\"example\"", "Example.com"] {
            assert!(wrong.contains(key), "{key} is not in {wrong}");
        }
        for key in ["self_service_url", "abandon_after_hours"] {
            assert!(wrong.contains(key), "{key} is not in {wrong}");
        }
    }
}
