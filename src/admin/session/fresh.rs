//! Extractor for staff who confirmed their identity in the last minutes. It is required before factors, roles or
//! settings change, so that an unattended console cannot change them.

use super::{May, Own, Staff, local, wanted};
use crate::admin::problem::Problem;
use actix_web::dev::Payload;
use actix_web::http::Method;
use actix_web::http::header::REFERER;
use actix_web::{FromRequest, HttpRequest};
use futures_util::future::LocalBoxFuture;
use std::ops::Deref;
use url::Url;

/// Lifetime of a confirmation in seconds: long enough for a page of changes, too short for a lunch break.
const FRESH_SECONDS: i64 = 5 * 60;

/// `T` of a staff member with a fresh confirmation. Anyone else is redirected to confirm and then returns.
pub(crate) struct Fresh<T>(pub T);

/// A value that belongs to a session.
pub(crate) trait InSession {
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

/// Returns whether the confirmation is fresh, for pages that must not be left for it.
pub(crate) fn is_fresh(staff: &Staff) -> bool {
    staff.now().seconds_since(staff.session.confirmed) <= FRESH_SECONDS
}

// Returns the page to come back to. For a form this is the page that contained it, taken from `Referer`, which
// browsers send within one site.
fn page_of(request: &HttpRequest) -> String {
    if request.method() == Method::GET {
        return wanted(request);
    }
    let referer = request.headers().get(REFERER).and_then(|value| value.to_str().ok());
    let path = referer.and_then(|text| Url::parse(text).ok()).map(|url| url.path().to_owned());
    local(&path.unwrap_or_default(), "").to_owned()
}
