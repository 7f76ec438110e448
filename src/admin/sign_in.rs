//! Sign-in to the console and sign-out.

use super::form::{Empty, Genuine};
use super::leaving::lead_on;
use super::pages::show_alone;
use super::problem::Problem;
use super::query::Parameters;
use super::render::view;
use super::session::{AtTheDoor, COOKIE, Own, SURFACE, address, cookie, home, local, see_other};
use super::words::browser_label;
use crate::admin::Console;
use crate::web::{forgery, host_cookie, lasting_host_cookie, no_cookie};
use ::sign_in::redirect::{Offer, Place};
use ::sign_in::{KNOWN_FOR_DAYS, Proof, Refused, SignInAnswer, Trying, Verified, record_staff_refusal, verify};
use actix_web::http::StatusCode;
use actix_web::http::header::USER_AGENT;
use actix_web::{HttpRequest, HttpResponse, web};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use decisions::staff::works_at_console;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use settings::shared_networks;
use staff::console::{StaffAdmission, StaffEntrance, admit_staff};
use std::fmt::Display;
use std::net::{IpAddr, Ipv6Addr};

/// Same message for an unknown name, a wrong password, a disabled account and a missing role.
const REFUSED: &str = "Sign-in failed. Check the user name and the password. The account also needs a role at the console: administrator, auditor or help desk.";

const NOT_NOW: &str = "You cannot sign in right now: a directory does not respond. The alarm directory-unavailable and the server’s log say which. Try again in a few minutes.";
const CHANGE_PASSWORD: &str = "Change your password first: it is correct, but the directory requires a new one. Then sign in with the new password.";

/// Marks a browser in which a staff member has signed in before. It is not a session.
const KNOWN_COOKIE: &str = "__Host-muster-console-known";

/// Holds the name of the account that was just created (base64url) until the sign-in page has shown it. It is not a
/// session; only this page reads it.
const WELCOME_COOKIE: &str = "__Host-muster-console-welcome";

#[derive(Deserialize)]
pub(crate) struct Wish {
    #[serde(default)]
    pub next: String,
}

#[derive(Deserialize)]
pub(crate) struct Credentials {
    user_name: String,
    password: String,
    #[serde(default)]
    next: String,
}

#[derive(Serialize)]
pub(crate) struct SignInPage<'a> {
    csrf: String,
    next: &'a str,
    refused: Option<&'a str>,
    /// Name of the account whose password was just set.
    made: Option<&'a str>,
    /// Identity providers, each with a button.
    providers: Vec<Offer>,
    /// The page has a form for user name and password.
    password: bool,
    /// No sign-in method is available.
    nobody: bool,
}

view!(sign_in, Alone, SignInPage<'_> { csrf, next, refused, made, providers, password, nobody });

impl<'a> SignInPage<'a> {
    /// Returns the page with the sign-in methods that the settings enable for staff.
    ///
    /// # Errors
    /// Returns an error if the settings cannot be read.
    pub(crate) async fn of(app: &Console, next: &'a str) -> Result<SignInPage<'a>, Problem> {
        let ways = app.settings.current().await.map_err(|error| broken(app, error))?.sign_in.staff;
        let providers = app.sign_in.providers.offers(&ways.single_sign_on);
        let password = ways.local_accounts || !ways.directories.is_empty();
        let (csrf, nobody) = (String::new(), !password && providers.is_empty());
        Ok(SignInPage { csrf, next: local(next, ""), refused: None, made: None, providers, password, nobody })
    }

    /// Adds the message that a sign-in was rejected.
    pub(crate) fn refusing(self, why: &'a str) -> SignInPage<'a> {
        SignInPage { refused: Some(why), ..self }
    }
}

/// Shows the sign-in form.
///
/// # Errors
/// Returns an error if the template cannot be rendered, or the settings cannot be read.
pub(crate) async fn page(
    app: web::Data<Console>,
    request: HttpRequest,
    Parameters(wish, _): Parameters<Wish>,
) -> Result<HttpResponse, Problem> {
    let made = request.cookie(WELCOME_COOKIE).and_then(|cookie| decoded(cookie.value()));
    let page = SignInPage { made: made.as_deref(), ..SignInPage::of(&app, &wish.next).await? };
    let mut response = form(&app, &request, StatusCode::OK, page)?;
    if made.is_some() {
        set_cookie(&mut response, no_cookie(WELCOME_COOKIE), &app)?;
    }
    Ok(response)
}

/// Redirects a person who created an account to the sign-in page, which then shows the account's name.
///
/// # Errors
/// Returns an error if the cookie cannot be written into the response's headers.
pub(crate) fn welcome(app: &Console, user_name: &str) -> Result<HttpResponse, Problem> {
    let mut response = see_other("/console/sign-in");
    set_cookie(&mut response, host_cookie(WELCOME_COOKIE, URL_SAFE_NO_PAD.encode(user_name)), app)?;
    Ok(response)
}

fn decoded(value: &str) -> Option<String> {
    String::from_utf8(URL_SAFE_NO_PAD.decode(value).ok()?).ok()
}

/// Renders the page with a cookie for its forms. An existing cookie is kept, so that two open forms do not invalidate
/// each other; it is replaced at sign-in.
///
/// # Errors
/// Returns an error if the template cannot be rendered, or the settings cannot be read.
pub(crate) fn form(
    app: &Console,
    request: &HttpRequest,
    status: StatusCode,
    page: SignInPage<'_>,
) -> Result<HttpResponse, Problem> {
    let value = cookie(request).unwrap_or_else(|| app.platform.world.secret());
    let page = SignInPage { csrf: forgery::token(&app.platform.secrets, SURFACE, &value), ..page };
    let mut response = show_alone(status, "Sign in", &page, app.platform.world.uuid())?;
    set_cookie(&mut response, host_cookie(COOKIE, value), app)?;
    Ok(response)
}

/// Handles a sign-in with user name and password.
///
/// # Errors
/// Returns an error if the accounts, the session store or the event log are unavailable.
pub(crate) async fn submit(
    app: web::Data<Console>,
    request: HttpRequest,
    Genuine(credentials): Genuine<Credentials>,
) -> Result<HttpResponse, Problem> {
    // A request over TCP always has an address.
    let source = address(&app, &request).unwrap_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED));
    let password = SecretString::from(credentials.password);
    let settings = app.settings.current().await.map_err(|error| broken(&app, error))?;
    let known = request.cookie(KNOWN_COOKIE);
    let trying = Trying {
        place: Place::Console,
        ways: &settings.sign_in.staff,
        user_name: &credentials.user_name,
        password: &password,
        source,
        known_browser: known.as_ref().map(|cookie| cookie.value()),
        people: shared_networks::people(&settings.shared_networks, source),
    };
    let verified = verify(&app.sign_in, &trying, works_at_console).await;
    match verified.map_err(|error| broken(&app, error))? {
        Verified::Proven(proof) => match enter(&app, &request, &proof, &credentials.next).await? {
            Some(mut response) => {
                let known = trying.remember_browser(&app.sign_in);
                set_cookie(&mut response, lasting_host_cookie(KNOWN_COOKIE, known, KNOWN_FOR_DAYS * 24), &app)?;
                Ok(response)
            }
            None => refused_again(&app, &request, &credentials.next).await,
        },
        Verified::Refused(refused) => refuse(&app, &request, &refused, source, &credentials.next).await,
    }
}

/// Signs in a person whose identity is proven, by any method. Returns `None` if the account is refused; the caller
/// answers as for a wrong password.
///
/// # Errors
/// Returns an error if the session store or the event log is unavailable.
pub(crate) async fn enter(
    app: &Console,
    request: &HttpRequest,
    proof: &Proof,
    next: &str,
) -> Result<Option<HttpResponse>, Problem> {
    let user_agent = request.headers().get(USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let entrance = StaffEntrance {
        source: address(app, request).unwrap_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED)),
        browser: browser_label(user_agent),
        replaced: cookie(request),
    };
    let admitted = admit_staff(&app.staff, proof, entrance).await.map_err(|error| broken(app, error))?;
    let StaffAdmission::In { key, roles } = admitted else { return Ok(None) };
    let mut response = see_other(local(next, home(&roles)));
    set_cookie(&mut response, host_cookie(COOKIE, key), app)?;
    Ok(Some(response))
}

async fn refuse(
    app: &Console,
    request: &HttpRequest,
    refused: &Refused,
    source: IpAddr,
    next: &str,
) -> Result<HttpResponse, Problem> {
    record_staff_refusal(&app.sign_in, refused, source).await.map_err(|error| broken(app, error))?;
    let (status, why) = match refused.answer() {
        SignInAnswer::Wait(seconds) => return Err(Problem::Throttled { seconds }),
        SignInAnswer::No => return refused_again(app, request, next).await,
        SignInAnswer::NotNow => (StatusCode::SERVICE_UNAVAILABLE, NOT_NOW),
        SignInAnswer::ChangePassword => (StatusCode::UNAUTHORIZED, CHANGE_PASSWORD),
    };
    form(app, request, status, SignInPage::of(app, next).await?.refusing(why))
}

async fn refused_again(app: &Console, request: &HttpRequest, next: &str) -> Result<HttpResponse, Problem> {
    form(app, request, StatusCode::UNAUTHORIZED, SignInPage::of(app, next).await?.refusing(REFUSED))
}

/// Ends the session on the server too, so that a copied cookie is worthless. A person who signed in at an identity
/// provider is redirected to sign out there too.
///
/// # Errors
/// Returns an error if the session store or the event log is unavailable.
pub(crate) async fn sign_out(own: Own<AtTheDoor>, _form: Genuine<Empty>) -> Result<HttpResponse, Problem> {
    own.account.sign_out().await.map_err(|error| own.staff.broken(error))?;
    let mut response = match own.account.sign_out_at_provider("/console/sign-in").await {
        Some(address) => lead_on(own.staff.correlation(), &address, true)?,
        None => see_other("/console/sign-in"),
    };
    response.add_cookie(&no_cookie(COOKIE)).map_err(|error| own.staff.broken(error))?;
    Ok(response)
}

/// Internal error: logs the cause and puts its code on the page.
pub(crate) fn broken(app: &Console, cause: impl Display + 'static) -> Problem {
    Problem::unavailable(cause, app.platform.world.uuid())
}

/// Sets a cookie.
///
/// # Errors
/// Returns an error if the cookie cannot be written into the response's headers.
pub(crate) fn set_cookie(
    response: &mut HttpResponse,
    cookie: actix_web::cookie::Cookie<'static>,
    app: &Console,
) -> Result<(), Problem> {
    response.add_cookie(&cookie).map_err(|error| broken(app, error))
}
