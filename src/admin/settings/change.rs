//! Changing the settings: what was typed is checked and compared with what is in force, and applied only over that.

use super::{PATH, written};
use crate::admin::form::Genuine;
use crate::admin::pages::{show, view};
use crate::admin::problem::Problem;
use crate::admin::session::{ChangesSettings, May, is_fresh};
use actix_web::HttpResponse;
use actix_web::http::header::LOCATION;
use decisions::settings::Current;
use events::settings::Settings;
use serde::{Deserialize, Serialize};
use settings::{ApplyError, difference};

/// What was typed, and the revision of the settings that it was typed over.
#[derive(Deserialize)]
pub struct Draft {
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
    /// A proof of these minutes is missing.
    confirm: bool,
}

view!(settings_preview, Menu, PreviewPage { text, over, lines, warnings, confirm });

/// The settings in force, to be changed.
///
/// # Errors
/// If the log cannot be read.
pub async fn edit(staff: May<ChangesSettings>) -> Result<HttpResponse, Problem> {
    let Current { settings, changes, .. } = staff.current_settings().await?;
    let text = written(&staff, &settings)?;
    form(&staff, EditPage { text, over: changes.to_string(), wrong: vec![] })
}

/// What the typed settings would change. Changes nothing.
///
/// # Errors
/// If the log cannot be read.
pub async fn preview(staff: May<ChangesSettings>, Genuine(draft): Genuine<Draft>) -> Result<HttpResponse, Problem> {
    show_preview(&staff, draft, false).await
}

/// Applies the typed settings, if those in force are still the ones that they were typed over.
///
/// # Errors
/// If others were applied in the meantime, or the log cannot be used.
pub async fn apply(staff: May<ChangesSettings>, Genuine(draft): Genuine<Draft>) -> Result<HttpResponse, Problem> {
    // Not sent away to prove it: what was typed would be lost.
    if !is_fresh(&staff) {
        return show_preview(&staff, draft, true).await;
    }
    let after = match parse(&draft.text) {
        Ok(after) => after,
        Err(wrong) => return form(&staff, EditPage { text: draft.text, over: draft.over, wrong: vec![wrong] }),
    };
    let over = draft.over.parse().map_err(|_| Problem::bad("The form does not name the settings that it changes."))?;
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
    let why = "Somebody else changed the settings in the meantime, so nothing was applied. Go back to copy what you \
        typed, then begin again with the settings that are in force now.";
    Problem::Refused(why.to_owned())
}

async fn show_preview(staff: &May<ChangesSettings>, draft: Draft, confirm: bool) -> Result<HttpResponse, Problem> {
    let Draft { text, over } = draft;
    let before = staff.settings().await?;
    let after = match parse(&text) {
        Ok(after) => after,
        Err(wrong) => return form(staff, EditPage { text, over, wrong: vec![wrong] }),
    };
    let findings = ::settings::check(&after, &staff.app().config.identity, &before);
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

// Browsers end lines of a form's text with CR LF.
fn parse(text: &str) -> Result<Settings, String> {
    toml::from_str(&text.replace("\r\n", "\n")).map_err(|error| error.to_string())
}
