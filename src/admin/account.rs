//! “My account”: second factors, password and sessions of the signed-in staff member.

pub(crate) mod factors;

use super::form::{Empty, Genuine};
use super::pages::show;
use super::problem::Problem;
use super::render::view;
use super::session::{Fresh, Own, see_other};
use super::words::{self, Instant};
use crate::web::content::content;
use actix_web::{HttpResponse, web};
use events::Personal;
use events::Timestamp;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use sign_in::staff_sessions::Session;
use staff::own_account::PasswordError;
use std::fmt::Display;
use uuid::Uuid;

pub(crate) const PATH: &str = "/console/account";

#[derive(Deserialize)]
pub(crate) struct NewPassword {
    password: String,
    again: String,
}

#[derive(Serialize)]
struct AccountPage {
    user_name: String,
    roles: String,
    way: String,
    provider: Option<String>,
    local: bool,
    passkeys: Vec<Passkey>,
    one_time_codes: bool,
    has_factor: bool,
    factor_required: bool,
    recovery_codes: usize,
    sessions: Vec<SessionLine>,
    others: bool,
}

view!(
    account,
    Menu,
    AccountPage {
        user_name,
        roles,
        way,
        provider,
        local,
        passkeys,
        one_time_codes,
        has_factor,
        factor_required,
        recovery_codes,
        sessions,
        others
    }
);

#[derive(Serialize)]
struct Passkey {
    id: String,
    label: String,
}

content!(Passkey { id, label });

/// A session as a row of a list.
#[derive(Serialize)]
pub(crate) struct SessionLine {
    pub id: Uuid,
    pub browser: String,
    pub source: String,
    pub way: String,
    pub began: Instant,
    pub last_seen: Instant,
    pub current: bool,
}

content!(SessionLine { id, browser, source, way, began, last_seen, current });

impl SessionLine {
    pub(crate) fn of(session: Session, now: Timestamp, this: Uuid) -> SessionLine {
        SessionLine {
            id: session.id,
            browser: session.browser,
            source: session.source.unwrap_or_else(|| words::NONE.to_owned()),
            way: session.method.with_article(),
            began: Instant::of(session.began, now),
            last_seen: Instant::of(session.last_seen, now),
            current: session.id == this,
        }
    }
}

/// Shows the page.
///
/// # Errors
/// Returns an error if the session store is unavailable.
pub(crate) async fn page(own: Own) -> Result<HttpResponse, Problem> {
    let (account, now) = (&own.account, own.staff.now());
    let sessions = account.sessions().await.map_err(|error| own.staff.broken(error))?;
    let (state, factors) = (account.state(), &account.state().factors);
    let label = |label: &Personal<String>| label.shown().unwrap_or("(erased)").to_owned();
    let page = AccountPage {
        user_name: account.user_name(),
        roles: words::roles(&own.staff.roles),
        way: own.staff.session.method.with_article(),
        provider: state.external.as_ref().map(|external| external.provider.clone()),
        local: state.external.is_none(),
        passkeys: factors
            .passkeys
            .iter()
            .map(|(id, passkey)| Passkey { id: id.to_string(), label: label(&passkey.label) })
            .collect(),
        one_time_codes: factors.one_time_codes.is_some(),
        has_factor: factors.any(),
        factor_required: account.factor_required(),
        recovery_codes: factors.recovery_codes.len(),
        others: sessions.len() > 1,
        sessions: sessions.into_iter().map(|one| SessionLine::of(one, now, account.this_session())).collect(),
    };
    show("My account", "account", &own.staff, &page)
}

/// Ends one of the staff member's own sessions.
///
/// # Errors
/// Returns an error if the session store or the event log is unavailable.
pub(crate) async fn end_session(
    own: Own,
    path: web::Path<Uuid>,
    _form: Genuine<Empty>,
) -> Result<HttpResponse, Problem> {
    own.account.end_session(*path).await.map_err(|error| own.staff.broken(error))?;
    Ok(see_other(PATH))
}

/// Ends all sessions of the staff member except the current one.
///
/// # Errors
/// Returns an error if the session store or the event log is unavailable.
pub(crate) async fn end_other_sessions(own: Own, _form: Genuine<Empty>) -> Result<HttpResponse, Problem> {
    own.account.end_other_sessions().await.map_err(|error| own.staff.broken(error))?;
    Ok(see_other(PATH))
}

/// Changes the staff member's own password.
///
/// # Errors
/// Returns an error if the two passwords differ, if the password is too weak, or if the session store or the event log
/// is unavailable.
pub(crate) async fn change_password(
    Fresh(own): Fresh<Own>,
    Genuine(form): Genuine<NewPassword>,
) -> Result<HttpResponse, Problem> {
    if form.password != form.again {
        return Err(Problem::Refused("The two passwords do not match. Nothing was changed.".into()));
    }
    match own.account.change_password(SecretString::from(form.password)).await {
        Ok(()) => Ok(see_other(PATH)),
        Err(PasswordError::Weak(why)) => Err(Problem::Refused(sentence(&why))),
        Err(PasswordError::Own(error)) => Err(own.staff.broken(error)),
    }
}

/// Turns a lower-case message into a sentence.
pub(crate) fn sentence(text: &impl Display) -> String {
    format!("{}.", words::capital(&text.to_string()))
}
