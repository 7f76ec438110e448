//! Enrollment from Settings, by account: where devices find us, and where they ask for their profile. What they say is signed
//! with the identity that they were made with; it proves no person and, since newer CAs are not known, not always a device.

use super::answer::Answer;
use super::bearer;
use super::body;
use super::machine_information;
use super::{refuse_stranger, unavailable};
use crate::app::App;
use actix_web::http::header::CACHE_CONTROL;
use actix_web::web::{Data, Form, Path, Payload, Query};
use actix_web::{Error, HttpRequest, HttpResponse, web};
use enroll::account_driven::discovery::{document, family, mode};
use enroll::account_driven::grant::{GrantError, Wanted};
use enroll::account_driven::serve::{Asking, Served};
use events::enrollment::{EnrollmentMode, EnrollmentRefusal};
use events::system::{DeviceRequestRefusal, RefusalEvent};
use serde::Deserialize;
use serde_json::json;

pub use enroll::account_driven::discovery::WELL_KNOWN;

/// Machine information has a few KiB, most of it the chain of the device's identity.
const MAX_BODY: usize = 64 * 1024;

pub fn routes(config: &mut web::ServiceConfig) {
    config.route("/account/{version}", web::post().to(ask)).route("/account-token", web::post().to(grant));
}

/// What a device asks with. `user-identifier` is there, too, and is not looked at: the answer is the same for everybody.
#[derive(Deserialize)]
pub(super) struct Discovering {
    #[serde(rename = "model-family")]
    model_family: Option<String>,
}

/// `GET /.well-known/com.apple.remotemanagement`. Devices that tell no family are shown what iPhones are.
pub(super) async fn discover(request: HttpRequest, app: Data<App>, asked: Query<Discovering>) -> HttpResponse {
    let settings = match app.settings.current().await {
        Ok(settings) => settings,
        Err(error) => return unavailable(error).into_response(),
    };
    let family = family(asked.model_family.as_deref().unwrap_or("iPhone"));
    if let Some(mode) = family.and_then(|family| mode(&settings, family)) {
        return HttpResponse::Ok().json(document(&app.config.server.public_url, mode));
    }
    let source = crate::web::source(&request, &app.config.server.trusted_proxies);
    let refused = RefusalEvent::DeviceRefused { why: EnrollmentRefusal::AccountDrivenNotOffered, product: None };
    if let Err(error) = app.sign_in.tell_of_stranger(refused, source).await {
        return unavailable(error).into_response();
    }
    // mdm/errors/well-known.failed.yaml; earlier than iOS 17.5 a device says so in words of its own.
    HttpResponse::Forbidden().json(json!({
        "code": "com.apple.well-known.failed",
        "message": format!("{} does not enroll this kind of device by account.", settings.organization),
        "description": "settings: account_driven.families names no kind for this family that may enroll",
    }))
}

/// `POST /mdm/account-token`, as [`TOKEN_PATH`](enroll::account_driven::discovery::TOKEN_PATH) says: the token endpoint
/// (RFC 6749 section 3.2).
async fn grant(request: HttpRequest, app: Data<App>, wanted: Result<Form<Wanted>, Error>) -> HttpResponse {
    let source = crate::web::source(&request, &app.config.server.trusted_proxies);
    let no_store = (CACHE_CONTROL, "no-store");
    match app.enroll.grant(wanted.ok().as_deref(), source).await {
        Ok(granted) => HttpResponse::Ok().insert_header(no_store).json(granted),
        Err(GrantError::Refused(denied)) => {
            HttpResponse::BadRequest().insert_header(no_store).json(json!({ "error": denied.as_str() }))
        }
        Err(error) => unavailable(error).into_response(),
    }
}

async fn ask(request: HttpRequest, payload: Payload, version: Path<String>, app: Data<App>) -> Answer {
    take(&request, payload, &version, &app).await.unwrap_or_else(|answer| answer)
}

async fn take(request: &HttpRequest, payload: Payload, version: &str, app: &App) -> Result<Answer, Answer> {
    let source = crate::web::source(request, &app.config.server.trusted_proxies);
    // The bytes as they are: iOS 15 calls them a form (application/x-www-form-urlencoded).
    let body = body::whole(app, payload, MAX_BODY, source).await?;
    let Some(mode) = EnrollmentMode::of_version(version) else {
        return Err(refuse_stranger(app, DeviceRequestRefusal::NotUnderstood, source, Answer::NotFound).await);
    };
    let machine = machine_information::read(app, body, source).await?;
    app.platform.metrics.check_in("MachineInformation");
    let asking = Asking { mode, machine, source };
    match app.enroll.serve_by_account(&asking, bearer::header(request)).await.map_err(unavailable)? {
        Served::Profile(profile) => Ok(Answer::Profile(profile)),
        // Not enrolled and not managed: this 401 removes nothing, and has no event that caused it.
        Served::SignIn(method) => Ok(Answer::SignInAgain { method }),
        Served::Refused(_) => Ok(Answer::Forbidden),
    }
}
