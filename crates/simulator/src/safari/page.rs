//! An HTML page as a person can use it: its links, forms and buttons, and its text.

use super::SafariError;
use reqwest::Method;
use scraper::{ElementRef, Html, Selector};
use url::Url;

#[derive(Debug, Clone)]
pub struct Page {
    pub url: Url,
    pub status: u16,
    pub title: String,
    /// The visible text.
    pub text: String,
    /// `lang` of the page.
    pub language: String,
    pub forms: Vec<Form>,
    pub links: Vec<Link>,
    /// `meta http-equiv=refresh`, or the header `Refresh`.
    pub refresh: Option<Refresh>,
}

#[derive(Debug, Clone)]
pub struct Refresh {
    pub seconds: u64,
    pub url: Option<Url>,
}

#[derive(Debug, Clone)]
pub struct Link {
    pub id: String,
    pub url: Url,
    pub text: String,
}

#[derive(Debug, Clone)]
pub struct Form {
    pub id: String,
    pub action: Url,
    pub method: Method,
    pub fields: Vec<Field>,
    pub buttons: Vec<Button>,
}

/// An input. Each radio button and each checkbox is a field.
#[derive(Debug, Clone)]
pub struct Field {
    pub name: String,
    pub kind: String,
    pub value: String,
    pub checked: bool,
}

#[derive(Debug, Clone)]
pub struct Button {
    pub name: String,
    pub value: String,
    pub text: String,
}

impl Page {
    pub(super) fn read(url: Url, status: u16, html: &str) -> Page {
        let html = Html::parse_document(html);
        let root = html.root_element();
        let body = elements(root, "body").into_iter().next();
        Page {
            status,
            title: elements(root, "title").first().map(words).unwrap_or_default(),
            text: body.as_ref().map(words).unwrap_or_default(),
            language: root.attr("lang").unwrap_or_default().to_owned(),
            forms: elements(root, "form").iter().filter_map(|form| read_form(&url, form)).collect(),
            links: elements(root, "a[href]").iter().filter_map(|link| read_link(&url, link)).collect(),
            refresh: elements(root, "meta[http-equiv]").iter().find_map(|meta| read_refresh(&url, meta)),
            url,
        }
    }

    pub fn form(&self, id: &str) -> Option<&Form> {
        self.forms.iter().find(|form| form.id == id)
    }

    pub fn link(&self, id: &str) -> Option<&Link> {
        self.links.iter().find(|link| link.id == id)
    }

    /// Returns whether the main form has this field or button.
    pub fn asks_for(&self, name: &str) -> bool {
        self.form("continue").is_some_and(|form| form.offers(name))
    }

    /// Returns the prefilled value of a field in the main form; `None` if it is empty.
    pub(crate) fn prefilled(&self, name: &str) -> Option<&str> {
        let field = self.form("continue")?.fields.iter().find(|field| field.name == name)?;
        Some(field.value.as_str()).filter(|value| !value.is_empty())
    }

    pub(super) fn missing(&self, what: String) -> SafariError {
        SafariError::Missing { page: format!("{} ({})", self.title, self.url), what }
    }
}

impl Form {
    /// Returns whether a field or button has this name.
    pub fn offers(&self, name: &str) -> bool {
        let fields = self.fields.iter().map(|field| field.name.as_str());
        fields.chain(self.buttons.iter().map(|button| button.name.as_str())).any(|known| known == name)
    }

    // Returns what Safari sends when a person fills in these answers and taps the button. An impossible answer is an
    // error.
    pub(super) fn filled(&self, answers: &[(&str, &str)]) -> Result<String, String> {
        let mut body = url::form_urlencoded::Serializer::new(String::new());
        for field in &self.fields {
            let answer = answers.iter().find(|(name, _)| *name == field.name).map(|(_, value)| *value);
            match (field.kind.as_str(), answer) {
                ("radio" | "checkbox", Some(value)) if value != field.value => {}
                ("radio" | "checkbox", None) if !field.checked => {}
                ("hidden" | "radio" | "checkbox", _) => _ = body.append_pair(&field.name, &field.value),
                (_, value) => _ = body.append_pair(&field.name, value.unwrap_or(&field.value)),
            }
        }
        for (name, value) in answers {
            self.check_answer(name, value)?;
        }
        if let Some(button) = self.tapped(answers).filter(|button| !button.name.is_empty()) {
            body.append_pair(&button.name, &button.value);
        }
        Ok(body.finish())
    }

    fn check_answer(&self, name: &str, value: &str) -> Result<(), String> {
        let field = self.fields.iter().filter(|field| field.name == name).collect::<Vec<_>>();
        let choice = |field: &&&Field| matches!(field.kind.as_str(), "radio" | "checkbox");
        let possible = match field.first() {
            Some(_) if field.iter().any(|field| choice(&field)) => field.iter().any(|field| field.value == value),
            Some(field) => field.kind != "hidden",
            None => self.buttons.iter().any(|button| button.name == name && button.value == value),
        };
        if possible { Ok(()) } else { Err(format!("way to answer “{name}” with “{value}”")) }
    }

    fn tapped(&self, answers: &[(&str, &str)]) -> Option<&Button> {
        let chosen =
            self.buttons.iter().find(|button| answers.contains(&(button.name.as_str(), button.value.as_str())));
        chosen.or(self.buttons.first())
    }
}

fn elements<'a>(root: ElementRef<'a>, selector: &str) -> Vec<ElementRef<'a>> {
    Selector::parse(selector).map(|selector| root.select(&selector).collect()).unwrap_or_default()
}

fn words(element: &ElementRef<'_>) -> String {
    let skipped = |name: &str| matches!(name, "style" | "script" | "template");
    let mut text = String::new();
    for node in element.descendants() {
        let Some(piece) = node.value().as_text() else { continue };
        let hidden = node.parent().and_then(|parent| parent.value().as_element().map(|element| element.name()));
        if !hidden.is_some_and(skipped) {
            text.push_str(piece);
            text.push(' ');
        }
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn attribute(element: &ElementRef<'_>, name: &str) -> String {
    element.attr(name).unwrap_or_default().to_owned()
}

fn read_link(base: &Url, link: &ElementRef<'_>) -> Option<Link> {
    let url = base.join(link.attr("href")?).ok()?;
    Some(Link { id: attribute(link, "id"), url, text: words(link) })
}

fn read_refresh(base: &Url, meta: &ElementRef<'_>) -> Option<Refresh> {
    if !meta.attr("http-equiv")?.eq_ignore_ascii_case("refresh") {
        return None;
    }
    parse_refresh(base, meta.attr("content")?)
}

/// Parses `5; url=/next`.
pub(super) fn parse_refresh(base: &Url, content: &str) -> Option<Refresh> {
    let mut parts = content.split(';').map(str::trim);
    let seconds = parts.next()?.parse().ok()?;
    let target = parts.next().and_then(|part| part.split_once('=')).map(|(_, target)| target.trim_matches(['\'', '"']));
    Some(Refresh { seconds, url: target.and_then(|target| base.join(target).ok()) })
}

fn read_form(base: &Url, form: &ElementRef<'_>) -> Option<Form> {
    let action = base.join(form.attr("action").unwrap_or_default()).ok()?;
    let method = if attribute(form, "method").eq_ignore_ascii_case("post") { Method::POST } else { Method::GET };
    let submits = |button: &&ElementRef<'_>| !matches!(button.attr("type"), Some("button" | "reset"));
    let inputs = elements(*form, "input[name]:not([type=submit]), textarea[name]");
    Some(Form {
        id: attribute(form, "id"),
        action,
        method,
        fields: inputs.iter().map(read_field).chain(elements(*form, "select[name]").iter().map(read_select)).collect(),
        buttons: elements(*form, "button, input[type=submit]").iter().filter(submits).map(read_button).collect(),
    })
}

fn read_field(input: &ElementRef<'_>) -> Field {
    let kind = input.attr("type").unwrap_or("text").to_lowercase();
    let default = if matches!(kind.as_str(), "radio" | "checkbox") { "on" } else { "" };
    Field {
        name: attribute(input, "name"),
        value: input.attr("value").unwrap_or(default).to_owned(),
        checked: input.attr("checked").is_some(),
        kind,
    }
}

fn read_select(select: &ElementRef<'_>) -> Field {
    let options = elements(*select, "option");
    let chosen = options.iter().find(|option| option.attr("selected").is_some()).or(options.first());
    let value = chosen.map(|option| attribute(option, "value")).unwrap_or_default();
    Field { name: attribute(select, "name"), kind: "select".into(), value, checked: false }
}

fn read_button(button: &ElementRef<'_>) -> Button {
    Button { name: attribute(button, "name"), value: attribute(button, "value"), text: words(button) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HTML: &str = r#"<html lang="en"><head><title>Whose  iPhone?</title>
        <meta http-equiv="refresh" content="5; url=/enroll/complete"></head><body><style>p{}</style><p>Choose one.</p>
        <a id="profile" href="/enroll/profile/x.mobileconfig">Download</a>
        <form id="continue" method="post" action="/enroll/ownership"><input type="hidden" name="csrf" value="s&amp;s">
        <input type="radio" name="ownership" value="personal" checked><input type="radio" name="ownership" value="institutional">
        <input name="note" value="old"><button>Continue</button></form></body></html>"#;

    fn page() -> Page {
        Page::read(Url::parse("https://enroll.example/enroll/ownership").unwrap(), 200, HTML)
    }

    #[test]
    fn a_page_is_read_as_a_person_sees_it() {
        let page = page();
        assert_eq!((page.title.as_str(), page.text.as_str()), ("Whose iPhone?", "Choose one. Download Continue"));
        assert_eq!(page.link("profile").unwrap().url.path(), "/enroll/profile/x.mobileconfig");
        let refresh = page.refresh.as_ref().unwrap();
        assert_eq!((refresh.seconds, refresh.url.as_ref().unwrap().path()), (5, "/enroll/complete"));
        assert!(page.asks_for("ownership") && !page.asks_for("password"));
    }

    #[test]
    fn a_form_is_sent_as_it_was_filled_in() {
        let page = page();
        let form = page.form("continue").unwrap();
        let sent = form.filled(&[("ownership", "institutional"), ("note", "new")]).unwrap();
        assert_eq!(sent, "csrf=s%26s&ownership=institutional&note=new");
        assert_eq!(form.filled(&[]).unwrap(), "csrf=s%26s&ownership=personal&note=old");
    }

    #[test]
    fn nobody_can_give_an_answer_that_the_form_does_not_offer() {
        let page = page();
        let form = page.form("continue").unwrap();
        for wrong in [("ownership", "stolen"), ("csrf", "mine"), ("password", "secret")] {
            assert!(form.filled(&[wrong]).is_err(), "{wrong:?}");
        }
    }
}
