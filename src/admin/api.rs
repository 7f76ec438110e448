//! The API under `/api/v1`: programs read the inventory, previous records, links and the audit trail as JSON,
//! authenticated by a token, without cookies. The API is read-only, and each read is recorded before its data is sent.
//! A test checks docs/api.md against this module.

mod client;
mod problem;

use super::audit;
use super::cleared::{self, Reader};
use super::devices;
use super::imports;
use super::links;
use super::problem::Problem;
use super::query::{Parameters, filled};
use super::record::{DeviceRecord, EventRecord, ImportRecord, LinkRecord, PreviousRecord};
use super::records;
use crate::web::methods::{Read as _, refused};
use actix_web::body::MessageBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, ETag, EntityTag, IfNoneMatch};
use actix_web::middleware::{Compress, Next, from_fn};
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse, ResponseError as _, web};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use client::Client;
use events::EventId;
use events::record::{ImportId, RecordId};
use events::staff::ApiResource;
use problem::ApiProblem;
use projections::audit::{self as trail, AuditFilter};
use projections::devices as inventory;
use projections::links as linked;
use projections::records as previous;
use serde::{Deserialize, Serialize};

/// Default number of records in a response.
const USUAL: usize = 100;
/// Maximum number of records in a response.
const MOST: usize = 1_000;

/// Limit of the response; the other query parameters are the filters of the console's pages.
#[derive(Deserialize)]
struct Paging {
    limit: Option<String>,
}

impl Paging {
    fn limit(&self) -> Result<usize, Problem> {
        let Some(text) = filled(self.limit.as_deref()) else { return Ok(USUAL) };
        let limit = text.parse().ok().filter(|limit| (1..=MOST).contains(limit));
        limit.ok_or(Problem::Bad("It must be a number from 1 to 1000.").of("limit"))
    }
}

#[derive(Serialize)]
struct Devices {
    devices: Vec<DeviceRecord>,
    next: Option<String>,
}

#[derive(Serialize)]
struct Records {
    records: Vec<PreviousRecord>,
    next: Option<RecordId>,
}

#[derive(Serialize)]
struct Imports {
    imports: Vec<ImportRecord>,
    next: Option<ImportId>,
}

#[derive(Serialize)]
struct Links {
    links: Vec<LinkRecord>,
    next: Option<String>,
}

#[derive(Serialize)]
struct Events {
    events: Vec<EventRecord>,
    next: Option<EventId>,
    more: bool,
}

/// Returns the routes of the API.
pub(crate) fn routes() -> actix_web::Scope<
    impl actix_web::dev::ServiceFactory<
        actix_web::dev::ServiceRequest,
        Config = (),
        Response = actix_web::dev::ServiceResponse<impl MessageBody>,
        Error = actix_web::Error,
        InitError = (),
    >,
> {
    web::scope("/api/v1")
        // Compression reveals nothing (BREACH): only the holder of the token can request a response, and no response
        // contains another secret.
        .wrap(Compress::default())
        .wrap(from_fn(secure))
        .service(web::resource("/devices").read(list_devices))
        .service(web::resource("/records").read(list_records))
        .service(web::resource("/imports").read(list_imports))
        .service(web::resource("/links").read(list_links))
        .service(web::resource("/audit").read(list_events))
        .default_service(web::to(nothing_here))
}

async fn list_devices(client: Client, request: HttpRequest) -> Result<HttpResponse, ApiProblem> {
    let Parameters(filters, paging) = Parameters::<devices::Filters, Paging>::read_filled(request.query_string())?;
    let (filter, limit) = (filters.parse(client.now())?, paging.limit()?);
    if let Some(after) = &filter.after {
        let there = inventory::get(client.projections(), after.device, None).await;
        there.map_err(|error| client.broken(error))?.ok_or(ApiProblem::UnknownCursor)?;
    }
    client.record(ApiResource::Devices, filters.names_and_values()).await?;
    let found = inventory::list(client.projections(), filter, limit).await.map_err(|error| client.broken(error))?;
    let devices = cleared::devices(client.projections(), &Reader::Program, found.devices).await;
    let devices = devices.map_err(|error| client.broken(error))?.iter().map(DeviceRecord::from).collect();
    answer(&client, &request, &Devices { devices, next: found.next.map(|next| next.to_string()) })
}

async fn list_records(client: Client, request: HttpRequest) -> Result<HttpResponse, ApiProblem> {
    let Parameters(filters, paging) = Parameters::<records::Filters, Paging>::read_filled(request.query_string())?;
    let (filter, limit) = (filters.parse()?, paging.limit()?);
    if let Some(after) = filter.after {
        let there = previous::is_known(client.projections(), after).await.map_err(|error| client.broken(error))?;
        there.then_some(()).ok_or(ApiProblem::UnknownCursor)?;
    }
    client.record(ApiResource::Records, filters.names_and_values()).await?;
    let found = previous::list(client.projections(), filter, limit).await.map_err(|error| client.broken(error))?;
    let shown = found.records.into_iter().map(|row| cleared::record(&Reader::Program, row));
    let records = shown.map(|row| PreviousRecord::from(&row)).collect();
    answer(&client, &request, &Records { records, next: found.next })
}

async fn list_imports(client: Client, request: HttpRequest) -> Result<HttpResponse, ApiProblem> {
    let Parameters(from, paging) = Parameters::<imports::Cursor, Paging>::read_filled(request.query_string())?;
    let (after, limit) = (from.after()?, paging.limit()?);
    if let Some(after) = after {
        let there = previous::import_of_id(client.projections(), after).await;
        there.map_err(|error| client.broken(error))?.ok_or(ApiProblem::UnknownCursor)?;
    }
    client.record(ApiResource::Imports, vec![]).await?;
    let found = previous::imports(client.projections(), after, limit).await.map_err(|error| client.broken(error))?;
    let imports = found.imports.iter().map(ImportRecord::from).collect();
    answer(&client, &request, &Imports { imports, next: found.next })
}

async fn list_links(client: Client, request: HttpRequest) -> Result<HttpResponse, ApiProblem> {
    let Parameters(filters, paging) = Parameters::<links::Filters, Paging>::read_filled(request.query_string())?;
    let (filter, limit) = (filters.of_program()?, paging.limit()?);
    client.record(ApiResource::Links, filters.names_and_values()).await?;
    let found = linked::list(client.projections(), filter, limit).await.map_err(|error| client.broken(error))?;
    let links = found.links.iter().map(LinkRecord::from).collect();
    answer(&client, &request, &Links { links, next: found.next.map(|next| next.to_string()) })
}

/// Lists events in the order of the log. A client that passes `next` as `after` gets the events since then, each only
/// once.
async fn list_events(client: Client, request: HttpRequest) -> Result<HttpResponse, ApiProblem> {
    let Parameters(filters, paging) = Parameters::<audit::Filters, Paging>::read_filled(request.query_string())?;
    let limit = paging.limit()?;
    let filter = filters.parse(client.projections(), |error| client.broken(error)).await?;
    let filter = AuditFilter { oldest_first: true, ..filter };
    if let Some(after) = filter.after {
        let there = trail::find(client.projections(), client.log(), after).await;
        there.map_err(|error| client.broken(error))?.ok_or(ApiProblem::UnknownCursor)?;
    }
    client.record(ApiResource::Audit, filters.names_and_values()).await?;
    let after = filter.after;
    let found =
        trail::query(client.projections(), client.log(), filter, limit).await.map_err(|error| client.broken(error))?;
    let next = found.next.or(found.rows.last().map(|row| row.event)).or(after);
    let events = found.rows.iter().map(EventRecord::from).collect();
    answer(&client, &request, &Events { events, next, more: found.next.is_some() })
}

/// Returns the records, or 304 if the client's copy is current (RFC 9110 section 13.1.2). The entity tag is weak
/// because the compressed response has the same tag.
fn answer(client: &Client, request: &HttpRequest, records: &impl Serialize) -> Result<HttpResponse, ApiProblem> {
    let json = serde_json::to_vec(records).map_err(|error| client.broken(error))?;
    let tag = EntityTag::new_weak(URL_SAFE_NO_PAD.encode(openssl::sha::sha256(&json)));
    let is_known = match request.get_header::<IfNoneMatch>() {
        Some(IfNoneMatch::Any) => true,
        Some(IfNoneMatch::Items(tags)) => tags.iter().any(|known| known.weak_eq(&tag)),
        None => false,
    };
    let mut response = HttpResponse::build(if is_known { StatusCode::NOT_MODIFIED } else { StatusCode::OK });
    // A program may cache the response but must revalidate it before each use.
    response.insert_header(ETag(tag)).insert_header((CACHE_CONTROL, "private, no-cache"));
    Ok(if is_known { response.finish() } else { response.content_type("application/json").body(json) })
}

async fn nothing_here() -> ApiProblem {
    ApiProblem::NotFound
}

// Adds the security headers: responses are for programs and must not be shown by a browser.
async fn secure(
    request: actix_web::dev::ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<actix_web::dev::ServiceResponse<impl MessageBody>, actix_web::Error> {
    let mut response = next.call(request).await?.map_into_boxed_body();
    if response.status() == StatusCode::METHOD_NOT_ALLOWED {
        response = refused(response, ApiProblem::Method.error_response());
    }
    // The framework's own response is plain text.
    if response.status() == StatusCode::NOT_ACCEPTABLE {
        response = response.into_response(ApiProblem::Encoding.error_response());
    }
    crate::web::headers::secure(response.headers_mut(), &crate::web::headers::content_security_policy(""));
    Ok(response)
}
