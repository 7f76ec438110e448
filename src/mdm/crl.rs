//! `GET /crl`: the list of revoked identity certificates, for a reverse proxy that terminates TLS.

use crate::mdm::Mdm;
use crate::web::methods::Read as _;
use actix_web::web::Data;
use actix_web::{HttpResponse, Resource, web};

pub(crate) fn resource() -> Resource {
    web::resource("/crl").read(get)
}

async fn get(app: Data<Mdm>) -> HttpResponse {
    match app.devices.revocation_list().await {
        Ok(list) => HttpResponse::Ok().content_type("application/pkix-crl").body(list),
        Err(error) => {
            tracing::error!(%error, "cannot serve the certificate revocation list");
            HttpResponse::ServiceUnavailable().insert_header(("Retry-After", "30")).finish()
        }
    }
}
