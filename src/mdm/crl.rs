//! `GET /crl`: the identities that are revoked, for a proxy in front of us that ends TLS.

use crate::app::App;
use crate::web::methods::Read as _;
use actix_web::web::Data;
use actix_web::{HttpResponse, Resource, web};

pub fn resource() -> Resource {
    web::resource("/crl").read(get)
}

async fn get(app: Data<App>) -> HttpResponse {
    match app.devices.revocation_list().await {
        Ok(list) => HttpResponse::Ok().content_type("application/pkix-crl").body(list),
        Err(error) => {
            tracing::error!(%error, "the list of revoked identities cannot be served");
            HttpResponse::ServiceUnavailable().insert_header(("Retry-After", "30")).finish()
        }
    }
}
