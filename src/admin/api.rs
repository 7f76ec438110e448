//! The API under `/api/v1`: programs read the inventory and the audit trail as JSON, with a token and no cookie. It reads
//! only, and what it hands out is written down before. Described in docs/api.md, which a test holds to what is here.

mod client;
mod problem;

use super::audit;
use super::devices;
use super::record::{DeviceRecord, EventRecord};
use actix_web::http::header::{CACHE_CONTROL, HeaderValue};
use actix_web::middleware::from_fn;
use actix_web::{HttpResponse, web};
use client::Client;
use events::staff::ApiResource;
use events::{EventId, device::DeviceId};
use problem::ApiProblem;
use projections::audit::{self as trail, AuditFilter};
use projections::devices as inventory;
use serde::{Deserialize, Serialize};

/// Records in an answer, unless fewer or more are asked for …
const USUAL: usize = 100;
/// … and never more than these.
const MOST: usize = 1_000;

/// How many are wanted; the rest of the query are the filters of the console's pages.
#[derive(Deserialize)]
struct Paging {
    limit: Option<usize>,
}

impl Paging {
    fn limit(&self) -> Result<usize, ApiProblem> {
        match self.limit.unwrap_or(USUAL) {
            limit @ 1..=MOST => Ok(limit),
            _ => Err(ApiProblem::Bad("limit is a number from 1 to 1000")),
        }
    }
}

#[derive(Serialize)]
struct Devices {
    devices: Vec<DeviceRecord>,
    next: Option<DeviceId>,
}

#[derive(Serialize)]
struct Events {
    events: Vec<EventRecord>,
    next: Option<EventId>,
    more: bool,
}

/// The routes of the API.
pub fn routes() -> actix_web::Scope<
    impl actix_web::dev::ServiceFactory<
        actix_web::dev::ServiceRequest,
        Config = (),
        Response = actix_web::dev::ServiceResponse<impl actix_web::body::MessageBody>,
        Error = actix_web::Error,
        InitError = (),
    >,
> {
    web::scope("/api/v1")
        .wrap(from_fn(secure))
        .app_data(
            web::QueryConfig::default().error_handler(|_, _| ApiProblem::Bad("the query is not understood").into()),
        )
        .service(web::resource("/devices").route(web::get().to(list_devices)).default_service(web::to(method)))
        .service(web::resource("/audit").route(web::get().to(list_events)).default_service(web::to(method)))
        .default_service(web::to(nothing_here))
}

async fn list_devices(
    client: Client,
    filters: web::Query<devices::Filters>,
    paging: web::Query<Paging>,
) -> Result<HttpResponse, ApiProblem> {
    let (filter, limit) = (filters.parse(client.now())?, paging.limit()?);
    if let Some(after) = filter.after {
        let there = inventory::get(client.projections(), after, None).await;
        there.map_err(|error| client.broken(error))?.ok_or(ApiProblem::UnknownCursor)?;
    }
    client.record(ApiResource::Devices, filters.told()).await?;
    let found = inventory::list(client.projections(), filter, limit).await.map_err(|error| client.broken(error))?;
    let devices = found.devices.iter().map(DeviceRecord::from).collect();
    Ok(HttpResponse::Ok().json(Devices { devices, next: found.next }))
}

/// In the order of the log: whoever gives `next` back as `after` gets what has happened since, and nothing twice.
async fn list_events(
    client: Client,
    filters: web::Query<audit::Filters>,
    paging: web::Query<Paging>,
) -> Result<HttpResponse, ApiProblem> {
    let (filter, limit) = (AuditFilter { oldest_first: true, ..filters.parse()? }, paging.limit()?);
    if let Some(after) = filter.after {
        let there = trail::find(client.projections(), after).await;
        there.map_err(|error| client.broken(error))?.ok_or(ApiProblem::UnknownCursor)?;
    }
    client.record(ApiResource::Audit, filters.told()).await?;
    let after = filter.after;
    let found = trail::query(client.projections(), filter, limit).await.map_err(|error| client.broken(error))?;
    let next = found.rows.last().map(|row| row.event).or(after);
    let events = found.rows.iter().map(EventRecord::from).collect();
    Ok(HttpResponse::Ok().json(Events { events, next, more: found.next.is_some() }))
}

async fn nothing_here() -> ApiProblem {
    ApiProblem::NotFound
}

async fn method() -> ApiProblem {
    ApiProblem::Method
}

// What comes from here is for the program alone, and shown by no browser.
async fn secure(
    request: actix_web::dev::ServiceRequest,
    next: actix_web::middleware::Next<impl actix_web::body::MessageBody>,
) -> Result<actix_web::dev::ServiceResponse<impl actix_web::body::MessageBody>, actix_web::Error> {
    let mut response = next.call(request).await?;
    let headers = response.headers_mut();
    crate::web::headers::secure(headers, &crate::web::headers::content_security_policy(""));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}
