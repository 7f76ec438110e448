//! Preview of the portal's pages in the frame of a phone, for a selected device, version and language.

use super::devices::Choice;
use super::pages::show;
use super::problem::Problem;
use super::query::{Parameters, read};
use super::render::view;
use super::session::{May, SeesFunnel};
use actix_web::HttpResponse;
use enroll::preview;
use serde::{Deserialize, Serialize};

/// The path of the page.
pub(crate) const PATH: &str = "/console/preview";
const FAMILIES: [&str; 2] = ["iPhone", "iPad"];
/// One version for each group of iOS versions that the pages distinguish.
const VERSIONS: [&str; 8] = ["27.0", "26.1", "18.2", "17.5", "15.7", "13.1", "12.0", "10.2"];
const LANGUAGES: [(&str, &str); 3] = [("en", "English"), ("de", "Deutsch"), ("ja", "日本語")];

/// Query parameters.
#[derive(Deserialize)]
pub(crate) struct Wish {
    page: Option<String>,
    family: Option<String>,
    version: Option<String>,
    language: Option<String>,
}

#[derive(Serialize)]
struct PortalPreviewPage {
    pages: Vec<Choice>,
    families: Vec<Choice>,
    versions: Vec<Choice>,
    languages: Vec<Choice>,
    /// Address of the previewed page.
    shown: String,
    wide: bool,
    title: String,
}

view!(portal_preview, Menu, PortalPreviewPage { pages, families, versions, languages, shown, wide, title });

/// Shows the preview. Missing parameters have default values.
///
/// # Errors
/// Returns an error if a parameter or its value is unknown, or the template cannot be rendered.
pub(crate) async fn page(staff: May<SeesFunnel>, wish: Parameters<Wish>) -> Result<HttpResponse, Problem> {
    let Parameters(wish, _) = wish;
    let same = |name: &'static str| (name, name);
    let pages = Chosen::of("page", &preview::PAGES, wish.page.as_deref(), "sign-in")?;
    let families = Chosen::of("family", &FAMILIES.map(same), wish.family.as_deref(), FAMILIES[0])?;
    let versions = Chosen::of("version", &VERSIONS.map(same), wish.version.as_deref(), VERSIONS[0])?;
    let languages = Chosen::of("language", &LANGUAGES, wish.language.as_deref(), "en")?;
    let query = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("page", pages.value)
        .append_pair("family", families.value)
        .append_pair("version", versions.value)
        .append_pair("language", languages.value)
        .finish();
    let page = PortalPreviewPage {
        shown: format!("{}?{query}", staff.path_of_preview()),
        wide: families.value == "iPad" || pages.value == "desktop",
        title: format!("{}, {} with version {}", pages.label, families.value, versions.value),
        pages: pages.choices,
        families: families.choices,
        versions: versions.choices,
        languages: languages.choices,
    };
    show("Portal preview", "enrollments", &staff, &page)
}

struct Chosen {
    value: &'static str,
    label: &'static str,
    choices: Vec<Choice>,
}

impl Chosen {
    fn of(
        name: &str,
        all: &[(&'static str, &'static str)],
        wished: Option<&str>,
        first: &'static str,
    ) -> Result<Chosen, Problem> {
        let find = |wanted: &str| all.iter().find(|(value, _)| *value == wanted).copied();
        let wished = read(name, wished, |wished| find(wished).ok_or(Problem::Bad("It is not one of the options.")))?;
        let (value, label) = wished.or_else(|| find(first)).unwrap_or((first, first));
        let choice = |(of, label): &(&'static str, &'static str)| Choice {
            value: (*of).to_owned(),
            label: (*label).to_owned(),
            selected: *of == value,
        };
        Ok(Chosen { value, label, choices: all.iter().map(choice).collect() })
    }
}
