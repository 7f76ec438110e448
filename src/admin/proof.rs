//! Second factor at sign-in, and confirmation before factors, roles or settings change.

use super::carried::{About, Act, Field};
use super::commands;
use super::form::Genuine;
use super::pages::{show, show_alone};
use super::passkey;
use super::problem::Problem;
use super::query::Parameters;
use super::render::view;
use super::session::{AtTheDoor, Own, SURFACE, SettingUp, Staff, app, home, local, see_other, with_key};
use crate::web::forgery;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};
use decisions::staff::Standing;
use events::staff::Purpose;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use staff::own_account::{OwnAccountError, Proved};

/// Same message for every wrong code and every rejected passkey.
const WRONG: &str = "This was not accepted. Codes change every half minute, and each code works once.";

#[derive(Deserialize)]
pub(crate) struct Wish {
    #[serde(default)]
    next: String,
    #[serde(default)]
    act: String,
}

#[derive(Deserialize)]
pub(crate) struct Code {
    code: String,
    #[serde(default)]
    next: String,
    #[serde(default)]
    act: String,
}

#[derive(Deserialize)]
pub(crate) struct Password {
    password: String,
    #[serde(default)]
    next: String,
    #[serde(default)]
    act: String,
}

#[derive(Deserialize)]
pub(crate) struct Signature {
    answer: String,
    #[serde(default)]
    next: String,
    #[serde(default)]
    act: String,
}

/// A place where a proof is requested: the sign-in or the confirmation.
struct Gate {
    path: &'static str,
    purpose: Purpose,
    heading: &'static str,
    lead: &'static str,
}

const DOOR: Gate = Gate {
    path: "/console/second-factor",
    purpose: Purpose::SignIn,
    heading: "One more step",
    lead: "Your account has a second factor. Use it to sign in.",
};

const CONFIRM: Gate = Gate {
    path: "/console/confirm",
    purpose: Purpose::Confirmation,
    heading: "Confirm it’s you",
    lead: "Confirm it’s you to continue. A confirmation is valid for five minutes. Nothing has been done yet.",
};

#[derive(Serialize)]
struct ProofPage<'a> {
    csrf: &'a str,
    next: &'a str,
    path: &'static str,
    heading: &'static str,
    lead: &'static str,
    password: bool,
    passkey: bool,
    code: Option<&'static str>,
    nothing: bool,
    door: bool,
    refused: Option<&'a str>,
    about: Option<About>,
    /// The action that continues afterwards, as a form field; empty if there is none.
    act: String,
}

view!(
    proof,
    Alone,
    ProofPage<'_> { csrf, next, path, heading, lead, password, passkey, code, nothing, door, refused, about, act }
);

/// What follows a proof: a page or an action.
struct Goal<'a> {
    next: &'a str,
    act: Option<&'a Act>,
}

impl<'a> Goal<'a> {
    fn page(next: &'a str) -> Goal<'a> {
        Goal { next, act: None }
    }
}

/// Requests a confirmation, after which `act` is requested again.
///
/// # Errors
/// Returns an error if the template cannot be rendered.
pub(crate) fn first(own: &Own, act: &Act) -> Result<HttpResponse, Problem> {
    page(own, &CONFIRM, &Goal { next: "", act: Some(act) }, Some(act.about.clone()), None)
}

fn page<S>(
    own: &Own<S>,
    gate: &Gate,
    goal: &Goal<'_>,
    about: Option<About>,
    refused: Option<&str>,
) -> Result<HttpResponse, Problem> {
    let (door, factors) = (gate.purpose == Purpose::SignIn, &own.account.state().factors);
    let password = !door && own.account.has_password();
    let code = match (factors.one_time_codes.is_some(), door && !factors.recovery_codes.is_empty()) {
        (true, true) => Some("One-time code or recovery code"),
        (true, false) => Some("One-time code"),
        (false, true) => Some("Recovery code"),
        (false, false) => None,
    };
    let passkey = !factors.passkeys.is_empty();
    let page = ProofPage {
        csrf: &own.staff.csrf,
        next: goal.next,
        path: gate.path,
        heading: gate.heading,
        lead: gate.lead,
        password,
        passkey,
        code,
        nothing: !password && !passkey && code.is_none(),
        door,
        refused,
        about,
        act: goal.act.map(Act::written).unwrap_or_default(),
    };
    let status = if refused.is_some() { StatusCode::UNAUTHORIZED } else { StatusCode::OK };
    show_alone(status, gate.heading, &page, own.staff.correlation())
}

fn way_on<S>(own: &Own<S>, next: &str) -> String {
    local(next, home(&own.staff.roles)).to_owned()
}

#[derive(Serialize)]
struct GoOn {
    about: About,
    consequence: String,
    action: String,
    fields: Vec<Field>,
    back: String,
}

view!(proof_go_on, Menu, GoOn { about, consequence, action, fields, back });

// Page that requests the action itself again. Its form is bound to the session's new key.
fn go_on(request: &HttpRequest, staff: &Staff, key: Option<&str>, act: Act) -> Result<HttpResponse, Problem> {
    let mut staff = staff.clone();
    if let Some(key) = key {
        staff.csrf = forgery::token(&app(request).platform.secrets, SURFACE, key);
    }
    let Act { path, about, consequence, fields, back } = act;
    let title = about.label.clone();
    show(&title, "", &staff, &GoOn { about, consequence, action: path, fields, back })
}

async fn settle<S>(
    own: &Own<S>,
    gate: &Gate,
    goal: Goal<'_>,
    proved: Result<Proved, OwnAccountError>,
    request: &HttpRequest,
) -> Result<HttpResponse, Problem> {
    match (proved.map_err(|error| own.staff.broken(error))?, goal.act) {
        (Proved::Yes { key }, Some(act)) => {
            let page = go_on(request, &own.staff, key.as_deref(), act.clone())?;
            with_key(page, key, &own.staff)
        }
        (Proved::Yes { key }, None) => with_key(see_other(&way_on(own, goal.next)), key, &own.staff),
        (Proved::No, _) => {
            let about = about(own, &goal).await?;
            page(own, gate, &goal, about, Some(WRONG))
        }
        (Proved::Wait { seconds }, _) => Err(Problem::Throttled { seconds }),
    }
}

// Returns the description of what the proof is for: the submitted action, or the action of the page that follows.
async fn about<S>(own: &Own<S>, goal: &Goal<'_>) -> Result<Option<About>, Problem> {
    match goal.act {
        Some(act) => Ok(Some(act.about.clone())),
        None => commands::about(&own.staff, goal.next).await,
    }
}

async fn begin<S>(own: &Own<S>, gate: &Gate, goal: &Goal<'_>) -> Result<HttpResponse, Problem> {
    own.account.begin_proof().await.map_err(|error| own.staff.broken(error))?;
    // An action is too long for an address, so its page is shown at once.
    match goal.act {
        Some(_) => ask(own, gate, goal).await,
        None => Ok(passkey::with_next(&format!("{}/passkey", gate.path), goal.next)),
    }
}

async fn ask<S>(own: &Own<S>, gate: &Gate, goal: &Goal<'_>) -> Result<HttpResponse, Problem> {
    let way = passkey::Way {
        action: &format!("{}/passkey", gate.path),
        back: gate.path,
        next: goal.next,
        act: goal.act.map(Act::written).unwrap_or_default(),
    };
    match own.account.pending_proof().await.map_err(|error| own.staff.broken(error))? {
        Some(options) => passkey::ask(&own.staff, &options, way),
        None => Ok(see_other(gate.path)),
    }
}

// Redirects staff who have already completed the sign-in.
fn past<S>(own: &Own<S>, next: &str) -> Option<HttpResponse> {
    (own.standing != Standing::Prove).then(|| see_other(&way_on(own, next)))
}

/// Shows the second-factor page at sign-in.
///
/// # Errors
/// Returns an error if the template cannot be rendered.
pub(crate) async fn second_factor(
    own: Own<AtTheDoor>,
    Parameters(wish, _): Parameters<Wish>,
) -> Result<HttpResponse, Problem> {
    past(&own, &wish.next).map_or_else(|| page(&own, &DOOR, &Goal::page(&wish.next), None, None), Ok)
}

/// Checks a one-time code or a recovery code at sign-in.
///
/// # Errors
/// Returns an error if the session store or the event log is unavailable.
pub(crate) async fn second_factor_code(
    own: Own<AtTheDoor>,
    request: HttpRequest,
    Genuine(form): Genuine<Code>,
) -> Result<HttpResponse, Problem> {
    if let Some(past) = past(&own, &form.next) {
        return Ok(past);
    }
    let proved = own.account.prove_code(&form.code, DOOR.purpose).await;
    settle(&own, &DOOR, Goal::page(&form.next), proved, &request).await
}

/// Starts the proof by passkey at sign-in.
///
/// # Errors
/// Returns an error if there is no passkey, or the session store is unavailable.
pub(crate) async fn second_factor_begin(
    own: Own<AtTheDoor>,
    Genuine(form): Genuine<Wish>,
) -> Result<HttpResponse, Problem> {
    begin(&own, &DOOR, &Goal::page(&form.next)).await
}

/// Shows the page on which the browser signs, at sign-in.
///
/// # Errors
/// Returns an error if the session store is unavailable.
pub(crate) async fn second_factor_passkey(
    own: Own<AtTheDoor>,
    Parameters(wish, _): Parameters<Wish>,
) -> Result<HttpResponse, Problem> {
    ask(&own, &DOOR, &Goal::page(&wish.next)).await
}

/// Checks the browser's signature at sign-in.
///
/// # Errors
/// Returns an error if the session store or the event log is unavailable.
pub(crate) async fn second_factor_answer(
    own: Own<AtTheDoor>,
    request: HttpRequest,
    Genuine(form): Genuine<Signature>,
) -> Result<HttpResponse, Problem> {
    if let Some(past) = past(&own, &form.next) {
        return Ok(past);
    }
    let proved = own.account.prove_passkey(&form.answer, DOOR.purpose).await;
    settle(&own, &DOOR, Goal::page(&form.next), proved, &request).await
}

/// Requests a confirmation before a change.
///
/// # Errors
/// Returns an error if the template cannot be rendered.
pub(crate) async fn confirm(
    own: Own<SettingUp>,
    Parameters(wish, _): Parameters<Wish>,
) -> Result<HttpResponse, Problem> {
    let goal = Goal::page(&wish.next);
    let about = about(&own, &goal).await?;
    page(&own, &CONFIRM, &goal, about, None)
}

/// Requests the confirmation before an action again, by another method.
///
/// # Errors
/// Returns an error if the template cannot be rendered.
pub(crate) async fn confirm_carried(
    own: Own<SettingUp>,
    Genuine(form): Genuine<Wish>,
) -> Result<HttpResponse, Problem> {
    let act = Act::parse(&form.act)?;
    let goal = Goal { next: &form.next, act: act.as_ref() };
    let about = about(&own, &goal).await?;
    page(&own, &CONFIRM, &goal, about, None)
}

/// Checks the password before a change.
///
/// # Errors
/// Returns an error if the accounts, the session store or the event log are unavailable.
pub(crate) async fn confirm_password(
    own: Own<SettingUp>,
    request: HttpRequest,
    Genuine(form): Genuine<Password>,
) -> Result<HttpResponse, Problem> {
    let act = Act::parse(&form.act)?;
    let proved = own.account.confirm_password(&SecretString::from(form.password)).await;
    settle(&own, &CONFIRM, Goal { next: &form.next, act: act.as_ref() }, proved, &request).await
}

/// Checks a one-time code before a change.
///
/// # Errors
/// Returns an error if the session store or the event log is unavailable.
pub(crate) async fn confirm_code(
    own: Own<SettingUp>,
    request: HttpRequest,
    Genuine(form): Genuine<Code>,
) -> Result<HttpResponse, Problem> {
    let act = Act::parse(&form.act)?;
    let proved = own.account.prove_code(&form.code, CONFIRM.purpose).await;
    settle(&own, &CONFIRM, Goal { next: &form.next, act: act.as_ref() }, proved, &request).await
}

/// Starts the confirmation by passkey before a change.
///
/// # Errors
/// Returns an error if there is no passkey, or the session store is unavailable.
pub(crate) async fn confirm_begin(own: Own<SettingUp>, Genuine(form): Genuine<Wish>) -> Result<HttpResponse, Problem> {
    let act = Act::parse(&form.act)?;
    begin(&own, &CONFIRM, &Goal { next: &form.next, act: act.as_ref() }).await
}

/// Shows the page on which the browser signs, before a change.
///
/// # Errors
/// Returns an error if the session store is unavailable.
pub(crate) async fn confirm_passkey(
    own: Own<SettingUp>,
    Parameters(wish, _): Parameters<Wish>,
) -> Result<HttpResponse, Problem> {
    ask(&own, &CONFIRM, &Goal::page(&wish.next)).await
}

/// Checks the browser's signature before a change.
///
/// # Errors
/// Returns an error if the session store or the event log is unavailable.
pub(crate) async fn confirm_answer(
    own: Own<SettingUp>,
    request: HttpRequest,
    Genuine(form): Genuine<Signature>,
) -> Result<HttpResponse, Problem> {
    let act = Act::parse(&form.act)?;
    let proved = own.account.prove_passkey(&form.answer, CONFIRM.purpose).await;
    settle(&own, &CONFIRM, Goal { next: &form.next, act: act.as_ref() }, proved, &request).await
}
