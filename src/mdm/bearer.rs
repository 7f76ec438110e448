//! The access token that a device of an account-driven enrollment shows with every message.

use super::{Answer, refuse_message, unavailable};
use crate::app::App;
use actix_web::HttpRequest;
use actix_web::http::header::AUTHORIZATION;
use devices::identify::Known;
use enroll::account_driven::authorize::{Authorization, authorize};
use events::device::MessageRefusal;
use std::net::IpAddr;

/// Lets a proven device go on, or tells it to have its person sign in again. That answer is a 401 with a header; without one it
/// would remove management.
pub(super) async fn check(
    app: &App,
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

/// The `Authorization` header, if it can be read.
pub(super) fn header(request: &HttpRequest) -> Option<&str> {
    request.headers().get(AUTHORIZATION)?.to_str().ok()
}
