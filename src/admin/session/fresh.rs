//! Somebody who proved themselves in the last minutes: asked for before factors, roles or settings change, so that a
//! console that was left open changes none of them.

use super::{May, Own, Staff, local, wanted};
use crate::admin::problem::Problem;
use actix_web::dev::Payload;
use actix_web::http::Method;
use actix_web::http::header::REFERER;
use actix_web::{FromRequest, HttpRequest};
use futures_util::future::LocalBoxFuture;
use std::ops::Deref;
use url::Url;

/// A proof is fresh for so many seconds: long enough for a page of changes, not for a lunch.
const FRESH_SECONDS: i64 = 5 * 60;

/// `T` of somebody who proved themselves lately; all others are asked to, and come back.
pub struct Fresh<T>(pub T);

/// What comes with a session.
pub trait InSession {
    fn staff(&self) -> &Staff;
}

impl<P> InSession for May<P> {
    fn staff(&self) -> &Staff {
        self.deref()
    }
}

impl<S> InSession for Own<S> {
    fn staff(&self) -> &Staff {
        &self.staff
    }
}

impl<T> FromRequest for Fresh<T>
where
    T: FromRequest<Error = Problem> + InSession + 'static,
    T::Future: 'static,
{
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Fresh<T>, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let inner = T::from_request(request, payload);
        let request = request.clone();
        Box::pin(async move {
            let inner = inner.await?;
            if is_fresh(inner.staff()) { Ok(Fresh(inner)) } else { Err(Problem::Confirm { next: page_of(&request) }) }
        })
    }
}

/// Whether they proved themselves lately, for pages that must not be left for the proof.
pub fn is_fresh(staff: &Staff) -> bool {
    staff.now().seconds_since(staff.session.confirmed) <= FRESH_SECONDS
}

// Back to the page; of a form, to the page that it was on, which browsers tell within one site.
fn page_of(request: &HttpRequest) -> String {
    if request.method() == Method::GET {
        return wanted(request);
    }
    let referer = request.headers().get(REFERER).and_then(|value| value.to_str().ok());
    let path = referer.and_then(|text| Url::parse(text).ok()).map(|url| url.path().to_owned());
    local(&path.unwrap_or_default(), "").to_owned()
}
