//! Changing the settings: the typed text is checked and compared with the current settings. It is applied only if the
//! settings are still those that were edited.

use super::{PATH, written};
use crate::admin::form::Genuine;
use crate::admin::pages::show;
use crate::admin::problem::Problem;
use crate::admin::render::view;
use crate::admin::session::{ChangesSettings, May, is_fresh};
use actix_web::HttpResponse;
use actix_web::http::header::LOCATION;
use events::settings::Settings;
use events::staff::StaffActivityEvent;
use serde::{Deserialize, Serialize};
use settings::{ApplyError, difference};

/// The typed text, and the number of changes that the edited settings had.
#[derive(Deserialize)]
pub(crate) struct Draft {
    text: String,
    over: String,
}

#[derive(Serialize)]
struct EditPage {
    text: String,
    over: String,
    wrong: Vec<String>,
}

view!(settings_edit, Menu, EditPage { text, over, wrong });

#[derive(Serialize)]
struct PreviewPage {
    text: String,
    over: String,
    lines: Vec<String>,
    warnings: Vec<String>,
    /// The confirmation of the last minutes is missing.
    confirm: bool,
}

view!(settings_preview, Menu, PreviewPage { text, over, lines, warnings, confirm });

/// Shows the form with the current settings, which is recorded as the page that shows them is.
///
/// # Errors
/// Returns an error if the event log cannot be read or written.
pub(crate) async fn edit(staff: May<ChangesSettings>) -> Result<HttpResponse, Problem> {
    staff.record(StaffActivityEvent::SettingsViewed {}).await?;
    let current = staff.current_settings().await?;
    let text = written(&staff, &current.settings)?;
    form(&staff, EditPage { text, over: current.changes.to_string(), wrong: vec![] })
}

/// Shows what the typed settings would change. Changes nothing.
///
/// # Errors
/// Returns an error if the event log cannot be read.
pub(crate) async fn preview(
    staff: May<ChangesSettings>,
    Genuine(draft): Genuine<Draft>,
) -> Result<HttpResponse, Problem> {
    show_preview(&staff, draft, false).await
}

/// Applies the typed settings if the current settings are still those that were edited.
///
/// # Errors
/// Returns an error if other settings were applied in the meantime, or the event log is unavailable.
pub(crate) async fn apply(
    staff: May<ChangesSettings>,
    Genuine(draft): Genuine<Draft>,
) -> Result<HttpResponse, Problem> {
    // Shows the confirmation on the preview page instead of redirecting, because a redirect would lose the typed text.
    if !is_fresh(&staff) {
        return show_preview(&staff, draft, true).await;
    }
    let after = match parse(&draft.text) {
        Ok(after) => after,
        Err(wrong) => return form(&staff, EditPage { text: draft.text, over: draft.over, wrong: vec![wrong] }),
    };
    let over = draft.over.parse().map_err(|_| Problem::bad("The form does not say which settings it changes."))?;
    match ::settings::apply(&staff.app().settings, Some(over), after, &staff.context()).await {
        Ok(applied) => {
            if let Some(appended) = applied.appended {
                crate::admin::act::wait(staff.app(), appended.position).await;
            }
            Ok(HttpResponse::SeeOther().insert_header((LOCATION, PATH)).finish())
        }
        Err(ApplyError::Wrong(wrong)) => form(&staff, EditPage { text: draft.text, over: draft.over, wrong }),
        Err(ApplyError::ChangedMeanwhile) => Err(meanwhile()),
        Err(ApplyError::Broken(why)) => Err(staff.broken(why)),
    }
}

fn meanwhile() -> Problem {
    let why = "Someone else changed the settings in the meantime, so nothing was applied. Go back to copy what you \
        typed, then start again with the current settings.";
    Problem::Refused(why.to_owned())
}

async fn show_preview(staff: &May<ChangesSettings>, draft: Draft, confirm: bool) -> Result<HttpResponse, Problem> {
    let Draft { text, over } = draft;
    let before = staff.settings().await?;
    let after = match parse(&text) {
        Ok(after) => after,
        Err(wrong) => return form(staff, EditPage { text, over, wrong: vec![wrong] }),
    };
    let findings = ::settings::check(&after, &staff.app().staff.identity, &before);
    if !findings.wrong.is_empty() {
        return form(staff, EditPage { text, over, wrong: findings.wrong });
    }
    let lines = difference(&before, &after).map_err(|error| staff.broken(error))?;
    let page = PreviewPage { text, over, lines, warnings: findings.warnings, confirm };
    show("Change the settings", "settings", staff, &page)
}

fn form(staff: &May<ChangesSettings>, page: EditPage) -> Result<HttpResponse, Problem> {
    show("Change the settings", "settings", staff, &page)
}

// Browsers end the lines of a form's text with CR LF.
fn parse(text: &str) -> Result<Settings, String> {
    toml::from_str(&text.replace("\r\n", "\n")).map_err(|error| error.to_string())
}
