//! Extractor for the program that sends an API request.

use super::problem::ApiProblem;
use crate::admin::Console;
use crate::admin::session::{address, app};
use actix_web::dev::Payload;
use actix_web::http::header::AUTHORIZATION;
use actix_web::{FromRequest, HttpRequest};
use connections::room::Identity;
use events::Timestamp;
use events::log::Log;
use events::staff::{ApiResource, StaffId};
use futures_util::future::LocalBoxFuture;
use platform::named_secret;
use projections::Projections;
use sign_in::{TokenVerdict, by_token};
use staff::console::staff_context;
use std::fmt::Display;
use std::net::{IpAddr, Ipv6Addr};
use uuid::Uuid;

/// A program with a valid token.
pub(crate) struct Client {
    id: StaffId,
    source: IpAddr,
    /// Id of this request; error responses and the log use it as code.
    request: Uuid,
    app: Console,
}

impl Client {
    pub(crate) fn projections(&self) -> &Projections {
        &self.app.platform.projections
    }

    pub(crate) fn log(&self) -> &Log {
        &self.app.platform.log
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.app.platform.world.now()
    }

    /// Records what the program is about to receive.
    ///
    /// # Errors
    /// Returns an error if the event log cannot be written; then nothing may be sent.
    pub(crate) async fn record(&self, resource: ApiResource, filters: Vec<String>) -> Result<(), ApiProblem> {
        let context = staff_context(self.id, Some(self.source), self.request);
        let recorded = self.app.platform.record_api_read(self.id, resource, filters, context).await;
        recorded.map_err(|error| self.broken(error))
    }

    pub(crate) fn broken(&self, cause: impl Display) -> ApiProblem {
        ApiProblem::unavailable(cause, self.request)
    }
}

impl FromRequest for Client {
    type Error = ApiProblem;
    type Future = LocalBoxFuture<'static, Result<Client, ApiProblem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { identify(&request).await })
    }
}

async fn identify(request: &HttpRequest) -> Result<Client, ApiProblem> {
    let app = app(request);
    let token = bearer(request).ok_or(ApiProblem::NoToken)?;
    // A request over TCP always has an address.
    let source = address(&app, request).unwrap_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED));
    let id = app.platform.world.uuid();
    match by_token(&app.sign_in, token, source).await.map_err(|error| ApiProblem::unavailable(error, id))? {
        TokenVerdict::Client(client) => {
            crate::web::has_proven(&app.web, request, Identity::Program(client));
            Ok(Client { id: client, source, request: id, app })
        }
        TokenVerdict::Refused => Err(ApiProblem::Unauthorized),
        TokenVerdict::Throttled { seconds } => Err(ApiProblem::Throttled { seconds }),
    }
}

fn bearer(request: &HttpRequest) -> Option<&str> {
    named_secret::bearer(request.headers().get(AUTHORIZATION)?.to_str().ok()?)
}
