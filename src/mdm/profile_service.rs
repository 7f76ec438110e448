//! `POST /mdm/profile-service`: an organization's device sends its attributes, signed, before it gets the MDM profile,
//! and later requests that profile. Apple's phases 2 and 3 share one address; the signing certificate distinguishes
//! them.

use super::answer::Answer;
use super::body;
use super::{device_message, unavailable};
use crate::mdm::Mdm;
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, web};
use enroll::profile_service::ProfileServiceError;
use pki::device_signed::LARGEST_MESSAGE;

pub(crate) fn routes(config: &mut web::ServiceConfig) {
    config.route("/profile-service", web::post().to(post));
}

async fn post(request: HttpRequest, payload: Payload, app: Data<Mdm>) -> Answer {
    take(&request, payload, &app).await.unwrap_or_else(|answer| answer)
}

async fn take(request: &HttpRequest, payload: Payload, app: &Mdm) -> Result<Answer, Answer> {
    let source = crate::web::source(request, &app.web.trusted_proxies);
    // Devices send application/pkcs7-signature. The content type is not checked.
    let body = body::whole(app, payload, LARGEST_MESSAGE, source).await?;
    let message = device_message(app, body, source).await?;
    match app.enroll.answer_profile_service(message, source).await {
        Ok(signed) => Ok(Answer::Profile(signed)),
        Err(ProfileServiceError::Unavailable(why)) => Err(unavailable(why)),
        Err(error) => {
            tracing::warn!(%error, "refused a device's Profile Service message");
            Err(match error {
                ProfileServiceError::NotUnderstood(_) => Answer::BadRequest,
                _ => Answer::Forbidden,
            })
        }
    }
}
