//! Middleware that reports each request to the connection sweep. A request is running until its response was handed
//! over. For its body, the middleware reports when a handler waits for it and how many bytes arrived. A trusted proxy's
//! connection belongs to no single client, so there the number of running requests per forwarded address is limited.

use crate::app::App;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::error::PayloadError;
use actix_web::middleware::Next;
use actix_web::web::{Bytes, Data};
use actix_web::{Error, HttpMessage as _, HttpResponse};
use connections::{Connection, Forwarded, Limits};
use futures_util::Stream;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

/// Middleware for `actix_web::middleware::from_fn`.
///
/// # Errors
/// Returns the error of the wrapped handler.
pub(crate) async fn bound(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<Handed>, Error> {
    let under_way = request.conn_data::<Arc<Connection>>().cloned().map(UnderWay::begin);
    if let Some(UnderWay(connection)) = &under_way {
        let body = request.take_payload();
        if !matches!(body, Payload::None) {
            let payload = Box::pin(Awaited { body, connection: connection.clone(), is_whole: false });
            request.set_payload(Payload::Stream { payload });
        }
    }
    let forwarded = match of_forwarded_address(&request) {
        Ok(forwarded) => forwarded,
        Err(TooMany) => {
            let busy = HttpResponse::ServiceUnavailable().insert_header(("Retry-After", "5")).finish();
            return Ok(request.into_response(busy).map_body(|_, body| Handed { body, _held: (under_way, None) }));
        }
    };
    let answer = next.call(request).await?.map_into_boxed_body();
    Ok(answer.map_body(|_, body| Handed { body, _held: (under_way, forwarded) }))
}

struct TooMany;

fn of_forwarded_address(request: &ServiceRequest) -> Result<Option<Forwarded>, TooMany> {
    let (Some(app), Some(limits)) = (request.app_data::<Data<App>>(), request.app_data::<Data<Limits>>()) else {
        return Ok(None);
    };
    let proxies = &app.config.server.trusted_proxies;
    let Some(peer) = request.peer_addr().map(|peer| peer.ip().to_canonical()) else { return Ok(None) };
    match crate::web::source(request.request(), proxies) {
        Some(source) if proxies.contains(&peer) => {
            app.connections.forwarded(source, limits.per_forwarded_address).map(Some).ok_or(TooMany)
        }
        _ => Ok(None),
    }
}

/// A running request, until this value is dropped.
struct UnderWay(Arc<Connection>);

impl UnderWay {
    fn begin(connection: Arc<Connection>) -> UnderWay {
        connection.begins();
        UnderWay(connection)
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.finishes(Instant::now());
    }
}

/// The body of a response. The request is running until this body is dropped.
pub(crate) struct Handed {
    body: BoxBody,
    _held: (Option<UnderWay>, Option<Forwarded>),
}

impl MessageBody for Handed {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.body).poll_next(context)
    }
}

/// The body of a request. Reports its progress to the connection.
struct Awaited {
    body: Payload,
    connection: Arc<Connection>,
    is_whole: bool,
}

impl Stream for Awaited {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = Pin::new(&mut self.body).poll_next(context);
        match &next {
            Poll::Pending => self.connection.awaits_body(Instant::now()),
            Poll::Ready(Some(Ok(bytes))) => self.connection.has_body(Instant::now(), bytes.len()),
            Poll::Ready(_) => {
                self.is_whole = true;
                self.connection.has_whole_body();
            }
        }
        next
    }
}

impl Drop for Awaited {
    fn drop(&mut self) {
        if !self.is_whole {
            self.connection.leaves_body();
        }
    }
}
