//! Pages from templates: Handlebars, strict, compiled into the binary.

use super::help::HelpPart;
use super::texts::{Argument, Language};
use crate::web::content::Tested;
use crate::web::visible;
use handlebars::{
    Context, Handlebars, Helper, HelperResult, Output, RenderContext, RenderError, RenderErrorReason, handlebars_helper,
};
use serde::Serialize;
use std::sync::LazyLock;

/// A page's own part; the file of its template is named as its module.
pub trait Page: Serialize + Tested {
    const TEMPLATE: &'static str;

    /// The template of the step that the progress shows on this page.
    fn progress_step(&self) -> &'static str {
        Self::TEMPLATE
    }

    /// Where the language form on this page leads back to.
    fn back(&self) -> Back {
        Back::Step
    }
}

/// The places that the language form leads back to: all that there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Back {
    /// Where the person's step is.
    Step,
    About,
    /// Also for who came back from a later step.
    ManagedAppleId,
    /// Also for who waits already and reads the instructions once more.
    MdmProfile,
    Complete,
    /// The page that does not load by itself.
    CompleteStill,
}

impl Back {
    const ALL: [Back; 6] =
        [Back::Step, Back::About, Back::ManagedAppleId, Back::MdmProfile, Back::Complete, Back::CompleteStill];

    /// What the form calls it.
    pub fn name(self) -> &'static str {
        match self {
            Back::Step => "",
            Back::About => "about",
            Back::ManagedAppleId => "managed-apple-id",
            Back::MdmProfile => "mdm",
            Back::Complete => "complete",
            Back::CompleteStill => "complete-still",
        }
    }

    /// The place of this name; of any other name the person's step.
    pub fn parse(name: &str) -> Back {
        Back::ALL.into_iter().find(|back| back.name() == name).unwrap_or(Back::Step)
    }

    pub fn path(self) -> &'static str {
        match self {
            Back::Step => "/enroll",
            Back::About => "/enroll/about",
            Back::ManagedAppleId => "/enroll/managed-apple-id?change",
            Back::MdmProfile => "/enroll/mdm",
            Back::Complete => "/enroll/complete",
            Back::CompleteStill => "/enroll/complete?still",
        }
    }
}

/// What every page shows around its own part.
#[derive(Debug, Clone, Serialize)]
pub struct Frame {
    pub lang: &'static str,
    pub languages: Vec<LanguageChoice>,
    pub organization: String,
    /// "iPhone" or "iPad".
    pub device: &'static str,
    /// `yes` or `no`: Settings has "VPN & Device Management".
    pub ios15: &'static str,
    /// `yes` or `no`: Apple says "Managed Apple Account".
    pub ios18: &'static str,
    pub progress: Option<Progress>,
    /// The token of the page's forms; without one there are no forms on it.
    pub csrf: Option<String>,
    /// Where the language form leads back to.
    pub back: &'static str,
    /// The link by which a device came from Settings: its forms hold it, and the language form leads back to it.
    pub account: Option<String>,
    /// The way began in Settings.
    pub by_account: bool,
    pub signed_in_as: Option<String>,
    /// `yes` or `no`: the device will be somebody else's than who signed in.
    pub other: &'static str,
    /// The name of that other person, or nothing.
    pub owner: String,
    pub help_code: Option<String>,
    /// Where people find help: the administrator's words, in pieces.
    pub help: Vec<HelpPart>,
    /// Changes when the stylesheet does, so that it can be kept for long.
    pub style: &'static str,
}

#[derive(Debug, Clone, Serialize)]
pub struct LanguageChoice {
    pub tag: &'static str,
    pub name: String,
    pub current: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Progress {
    pub now: usize,
    pub total: usize,
    /// `done`, `now` or `next`, one a step.
    pub dots: Vec<&'static str>,
}

impl Progress {
    pub fn new(now: usize, total: usize) -> Progress {
        let dot = |step: usize| match step.cmp(&now) {
            std::cmp::Ordering::Less => "done",
            std::cmp::Ordering::Equal => "now",
            std::cmp::Ordering::Greater => "next",
        };
        Progress { now, total, dots: (1..=total).map(dot).collect() }
    }
}

impl LanguageChoice {
    pub fn all(current: Language) -> Vec<LanguageChoice> {
        let choice = |language: Language| LanguageChoice {
            tag: language.tag(),
            name: language.name(),
            current: language == current,
        };
        Language::ALL.into_iter().map(choice).collect()
    }
}

/// The page as HTML.
///
/// # Errors
/// If a template names what is not there; the tests render every page in every language.
pub fn render<P: Page>(frame: &Frame, page: &P) -> Result<String, RenderError> {
    #[derive(Serialize)]
    struct Whole<'a, P> {
        #[serde(flatten)]
        frame: &'a Frame,
        page: &'a P,
    }
    ENGINE.render(P::TEMPLATE, &Whole { frame, page })
}

static ENGINE: LazyLock<Handlebars<'static>> = LazyLock::new(|| {
    let mut engine = Handlebars::new();
    engine.set_strict_mode(true);
    visible::register(&mut engine);
    for (name, template) in TEMPLATES {
        engine.register_template_string(name, template).expect("the templates are well formed: tests render them all");
    }
    engine.register_helper("t", Box::new(translate));
    engine.register_helper("after", Box::new(after));
    engine.register_helper("before", Box::new(before));
    engine
});

/// Every template by name.
pub(super) const TEMPLATES: [(&str, &str); 26] = [
    ("layout", include_str!("../../templates/portal/layout.hbs")),
    ("help", include_str!("../../templates/portal/help.hbs")),
    ("drawing", include_str!("../../templates/portal/drawing.hbs")),
    ("draw_ask", include_str!("../../templates/portal/draw_ask.hbs")),
    ("draw_ask_settings", include_str!("../../templates/portal/draw_ask_settings.hbs")),
    ("draw_complete", include_str!("../../templates/portal/draw_complete.hbs")),
    ("draw_downloaded", include_str!("../../templates/portal/draw_downloaded.hbs")),
    ("draw_install", include_str!("../../templates/portal/draw_install.hbs")),
    ("draw_password", include_str!("../../templates/portal/draw_password.hbs")),
    ("sign_in", include_str!("../../templates/portal/sign_in.hbs")),
    ("hand_over", include_str!("../../templates/portal/hand_over.hbs")),
    ("leaving", include_str!("../../templates/portal/leaving.hbs")),
    ("for_whom", include_str!("../../templates/portal/for_whom.hbs")),
    ("previous", include_str!("../../templates/portal/previous.hbs")),
    ("ownership", include_str!("../../templates/portal/ownership.hbs")),
    ("terms", include_str!("../../templates/portal/terms.hbs")),
    ("ca_profile", include_str!("../../templates/portal/ca_profile.hbs")),
    ("managed_apple_id", include_str!("../../templates/portal/managed_apple_id.hbs")),
    ("mdm_profile", include_str!("../../templates/portal/mdm_profile.hbs")),
    ("about", include_str!("../../templates/portal/about.hbs")),
    ("complete", include_str!("../../templates/portal/complete.hbs")),
    ("stopped", include_str!("../../templates/portal/stopped.hbs")),
    ("desktop", include_str!("../../templates/portal/desktop.hbs")),
    ("which_device", include_str!("../../templates/portal/which_device.hbs")),
    ("other_browser", include_str!("../../templates/portal/other_browser.hbs")),
    ("problem", include_str!("../../templates/portal/problem.hbs")),
];

// {{t "key" name=value}}: a text of the page's language; name_key="another" gives it another text as `name`. What every text may name is given without asking.
fn translate(
    helper: &Helper<'_>,
    _: &Handlebars<'_>,
    context: &Context,
    _: &mut RenderContext<'_, '_>,
    out: &mut dyn Output,
) -> HelperResult {
    let other = |why: String| RenderError::from(RenderErrorReason::Other(why));
    let root = context.data();
    let language = root["lang"].as_str().and_then(Language::parse).ok_or_else(|| other("no language".into()))?;
    let key = helper.param(0).and_then(|key| key.value().as_str()).ok_or_else(|| other("t needs a key".into()))?;
    let mut arguments: Vec<(String, Argument)> = ["device", "organization", "ios15", "ios18", "other", "owner"]
        .into_iter()
        .filter_map(|name| Some((name.to_owned(), argument(&root[name])?)))
        .collect();
    let given = arguments.clone();
    for (name, value) in helper.hash() {
        let value = argument(value.value()).ok_or_else(|| other(format!("{key}: {name} is no text")))?;
        let Some(name) = name.strip_suffix("_key") else {
            arguments.push(((*name).to_owned(), value));
            continue;
        };
        // Another text of the catalogue, escaped below as every argument is.
        let Argument::Text(value) = value else { return Err(other(format!("{key}: {name} is no key"))) };
        let text = language.plain(&value, given.clone()).ok_or_else(|| other(format!("there is no text {value:?}")))?;
        arguments.push((name.to_owned(), Argument::Text(text)));
    }
    let text = language.html(key, arguments).ok_or_else(|| other(format!("there is no text {key:?}")))?;
    out.write(&text)?;
    Ok(())
}

handlebars_helper!(after: |list: array, item: str| neighbour(list, item, 1));
handlebars_helper!(before: |list: array, item: str| neighbour(list, item, -1));

// The text beside another in a list; nothing at its ends.
fn neighbour(list: &[serde_json::Value], item: &str, by: isize) -> String {
    let place = list.iter().position(|text| text.as_str() == Some(item));
    let beside = place.and_then(|place| place.checked_add_signed(by)).and_then(|place| list.get(place)?.as_str());
    beside.unwrap_or_default().to_owned()
}

fn argument(value: &serde_json::Value) -> Option<Argument> {
    match value {
        serde_json::Value::String(text) => Some(Argument::Text(visible::visible(text).into_owned())),
        serde_json::Value::Number(number) => number.as_u64().map(Argument::Number),
        _ => None,
    }
}
