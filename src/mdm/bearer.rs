//! Access token check for account-driven enrollments: the device sends the token with every message.

use super::{Answer, refuse_message, unavailable};
use crate::mdm::Mdm;
use actix_web::HttpRequest;
use actix_web::http::header::AUTHORIZATION;
use devices::identify::Known;
use enroll::account_driven::authorize::{Authorization, authorize};
use events::device::MessageRefusal;
use std::net::IpAddr;

/// Checks the token of a device whose identity is proven. Without a valid token the device is asked to have its user
/// sign in again. That answer is a 401 with a `WWW-Authenticate` header; without the header it would remove management.
pub(super) async fn check(
    app: &Mdm,
    known: &Known,
    request: &HttpRequest,
    source: Option<IpAddr>,
) -> Result<(), Answer> {
    match authorize(&app.enroll, known, header(request), source).await.map_err(unavailable)? {
        Authorization::Granted => Ok(()),
        Authorization::SignInAgain(method) => Err(Answer::SignInAgain { method }),
        Authorization::Refused => Err(refuse_message(app, known, MessageRefusal::NoAccessToken, source).await),
    }
}

/// Returns the `Authorization` header; `None` if it is missing or not visible ASCII.
pub(super) fn header(request: &HttpRequest) -> Option<&str> {
    request.headers().get(AUTHORIZATION)?.to_str().ok()
}
