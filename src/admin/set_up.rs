//! First run: the page behind the printed link, where the first administrator creates an account.

use super::account::sentence;
use super::form::Genuine;
use super::pages::show_alone;
use super::problem::Problem;
use super::render::view;
use super::session::{COOKIE, SURFACE, address, cookie};
use super::sign_in;
use crate::admin::Console;
use crate::web::{forgery, host_cookie};
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use staff::set_up::{FirstAdministrator, SetUpError, check, set_up};

#[derive(Deserialize)]
pub(crate) struct Form {
    user_name: String,
    #[serde(default)]
    display_name: String,
    password: String,
    again: String,
}

#[derive(Serialize)]
struct SetUpPage<'a> {
    csrf: String,
    action: String,
    user_name: &'a str,
    display_name: &'a str,
    refused: Option<String>,
}

view!(set_up, Alone, SetUpPage<'_> { csrf, action, user_name, display_name, refused });

/// Shows the form if the link is valid.
///
/// # Errors
/// Returns an error if the link is invalid, or the event log cannot be read.
pub(crate) async fn page(
    app: web::Data<Console>,
    request: HttpRequest,
    token: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    check(&app.staff, &token).await.map_err(|error| problem(&app, error))?;
    form(&app, &request, &token, ("", ""), None)
}

fn form(
    app: &Console,
    request: &HttpRequest,
    token: &str,
    (user_name, display_name): (&str, &str),
    refused: Option<String>,
) -> Result<HttpResponse, Problem> {
    let value = cookie(request).unwrap_or_else(|| app.platform.world.secret());
    let csrf = forgery::token(&app.platform.secrets, SURFACE, &value);
    let status = if refused.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let page = SetUpPage { csrf, action: format!("/console/set-up/{token}"), user_name, display_name, refused };
    let mut response = show_alone(status, "Set up Muster", &page, app.platform.world.uuid())?;
    let set = response.add_cookie(&host_cookie(COOKIE, value));
    set.map_err(|error| Problem::unavailable(error, app.platform.world.uuid()))?;
    Ok(response)
}

/// Creates the account and redirects to the sign-in page.
///
/// # Errors
/// Returns an error if the link is invalid, or the event log is unavailable.
pub(crate) async fn submit(
    app: web::Data<Console>,
    request: HttpRequest,
    token: web::Path<String>,
    Genuine(chosen): Genuine<Form>,
) -> Result<HttpResponse, Problem> {
    let names = (chosen.user_name.as_str(), chosen.display_name.as_str());
    if chosen.password != chosen.again {
        return form(&app, &request, &token, names, Some("The two passwords do not match.".into()));
    }
    let user_name = chosen.user_name.trim().to_owned();
    let first = FirstAdministrator {
        user_name: user_name.clone(),
        display_name: Some(chosen.display_name.trim().to_owned()).filter(|name| !name.is_empty()),
        password: SecretString::from(chosen.password),
        source: address(&app, &request),
    };
    match set_up(&app.staff, &token, first).await {
        Ok(()) => sign_in::welcome(&app, &user_name),
        Err(why @ (SetUpError::Name(_) | SetUpError::Password(_))) => {
            form(&app, &request, &token, names, Some(sentence(&why)))
        }
        Err(error) => Err(problem(&app, error)),
    }
}

fn problem(app: &Console, error: SetUpError) -> Problem {
    match error {
        SetUpError::Broken(why) => Problem::unavailable(why, app.platform.world.uuid()),
        _ => Problem::LinkDead,
    }
}
