//! Signing in to the console and out of it.

use super::form::{Empty, Genuine};
use super::pages::show_alone;
use super::problem::Problem;
use super::session::{COOKIE, IsStaff, May, SURFACE, address, context, cookie, home, is_permitted};
use crate::app::App;
use crate::app::sign_in::{Proof, Refused, Verified, record_staff_refusal, verify};
use crate::app::staff_sessions::Beginning;
use crate::enrollment::staff::{Command, LocalAccount};
use crate::web::{forgery, host_cookie, no_cookie};
use actix_web::http::StatusCode;
use actix_web::http::header::LOCATION;
use actix_web::{HttpRequest, HttpResponse, web};
use events::enrollment::SignInMethodName;
use events::staff::{Privilege, StaffId};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt::Display;
use std::net::{IpAddr, Ipv6Addr};

/// The same for an unknown name, a wrong password, a disabled account and a missing role.
const REFUSED: &str = "That did not work. Check the user name and the password. The account also needs a role at the console: administrator or auditor.";

#[derive(Deserialize)]
pub struct Wish {
    #[serde(default)]
    next: String,
}

#[derive(Deserialize)]
pub struct Credentials {
    user_name: String,
    password: String,
    #[serde(default)]
    next: String,
}

#[derive(Serialize)]
struct Page<'a> {
    csrf: String,
    next: &'a str,
    refused: Option<&'a str>,
}

/// The form.
///
/// # Errors
/// If the page cannot be made.
pub async fn page(app: web::Data<App>, request: HttpRequest, wish: web::Query<Wish>) -> Result<HttpResponse, Problem> {
    form(&app, &request, &wish.next, StatusCode::OK, None)
}

// The cookie that is there stays, so that two open forms do not break each other; it is replaced at sign-in.
fn form(
    app: &App,
    request: &HttpRequest,
    next: &str,
    status: StatusCode,
    refused: Option<&str>,
) -> Result<HttpResponse, Problem> {
    let value = cookie(request).unwrap_or_else(|| app.world.secret());
    let page = Page { csrf: forgery::token(&app.secrets, SURFACE, &value), next: local(next, ""), refused };
    let mut response = show_alone(status, "sign_in", "Sign in", &page, app.world.uuid())?;
    set_cookie(&mut response, host_cookie(COOKIE, value), app)?;
    Ok(response)
}

/// A name and a password.
///
/// # Errors
/// If accounts, sessions or log cannot be used.
pub async fn submit(
    app: web::Data<App>,
    request: HttpRequest,
    Genuine(credentials): Genuine<Credentials>,
) -> Result<HttpResponse, Problem> {
    // Only a listener that is no socket has no address.
    let source = address(&app, &request).unwrap_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED));
    let password = SecretString::from(credentials.password);
    let ways = app.settings().await.map_err(|error| broken(&app, error))?.sign_in.staff;
    let verified = verify(&app, &ways, &credentials.user_name, &password, source, has_role).await;
    match verified.map_err(|error| broken(&app, error))? {
        Verified::Proven(Proof { local: Some((id, roles)), .. }) => {
            admit(&app, &request, (id, &roles), source, &credentials.next).await
        }
        Verified::Proven(_) => Err(broken(&app, "only local accounts sign in to the console")),
        Verified::Refused(refused) => refuse(&app, &request, &refused, source, &credentials.next).await,
    }
}

fn has_role(privileges: &BTreeSet<Privilege>) -> bool {
    is_permitted::<IsStaff>(privileges)
}

async fn admit(
    app: &App,
    request: &HttpRequest,
    (id, roles): (StaffId, &BTreeSet<Privilege>),
    source: IpAddr,
    next: &str,
) -> Result<HttpResponse, Problem> {
    let beginning = Beginning {
        id: app.world.uuid(),
        staff: id,
        method: SignInMethodName::LocalAccount,
        source: Some(source.to_string()),
        browser: String::new(),
        entered: true,
        replaced: cookie(request),
    };
    let context = context(id, Some(source), beginning.id);
    let key = app.staff_sessions.begin(&app.world, beginning).await.map_err(|error| broken(app, error))?;
    let command = Command::SignIn { method: SignInMethodName::LocalAccount };
    app.perform::<LocalAccount>(&id.stream(), &command, &context).await.map_err(|error| broken(app, error))?;
    let mut response = HttpResponse::SeeOther().insert_header((LOCATION, local(next, home(roles)).to_owned())).finish();
    set_cookie(&mut response, host_cookie(COOKIE, key), app)?;
    Ok(response)
}

async fn refuse(
    app: &App,
    request: &HttpRequest,
    refused: &Refused,
    source: IpAddr,
    next: &str,
) -> Result<HttpResponse, Problem> {
    record_staff_refusal(app, refused, source).await.map_err(|error| broken(app, error))?;
    match refused.retry_after {
        Some(seconds) => Err(Problem::Throttled { seconds }),
        None => form(app, request, next, StatusCode::UNAUTHORIZED, Some(REFUSED)),
    }
}

/// Ends the session: on the server, so that a copied cookie is worth nothing.
///
/// # Errors
/// If sessions or log cannot be used.
pub async fn sign_out(
    app: web::Data<App>,
    request: HttpRequest,
    staff: May<IsStaff>,
    _form: Genuine<Empty>,
) -> Result<HttpResponse, Problem> {
    if let Some(key) = cookie(&request) {
        app.staff_sessions.end(&key).await.map_err(|error| broken(&app, error))?;
    }
    let performed = app.perform::<LocalAccount>(&staff.id.stream(), &Command::SignOut, &staff.context()).await;
    performed.map_err(|error| broken(&app, error))?;
    let mut response = HttpResponse::SeeOther().insert_header((LOCATION, "/console/sign-in")).finish();
    set_cookie(&mut response, no_cookie(COOKIE), &app)?;
    Ok(response)
}

fn broken(app: &App, cause: impl Display) -> Problem {
    Problem::unavailable(cause, app.world.uuid())
}

fn set_cookie(
    response: &mut HttpResponse,
    cookie: actix_web::cookie::Cookie<'static>,
    app: &App,
) -> Result<(), Problem> {
    response.add_cookie(&cookie).map_err(|error| broken(app, error))
}

/// A page of the console to go on to. Anything else somebody may have put into the address leads home.
fn local<'a>(next: &'a str, home: &'a str) -> &'a str {
    let plain = next.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    let ours = next.starts_with("/console/") && !next.starts_with("/console/sign-") && !next.contains("//");
    if plain && ours { next } else { home }
}

#[cfg(test)]
mod tests {
    use super::local;

    #[test]
    fn after_sign_in_nobody_is_sent_to_another_site() {
        assert_eq!(
            local("/console/audit?type=DeviceEnrolled", "/console/devices"),
            "/console/audit?type=DeviceEnrolled"
        );
        for next in [
            "",
            "//evil.example",
            "/\\evil.example",
            "https:evil.example",
            "https://evil.example/console/",
            "/console//evil.example",
            "/console/\r\nSet-Cookie: a=b",
            "/console/\\evil",
            "/enroll",
            "/console/sign-in",
        ] {
            assert_eq!(local(next, "/console/devices"), "/console/devices", "{next:?}");
        }
    }
}
