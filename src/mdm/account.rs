//! Account-driven enrollment: the service discovery document, the enrollment profile endpoint and the token endpoint.
//! The device signs its request with its built-in identity. This signature proves no person. It does not always prove a
//! device either, because newer Apple CAs may be unknown here.

use super::answer::Answer;
use super::bearer;
use super::body;
use super::machine_information;
use super::{refuse_stranger, unavailable};
use crate::mdm::Mdm;
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

pub(crate) use enroll::account_driven::discovery::WELL_KNOWN;

/// Limit for the body, in bytes. Machine information has a few KiB, most of it the certificate chain of the device's
/// identity.
const MAX_BODY: usize = 64 * 1024;

pub(crate) fn routes(config: &mut web::ServiceConfig) {
    config.route("/account/{version}", web::post().to(ask)).route("/account-token", web::post().to(grant));
}

/// Query of the discovery request. Devices also send `user-identifier`. It is ignored, since the answer is the same for
/// every user.
#[derive(Deserialize)]
pub(super) struct Discovering {
    #[serde(rename = "model-family")]
    model_family: Option<String>,
}

/// `GET /.well-known/com.apple.remotemanagement`. A device that sends no family gets the answer for iPhones.
pub(super) async fn discover(request: HttpRequest, app: Data<Mdm>, asked: Query<Discovering>) -> HttpResponse {
    let settings = match app.settings.current().await {
        Ok(settings) => settings,
        Err(error) => return unavailable(error).into_response(),
    };
    let family = family(asked.model_family.as_deref().unwrap_or("iPhone"));
    if let Some(mode) = family.and_then(|family| mode(&settings, family)) {
        return HttpResponse::Ok().json(document(&app.platform.public_url, mode));
    }
    let source = crate::web::source(&request, &app.web.trusted_proxies);
    let refused = RefusalEvent::DeviceRefused { why: EnrollmentRefusal::AccountDrivenNotOffered, product: None };
    if let Err(error) = app.sign_in.record_refusal_of_stranger(refused, source).await {
        return unavailable(error).into_response();
    }
    // mdm/errors/well-known.failed.yaml. A device older than iOS 17.5 ignores it and shows its own text.
    HttpResponse::Forbidden().json(json!({
        "code": "com.apple.well-known.failed",
        "message": format!("{} does not offer account-driven enrollment for this kind of device.", settings.organization),
        "description": "settings: account_driven.families allows no enrollment for this device family",
    }))
}

/// `POST /mdm/account-token` ([`TOKEN_PATH`](enroll::account_driven::discovery::TOKEN_PATH)): the OAuth 2.0 token
/// endpoint (RFC 6749 section 3.2).
async fn grant(request: HttpRequest, app: Data<Mdm>, wanted: Result<Form<Wanted>, Error>) -> HttpResponse {
    let source = crate::web::source(&request, &app.web.trusted_proxies);
    let no_store = (CACHE_CONTROL, "no-store");
    match app.enroll.grant(wanted.ok().as_deref(), source).await {
        Ok(granted) => HttpResponse::Ok().insert_header(no_store).json(granted),
        Err(GrantError::Refused(denied)) => {
            HttpResponse::BadRequest().insert_header(no_store).json(json!({ "error": denied.as_str() }))
        }
        Err(error) => unavailable(error).into_response(),
    }
}

async fn ask(request: HttpRequest, payload: Payload, version: Path<String>, app: Data<Mdm>) -> Answer {
    take(&request, payload, &version, &app).await.unwrap_or_else(|answer| answer)
}

async fn take(request: &HttpRequest, payload: Payload, version: &str, app: &Mdm) -> Result<Answer, Answer> {
    let source = crate::web::source(request, &app.web.trusted_proxies);
    // The raw bytes, whatever the content type: iOS 15 sends application/x-www-form-urlencoded.
    let body = body::whole(app, payload, MAX_BODY, source).await?;
    let Some(mode) = EnrollmentMode::of_version(version) else {
        return Err(refuse_stranger(app, DeviceRequestRefusal::NotUnderstood, source, Answer::NotFound).await);
    };
    let machine = machine_information::read(app, body, source).await?;
    app.platform.metrics.check_in("MachineInformation");
    let asking = Asking { mode, machine, source };
    match app.enroll.serve_by_account(&asking, bearer::header(request)).await.map_err(unavailable)? {
        Served::Profile(profile) => Ok(Answer::Profile(profile)),
        // The device is not enrolled yet, so this 401 removes no management. No event caused it.
        Served::SignIn(method) => Ok(Answer::SignInAgain { method }),
        Served::Refused(_) => Ok(Answer::Forbidden),
    }
}
