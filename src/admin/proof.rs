//! Proving oneself: the second factor after the first, and again before factors, roles or settings change.

use super::form::Genuine;
use super::pages::{show_alone, view};
use super::passkey;
use super::problem::Problem;
use super::session::{AtTheDoor, Own, SettingUp, home, local, see_other, with_key};
use crate::app::own_account::{OwnAccountError, Proved};
use crate::enrollment::staff::Standing;
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use events::staff::Purpose;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

/// The same for each wrong code and each passkey that is not believed.
const WRONG: &str = "That did not work. Codes change every half minute and each one works once.";

#[derive(Deserialize)]
pub struct Wish {
    #[serde(default)]
    next: String,
}

#[derive(Deserialize)]
pub struct Code {
    code: String,
    #[serde(default)]
    next: String,
}

#[derive(Deserialize)]
pub struct Password {
    password: String,
    #[serde(default)]
    next: String,
}

#[derive(Deserialize)]
pub struct Signature {
    answer: String,
    #[serde(default)]
    next: String,
}

/// Where a proof is asked for, and what for.
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
    lead: "Your account has a second factor. Show it, and you are in.",
};

const CONFIRM: Gate = Gate {
    path: "/console/confirm",
    purpose: Purpose::Confirmation,
    heading: "Is it you?",
    lead: "What you are about to change takes a proof of the last five minutes.",
};

#[derive(Serialize)]
struct Page<'a> {
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
}

view!(proof, Alone, Page<'_> { csrf, next, path, heading, lead, password, passkey, code, nothing, door, refused });

fn page<S>(own: &Own<S>, gate: &Gate, next: &str, refused: Option<&str>) -> Result<HttpResponse, Problem> {
    let (door, factors) = (gate.purpose == Purpose::SignIn, &own.account.state().factors);
    let password = !door && own.account.has_password();
    let code = match (factors.one_time_codes.is_some(), door && !factors.recovery_codes.is_empty()) {
        (true, true) => Some("One-time code or recovery code"),
        (true, false) => Some("One-time code"),
        (false, true) => Some("Recovery code"),
        (false, false) => None,
    };
    let passkey = !factors.passkeys.is_empty();
    let page = Page {
        csrf: &own.staff.csrf,
        next,
        path: gate.path,
        heading: gate.heading,
        lead: gate.lead,
        password,
        passkey,
        code,
        nothing: !password && !passkey && code.is_none(),
        door,
        refused,
    };
    let status = if refused.is_some() { StatusCode::UNAUTHORIZED } else { StatusCode::OK };
    show_alone(status, gate.heading, &page, own.staff.correlation())
}

fn goal<S>(own: &Own<S>, next: &str) -> String {
    local(next, home(&own.staff.roles)).to_owned()
}

fn settle<S>(
    own: &Own<S>,
    gate: &Gate,
    next: &str,
    proved: Result<Proved, OwnAccountError>,
) -> Result<HttpResponse, Problem> {
    match proved.map_err(|error| own.staff.broken(error))? {
        Proved::Yes { key } => with_key(see_other(&goal(own, next)), key, &own.staff),
        Proved::No => page(own, gate, next, Some(WRONG)),
        Proved::Wait { seconds } => Err(Problem::Throttled { seconds }),
    }
}

async fn begin<S>(own: &Own<S>, gate: &Gate, next: &str) -> Result<HttpResponse, Problem> {
    own.account.begin_proof().await.map_err(|error| own.staff.broken(error))?;
    Ok(passkey::with_next(&format!("{}/passkey", gate.path), next))
}

async fn ask<S>(own: &Own<S>, gate: &Gate, next: &str) -> Result<HttpResponse, Problem> {
    match own.account.pending_proof().await.map_err(|error| own.staff.broken(error))? {
        Some(options) => passkey::ask(&own.staff, &options, &format!("{}/passkey", gate.path), gate.path, next),
        None => Ok(see_other(gate.path)),
    }
}

// There is nothing to show for whoever is in already.
fn past<S>(own: &Own<S>, next: &str) -> Option<HttpResponse> {
    (own.standing != Standing::Prove).then(|| see_other(&goal(own, next)))
}

/// The second factor at sign-in.
///
/// # Errors
/// If the page cannot be made.
pub async fn second_factor(own: Own<AtTheDoor>, wish: web::Query<Wish>) -> Result<HttpResponse, Problem> {
    past(&own, &wish.next).map_or_else(|| page(&own, &DOOR, &wish.next, None), Ok)
}

/// A one-time code or a recovery code at sign-in.
///
/// # Errors
/// If sessions or log cannot be used.
pub async fn second_factor_code(own: Own<AtTheDoor>, Genuine(form): Genuine<Code>) -> Result<HttpResponse, Problem> {
    if let Some(past) = past(&own, &form.next) {
        return Ok(past);
    }
    settle(&own, &DOOR, &form.next, own.account.prove_code(&form.code, DOOR.purpose).await)
}

/// Begins a proof by passkey at sign-in.
///
/// # Errors
/// If there is no passkey, or sessions cannot be used.
pub async fn second_factor_begin(own: Own<AtTheDoor>, Genuine(form): Genuine<Wish>) -> Result<HttpResponse, Problem> {
    begin(&own, &DOOR, &form.next).await
}

/// The page on which the browser signs, at sign-in.
///
/// # Errors
/// If sessions cannot be used.
pub async fn second_factor_passkey(own: Own<AtTheDoor>, wish: web::Query<Wish>) -> Result<HttpResponse, Problem> {
    ask(&own, &DOOR, &wish.next).await
}

/// What the browser signed, at sign-in.
///
/// # Errors
/// If sessions or log cannot be used.
pub async fn second_factor_answer(
    own: Own<AtTheDoor>,
    Genuine(form): Genuine<Signature>,
) -> Result<HttpResponse, Problem> {
    if let Some(past) = past(&own, &form.next) {
        return Ok(past);
    }
    settle(&own, &DOOR, &form.next, own.account.prove_passkey(&form.answer, DOOR.purpose).await)
}

/// Asks for a proof before a change.
///
/// # Errors
/// If the page cannot be made.
pub async fn confirm(own: Own<SettingUp>, wish: web::Query<Wish>) -> Result<HttpResponse, Problem> {
    page(&own, &CONFIRM, &wish.next, None)
}

/// The password, before a change.
///
/// # Errors
/// If accounts, sessions or log cannot be used.
pub async fn confirm_password(own: Own<SettingUp>, Genuine(form): Genuine<Password>) -> Result<HttpResponse, Problem> {
    let proved = own.account.confirm_password(&SecretString::from(form.password)).await;
    settle(&own, &CONFIRM, &form.next, proved)
}

/// A one-time code, before a change.
///
/// # Errors
/// If sessions or log cannot be used.
pub async fn confirm_code(own: Own<SettingUp>, Genuine(form): Genuine<Code>) -> Result<HttpResponse, Problem> {
    settle(&own, &CONFIRM, &form.next, own.account.prove_code(&form.code, CONFIRM.purpose).await)
}

/// Begins a proof by passkey, before a change.
///
/// # Errors
/// If there is no passkey, or sessions cannot be used.
pub async fn confirm_begin(own: Own<SettingUp>, Genuine(form): Genuine<Wish>) -> Result<HttpResponse, Problem> {
    begin(&own, &CONFIRM, &form.next).await
}

/// The page on which the browser signs, before a change.
///
/// # Errors
/// If sessions cannot be used.
pub async fn confirm_passkey(own: Own<SettingUp>, wish: web::Query<Wish>) -> Result<HttpResponse, Problem> {
    ask(&own, &CONFIRM, &wish.next).await
}

/// What the browser signed, before a change.
///
/// # Errors
/// If sessions or log cannot be used.
pub async fn confirm_answer(own: Own<SettingUp>, Genuine(form): Genuine<Signature>) -> Result<HttpResponse, Problem> {
    settle(&own, &CONFIRM, &form.next, own.account.prove_passkey(&form.answer, CONFIRM.purpose).await)
}
