//! Renders pages from Handlebars templates in strict mode. The templates are compiled into the binary.

use super::help::HelpPart;
use super::texts::{Argument, Language};
use crate::web::content::Tested;
use crate::web::escape;
use handlebars::{
    Context, Handlebars, Helper, HelperResult, Output, RenderContext, RenderError, RenderErrorReason, handlebars_helper,
};
use names::visible;
use serde::Serialize;
use std::sync::LazyLock;

/// Content of a page inside the common frame. The template's file has the same name as the page's module.
pub(crate) trait Page: Serialize + Tested {
    const TEMPLATE: &'static str;

    /// Returns the template of the step that the progress indicator shows on this page.
    fn progress_step(&self) -> &'static str {
        Self::TEMPLATE
    }

    /// Returns the page that the language form returns to.
    fn back(&self) -> Back {
        Back::Step
    }

    /// Returns the token of the invitation that the language form returns to, if the page is that of an invitation.
    fn invitation(&self) -> Option<&str> {
        None
    }
}

/// The pages that the language form can return to. It cannot return to any other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Back {
    /// The page of the person's current step.
    Step,
    About,
    /// Also used by a person who returned from a later step.
    ManagedAppleId,
    /// Also used by a person who already waits and reads the instructions again.
    MdmProfile,
    Complete,
    /// The completion page with automatic reloading turned off.
    CompleteStill,
}

impl Back {
    const ALL: [Back; 6] =
        [Back::Step, Back::About, Back::ManagedAppleId, Back::MdmProfile, Back::Complete, Back::CompleteStill];

    /// Returns the value of the form field.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Back::Step => "",
            Back::About => "about",
            Back::ManagedAppleId => "managed-apple-id",
            Back::MdmProfile => "mdm",
            Back::Complete => "complete",
            Back::CompleteStill => "complete-still",
        }
    }

    /// Parses a form value; an unknown value means the person's current step.
    pub(crate) fn parse(name: &str) -> Back {
        Back::ALL.into_iter().find(|back| back.name() == name).unwrap_or(Back::Step)
    }

    pub(crate) fn path(self) -> &'static str {
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

/// Common frame around the content of every page.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Frame {
    pub lang: &'static str,
    pub languages: Vec<LanguageChoice>,
    pub organization: String,
    /// "iPhone" or "iPad".
    pub device: &'static str,
    /// `yes` or `no`: the version of iOS has "VPN & Device Management" in Settings.
    pub ios15: &'static str,
    /// `yes` or `no`: the version of iOS uses the name "Managed Apple Account".
    pub ios18: &'static str,
    pub progress: Option<Progress>,
    /// CSRF token for the page's forms; a page without it has no forms.
    pub csrf: Option<String>,
    /// Page that the language form returns to ([`Back::name`]).
    pub back: &'static str,
    /// Account link by which the device came from Settings. The page's forms contain it, and the language form returns
    /// to it.
    pub account: Option<String>,
    /// Token of an invitation, to whose page the language form returns.
    pub invitation: Option<String>,
    /// The enrollment began in Settings.
    pub by_account: bool,
    pub signed_in_as: Option<String>,
    /// `yes` or `no`: the device is enrolled for another person than the one who signed in.
    pub other: &'static str,
    /// User name of that other person, else empty.
    pub owner: String,
    pub help_code: Option<String>,
    /// The administrator's help text, split into plain text and links.
    pub help: Vec<HelpPart>,
    /// Version of the stylesheet in its address, so that browsers can cache it.
    pub style: &'static str,
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct LanguageChoice {
    pub tag: &'static str,
    pub name: String,
    pub current: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Progress {
    pub now: usize,
    pub total: usize,
    /// `done`, `now` or `next` for each step.
    pub dots: Vec<&'static str>,
}

impl Progress {
    pub(crate) fn new(now: usize, total: usize) -> Progress {
        let dot = |step: usize| match step.cmp(&now) {
            std::cmp::Ordering::Less => "done",
            std::cmp::Ordering::Equal => "now",
            std::cmp::Ordering::Greater => "next",
        };
        Progress { now, total, dots: (1..=total).map(dot).collect() }
    }
}

impl LanguageChoice {
    pub(crate) fn all(current: Language) -> Vec<LanguageChoice> {
        let choice = |language: Language| LanguageChoice {
            tag: language.tag(),
            name: language.name(),
            current: language == current,
        };
        Language::ALL.into_iter().map(choice).collect()
    }
}

/// Renders the page as HTML.
///
/// # Errors
/// Returns an error if a template uses an unknown field or text key. Tests render every page in every language.
pub(crate) fn render<P: Page>(frame: &Frame, page: &P) -> Result<String, RenderError> {
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
    escape::register(&mut engine);
    for (name, template) in TEMPLATES {
        engine.register_template_string(name, template).expect("the templates are well formed: tests render them all");
    }
    engine.register_helper("t", Box::new(translate));
    engine.register_helper("after", Box::new(after));
    engine.register_helper("before", Box::new(before));
    engine
});

/// All templates by name.
pub(super) const TEMPLATES: [(&str, &str); 29] = [
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
    ("invitation", include_str!("../../templates/portal/invitation.hbs")),
    ("invitation_code", include_str!("../../templates/portal/invitation_code.hbs")),
    ("invitation_closed", include_str!("../../templates/portal/invitation_closed.hbs")),
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

// `{{t "key" name=value}}`: inserts a text of the page's language. `name_key="another"` passes another text as
// argument `name`. The arguments that every text can use are passed automatically.
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
        let value = argument(value.value()).ok_or_else(|| other(format!("{key}: {name} is not a text")))?;
        let Some(name) = name.strip_suffix("_key") else {
            arguments.push(((*name).to_owned(), value));
            continue;
        };
        // Another text of the catalogue; it is escaped below like every argument.
        let Argument::Text(value) = value else { return Err(other(format!("{key}: {name} is not a key"))) };
        let text = language.plain(&value, given.clone()).ok_or_else(|| other(format!("unknown text {value:?}")))?;
        arguments.push((name.to_owned(), Argument::Text(text)));
    }
    let text = language.html(key, arguments).ok_or_else(|| other(format!("unknown text {key:?}")))?;
    out.write(&text)?;
    Ok(())
}

handlebars_helper!(after: |list: array, item: str| neighbour(list, item, 1));
handlebars_helper!(before: |list: array, item: str| neighbour(list, item, -1));

// Returns the text before or after another one in a list, or an empty string at the list's ends.
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
