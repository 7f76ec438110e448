//! Forms that are accepted only if they came from a page of the console.

use super::problem::Problem;
use super::session::{COOKIE, SURFACE, app, cookie};
use crate::web::forgery;
use actix_web::dev::Payload;
use actix_web::error::UrlencodedError;
use actix_web::{FromRequest, HttpRequest, web};
use futures_util::future::LocalBoxFuture;
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// A form with a valid CSRF token for the sender's cookie.
pub(crate) struct Genuine<T>(pub T);

#[derive(Deserialize)]
struct Signed<T> {
    csrf: String,
    #[serde(flatten)]
    form: T,
}

impl<T: DeserializeOwned + 'static> FromRequest for Genuine<T> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Genuine<T>, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let form = web::Form::<Signed<T>>::from_request(request, payload);
        let request = request.clone();
        Box::pin(async move {
            let signed = form.await.map_err(|error| unreadable(&error))?.into_inner();
            let app = app(&request);
            let cookie = cookie(&request).ok_or(Problem::Forged)?;
            let url = &app.platform.public_url;
            if forgery::is_genuine(&app.platform.secrets, SURFACE, &cookie, &signed.csrf, &request, url) {
                Ok(Genuine(signed.form))
            } else {
                tracing::warn!(cookie = COOKIE, "rejected a form: its token is not the session's");
                Err(Problem::Forged)
            }
        })
    }
}

fn unreadable(error: &actix_web::Error) -> Problem {
    match error.as_error::<UrlencodedError>() {
        Some(UrlencodedError::Overflow { .. }) => {
            Problem::bad("The form has too much text. Shorten it and send it again.")
        }
        _ => Problem::bad("The form is incomplete."),
    }
}

/// A form that has only its CSRF token.
#[derive(Deserialize)]
pub(crate) struct Empty {}
