//! Actions of administrators on staff accounts. Changes to an account need a confirmation of the last minutes; ending
//! sessions does not.

use super::{PATH, PRIVILEGES};
use crate::admin::account::sentence;
use crate::admin::act::wait;
use crate::admin::form::{Empty, Genuine};
use crate::admin::pages::show;
use crate::admin::problem::Problem;
use crate::admin::render::view;
use crate::admin::session::{Fresh, ManagesStaff, May, see_other};
use actix_web::{HttpResponse, web};
use events::staff::StaffId;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use staff::administration::{Act, ActError, act, generate};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

#[derive(Deserialize)]
pub(crate) struct Chosen {
    #[serde(flatten)]
    boxes: BTreeMap<String, String>,
}

#[derive(Serialize)]
struct PasswordPage {
    password: String,
    back: String,
}

view!(staff_password, Menu, PasswordPage { password, back });

async fn perform(staff: &May<ManagesStaff>, id: StaffId, what: Act) -> Result<(), Problem> {
    let appended = act(&staff.app().staff, id, what, &staff.context()).await.map_err(|error| match error {
        ActError::Broken(why) => staff.broken(why),
        refused => Problem::Refused(sentence(&refused)),
    })?;
    if let Some(appended) = appended {
        wait(staff.app(), appended.position).await;
    }
    Ok(())
}

// Rejects the administrator's own account, so that nobody locks themself out or gives themself rights that another
// person should review.
fn another(staff: &May<ManagesStaff>, id: Uuid) -> Result<StaffId, Problem> {
    if staff.id == StaffId(id) {
        return Err(Problem::Refused("This is your own account. Another administrator has to do this.".into()));
    }
    Ok(StaffId(id))
}

fn back(id: StaffId) -> HttpResponse {
    see_other(&format!("{PATH}/{id}"))
}

/// Sets the roles of an account.
///
/// # Errors
/// Returns an error if the account's roles come from groups, if it would have no role, or if the event log is
/// unavailable.
pub(crate) async fn roles(
    Fresh(staff): Fresh<May<ManagesStaff>>,
    path: web::Path<Uuid>,
    Genuine(chosen): Genuine<Chosen>,
) -> Result<HttpResponse, Problem> {
    let id = another(&staff, *path)?;
    let of_form = PRIVILEGES.into_iter().filter(|(name, _)| chosen.boxes.contains_key(*name));
    let privileges: BTreeSet<_> = of_form.map(|(_, privilege)| privilege).collect();
    perform(&staff, id, Act::SetRoles(privileges)).await?;
    Ok(back(id))
}

/// Disables an account.
///
/// # Errors
/// Returns an error if the event log or the session store is unavailable.
pub(crate) async fn disable(
    Fresh(staff): Fresh<May<ManagesStaff>>,
    path: web::Path<Uuid>,
    _form: Genuine<Empty>,
) -> Result<HttpResponse, Problem> {
    let id = another(&staff, *path)?;
    perform(&staff, id, Act::Disable).await?;
    Ok(back(id))
}

/// Enables an account again.
///
/// # Errors
/// Returns an error if the event log is unavailable.
pub(crate) async fn enable(
    Fresh(staff): Fresh<May<ManagesStaff>>,
    path: web::Path<Uuid>,
    _form: Genuine<Empty>,
) -> Result<HttpResponse, Problem> {
    let id = another(&staff, *path)?;
    perform(&staff, id, Act::Enable).await?;
    Ok(back(id))
}

/// Removes the second factors of a person who lost them.
///
/// # Errors
/// Returns an error if the event log or the session store is unavailable.
pub(crate) async fn remove_factors(
    Fresh(staff): Fresh<May<ManagesStaff>>,
    path: web::Path<Uuid>,
    _form: Genuine<Empty>,
) -> Result<HttpResponse, Problem> {
    let id = another(&staff, *path)?;
    perform(&staff, id, Act::RemoveFactors).await?;
    Ok(back(id))
}

/// Sets a new password for a local account and shows it once.
///
/// # Errors
/// Returns an error if the account is not local, or the event log or the session store is unavailable.
pub(crate) async fn password(
    Fresh(staff): Fresh<May<ManagesStaff>>,
    path: web::Path<Uuid>,
    _form: Genuine<Empty>,
) -> Result<HttpResponse, Problem> {
    let id = another(&staff, *path)?;
    let password = generate(&staff.app().platform.world);
    perform(&staff, id, Act::SetPassword(SecretString::from(password.as_str()))).await?;
    let page = PasswordPage { password, back: format!("{PATH}/{id}") };
    show("New password", "staff", &staff, &page).map_err(Problem::reporting)
}

/// Ends all sessions of an account.
///
/// # Errors
/// Returns an error if the event log or the session store is unavailable.
pub(crate) async fn end_sessions(
    staff: May<ManagesStaff>,
    path: web::Path<Uuid>,
    _form: Genuine<Empty>,
) -> Result<HttpResponse, Problem> {
    let id = StaffId(*path);
    perform(&staff, id, Act::EndSessions).await?;
    Ok(back(id))
}

/// Ends one session of an account.
///
/// # Errors
/// Returns an error if the event log or the session store is unavailable.
pub(crate) async fn end_session(
    staff: May<ManagesStaff>,
    path: web::Path<(Uuid, Uuid)>,
    _form: Genuine<Empty>,
) -> Result<HttpResponse, Problem> {
    let (id, session) = path.into_inner();
    perform(&staff, StaffId(id), Act::EndSession(session)).await?;
    Ok(back(StaffId(id)))
}
