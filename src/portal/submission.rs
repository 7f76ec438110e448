//! A verified form: it came from a page of this portal, in this session. Handlers receive forms only as this type.

use super::account_link;
use super::problem::Problem;
use super::visitor::{SURFACE, Visitor};
use crate::web::forgery;
use actix_web::dev::Payload;
use actix_web::error::UrlencodedError;
use actix_web::{FromRequest, HttpRequest, web};
use futures_util::future::LocalBoxFuture;

/// Maximum size of a form in bytes.
pub(crate) const LIMIT: usize = 16 * 1024;

/// Fields of a form, and the visitor who sent it.
pub(crate) struct Submission {
    pub visitor: Visitor,
    fields: Vec<(String, String)>,
}

impl Submission {
    /// Takes a field out of the form.
    pub(crate) fn take(&mut self, name: &str) -> Option<String> {
        let place = self.fields.iter().position(|(field, _)| field == name)?;
        Some(self.fields.swap_remove(place).1)
    }
}

impl FromRequest for Submission {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Submission, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let form = web::Form::<Vec<(String, String)>>::from_request(request, payload);
        let request = request.clone();
        Box::pin(async move {
            let web::Form(fields) = form.await.map_err(|error| unreadable(&error))?;
            let mut visitor = Visitor::of(&request).await?;
            let field = |name: &str| fields.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str());
            if let Some(link) = field(account_link::FIELD) {
                account_link::enter(&mut visitor, link).await?;
            }
            let token = field("csrf").unwrap_or_default();
            let (secrets, url) = (&visitor.app.platform.secrets, &visitor.app.platform.public_url);
            if forgery::is_genuine(secrets, SURFACE, visitor.form_binding(), token, &request, url) {
                Ok(Submission { visitor, fields })
            } else {
                Err(Problem::Forged)
            }
        })
    }
}

fn unreadable(error: &actix_web::Error) -> Problem {
    match error.as_error::<UrlencodedError>() {
        Some(UrlencodedError::Overflow { .. }) => Problem::TooLarge,
        _ => Problem::Bad,
    }
}
