//! Second factors of the staff member's own account. Adding one takes several steps, and a factor counts only after it
//! has been proven.

use crate::admin::form::{Empty, Genuine};
use crate::admin::pages::show_alone;
use crate::admin::passkey;
use crate::admin::problem::Problem;
use crate::admin::render::view;
use crate::admin::session::{Fresh, Own, SettingUp, home, see_other, with_key};
use crate::web::qr::Qr;
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use decisions::staff::Standing;
use events::staff::PasskeyId;
use serde::{Deserialize, Serialize};
use staff::own_account::{Added, OwnAccountError, one_time_codes};
use uuid::Uuid;

const NEW: &str = "/console/account/factors/new";
const CODES: &str = "/console/account/factors/one-time-codes";
const PASSKEY: &str = "/console/account/factors/passkey";

#[derive(Deserialize)]
pub(crate) struct Code {
    code: String,
}

#[derive(Deserialize)]
pub(crate) struct NewPasskey {
    answer: String,
    #[serde(default)]
    label: String,
}

#[derive(Serialize)]
struct NewPage<'a> {
    csrf: &'a str,
    /// A second factor is required before anything else.
    required: bool,
    passkeys: bool,
    refused: Option<&'a str>,
}

view!(factor_new, Alone, NewPage<'_> { csrf, required, passkeys, refused });

#[derive(Serialize)]
struct CodesPage<'a> {
    csrf: &'a str,
    qr: Qr,
    /// The seed in groups of four letters, for typing.
    seed: String,
    refused: Option<&'a str>,
}

view!(one_time_codes as one_time_codes_page, Alone, CodesPage<'_> { csrf, qr, seed, refused });

#[derive(Serialize)]
struct RecoveryPage<'a> {
    codes: &'a [String],
    goal: &'static str,
}

view!(recovery_codes, Alone, RecoveryPage<'_> { codes, goal });

fn broken<S>(own: &Own<S>) -> impl Fn(OwnAccountError) -> Problem {
    let staff = own.staff.clone();
    move |error| match error {
        OwnAccountError::Refused(refusal) => Problem::Refused(format!("This is not possible: {refusal}.")),
        other => staff.broken(other),
    }
}

/// Shows which kinds of factor can be added.
///
/// # Errors
/// Returns an error if the template cannot be rendered.
pub(crate) async fn new(Fresh(own): Fresh<Own<SettingUp>>) -> Result<HttpResponse, Problem> {
    new_page(&own, None)
}

fn new_page(own: &Own<SettingUp>, refused: Option<&str>) -> Result<HttpResponse, Problem> {
    let required = own.standing == Standing::SetUp;
    let passkeys = own.account.passkeys_possible();
    let page = NewPage { csrf: &own.staff.csrf, required, passkeys, refused };
    show_alone(status(refused), "Add a second factor", &page, own.staff.correlation())
}

fn status(refused: Option<&str>) -> StatusCode {
    if refused.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK }
}

/// Starts the set-up of one-time codes.
///
/// # Errors
/// Returns an error if the session store is unavailable.
pub(crate) async fn begin_codes(
    Fresh(own): Fresh<Own<SettingUp>>,
    _form: Genuine<Empty>,
) -> Result<HttpResponse, Problem> {
    own.account.begin_one_time_codes().await.map_err(broken(&own))?;
    Ok(see_other(CODES))
}

/// Shows the seed for an authenticator app.
///
/// # Errors
/// Returns an error if the session store is unavailable.
pub(crate) async fn codes(Fresh(own): Fresh<Own<SettingUp>>) -> Result<HttpResponse, Problem> {
    codes_page(&own, None).await
}

async fn codes_page(own: &Own<SettingUp>, refused: Option<&str>) -> Result<HttpResponse, Problem> {
    let Some(seed) = own.account.pending_seed().await.map_err(broken(own))? else { return Ok(see_other(NEW)) };
    let organization = own.account.organization().await.map_err(broken(own))?;
    let address = one_time_codes::address(&seed, &organization, &own.account.user_name());
    let letters: Vec<char> = seed.chars().collect();
    let groups: Vec<String> = letters.chunks(4).map(|group| group.iter().collect()).collect();
    let qr = Qr::of(&address).ok_or_else(|| own.staff.broken("the seed is too long for a QR code"))?;
    let page = CodesPage { csrf: &own.staff.csrf, qr, seed: groups.join(" "), refused };
    show_alone(status(refused), "Set up one-time codes", &page, own.staff.correlation())
}

/// Checks the first code of the app and adds the factor.
///
/// # Errors
/// Returns an error if the session store or the event log is unavailable.
pub(crate) async fn finish_codes(
    Fresh(own): Fresh<Own<SettingUp>>,
    Genuine(form): Genuine<Code>,
) -> Result<HttpResponse, Problem> {
    match own.account.finish_one_time_codes(&form.code).await.map_err(broken(&own))? {
        Some(added) => done(&own, added),
        None => {
            let why =
                "This code is not valid now. Enter the code that the app shows now, and check the clock of your phone.";
            codes_page(&own, Some(why)).await
        }
    }
}

/// Starts adding a passkey.
///
/// # Errors
/// Returns an error if the session store is unavailable.
pub(crate) async fn begin_passkey(
    Fresh(own): Fresh<Own<SettingUp>>,
    _form: Genuine<Empty>,
) -> Result<HttpResponse, Problem> {
    own.account.begin_passkey().await.map_err(broken(&own))?;
    Ok(see_other(PASSKEY))
}

/// Shows the page on which the browser creates the passkey.
///
/// # Errors
/// Returns an error if the session store is unavailable.
pub(crate) async fn passkey_page(Fresh(own): Fresh<Own<SettingUp>>) -> Result<HttpResponse, Problem> {
    match own.account.pending_passkey().await.map_err(broken(&own))? {
        Some(options) => passkey::add(&own.staff, &options, PASSKEY, NEW),
        None => Ok(see_other(NEW)),
    }
}

/// Checks the created passkey and adds the factor.
///
/// # Errors
/// Returns an error if the session store or the event log is unavailable.
pub(crate) async fn finish_passkey(
    Fresh(own): Fresh<Own<SettingUp>>,
    Genuine(form): Genuine<NewPasskey>,
) -> Result<HttpResponse, Problem> {
    match own.account.finish_passkey(&form.answer, &form.label).await.map_err(broken(&own))? {
        Some(added) => done(&own, added),
        None => new_page(&own, Some("The passkey was not added: the browser’s response was not valid. Try again.")),
    }
}

fn done<S>(own: &Own<S>, added: Added) -> Result<HttpResponse, Problem> {
    if added.recovery_codes.is_empty() {
        return with_key(see_other(super::PATH), added.key, &own.staff);
    }
    with_key(recovery_page(own, &added.recovery_codes)?, added.key, &own.staff)
}

fn recovery_page<S>(own: &Own<S>, codes: &[String]) -> Result<HttpResponse, Problem> {
    let goal = if own.standing == Standing::SetUp { home(&own.staff.roles) } else { super::PATH };
    let page = RecoveryPage { codes, goal };
    let shown = show_alone(StatusCode::OK, "Recovery codes", &page, own.staff.correlation());
    shown.map_err(Problem::reporting)
}

/// Creates new recovery codes, which are shown once.
///
/// # Errors
/// Returns an error if the account has no factor that they could replace, or the event log is unavailable.
pub(crate) async fn recovery_codes(Fresh(own): Fresh<Own>, _form: Genuine<Empty>) -> Result<HttpResponse, Problem> {
    let codes = own.account.make_recovery_codes().await.map_err(broken(&own))?;
    recovery_page(&own, &codes)
}

/// Removes a passkey.
///
/// # Errors
/// Returns an error if it is the last factor and one is required, or the event log is unavailable.
pub(crate) async fn remove_passkey(
    Fresh(own): Fresh<Own>,
    path: web::Path<Uuid>,
    _form: Genuine<Empty>,
) -> Result<HttpResponse, Problem> {
    own.account.remove_passkey(PasskeyId(*path)).await.map_err(broken(&own))?;
    Ok(see_other(super::PATH))
}

/// Removes the one-time codes.
///
/// # Errors
/// Returns an error if they are the last factor and one is required, or the event log is unavailable.
pub(crate) async fn remove_codes(Fresh(own): Fresh<Own>, _form: Genuine<Empty>) -> Result<HttpResponse, Problem> {
    own.account.remove_one_time_codes().await.map_err(broken(&own))?;
    Ok(see_other(super::PATH))
}
