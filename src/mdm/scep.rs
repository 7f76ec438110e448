//! `/scep`: issues identity certificates to devices (RFC 8894), by GET and by POST.

use super::body::{self, Body};
use crate::mdm::Mdm;
use actix_web::web::{Data, Payload, Query};
use actix_web::{HttpRequest, HttpResponse, Resource, web};
use enroll::issue::{IssueError, Wanted};
use events::device::DeviceId;
use events::enrollment::IdentityRefusal;
use events::system::RefusalEvent;
use openssl::x509::X509;
use pki::scep::{
    Exchange, FailInfo, Fault, LARGEST_MESSAGE, PkiRequest, Refused, RequestKind, SignedMessage, VerifyError, answer,
    authority, message_of_query,
};
use platform::strangers::NotDone;
use serde::Deserialize;
use std::net::IpAddr;

pub(crate) fn resource() -> Resource {
    web::resource("/scep").route(web::get().to(get)).route(web::post().to(post))
}

#[derive(Deserialize)]
struct Asked {
    #[serde(default)]
    operation: String,
    #[serde(default)]
    message: String,
}

async fn get(request: HttpRequest, asked: Query<Asked>, app: Data<Mdm>) -> HttpResponse {
    match asked.operation.as_str() {
        "GetCACaps" => HttpResponse::Ok().content_type(authority::CAPABILITIES_TYPE).body(authority::CAPABILITIES),
        "GetCACert" => match authority::certificates(&app.devices.pki) {
            Ok(certificates) => HttpResponse::Ok().content_type(authority::CERTIFICATES_TYPE).body(certificates),
            Err(error) => unavailable(error),
        },
        "PKIOperation" => match message_of_query(&asked.message) {
            Some(message) => operate(&app, &request, message).await,
            None => unanswerable(&app, &request, IdentityRefusal::NotSigned).await,
        },
        _ => unanswerable(&app, &request, IdentityRefusal::OperationUnknown).await,
    }
}

async fn post(request: HttpRequest, asked: Query<Asked>, payload: Payload, app: Data<Mdm>) -> HttpResponse {
    match body::read(payload, LARGEST_MESSAGE).await {
        Ok(Body::Whole(message)) if asked.operation == "PKIOperation" => {
            operate(&app, &request, message.to_vec()).await
        }
        Ok(Body::Whole(_)) => unanswerable(&app, &request, IdentityRefusal::OperationUnknown).await,
        Ok(Body::TooLarge(_)) => unanswerable(&app, &request, IdentityRefusal::NotSigned).await,
        // The connection is broken, so there is no client to refuse.
        Err(_) => HttpResponse::BadRequest().finish(),
    }
}

// There is no key to encrypt a response to (RFC 8894 section 3.2.1), so the refusal is the HTTP status only.
async fn unanswerable(app: &Mdm, request: &HttpRequest, why: IdentityRefusal) -> HttpResponse {
    let source = crate::web::source(request, &app.web.trusted_proxies);
    tracing::warn!(?why, "refused a SCEP request");
    match app.sign_in.record_refusal_of_stranger(RefusalEvent::IdentityRequestRefused { why }, source).await {
        Ok(_) => HttpResponse::BadRequest().finish(),
        Err(error) => unavailable(error),
    }
}

fn unavailable(error: impl std::fmt::Display) -> HttpResponse {
    tracing::error!(%error, "cannot answer a SCEP request");
    HttpResponse::ServiceUnavailable().insert_header(("Retry-After", "30")).finish()
}

enum ScepOutcome {
    Issued(X509),
    Failed(FailInfo),
}

async fn operate(app: &Mdm, request: &HttpRequest, message: Vec<u8>) -> HttpResponse {
    let source = crate::web::source(request, &app.web.trusted_proxies);
    let read = match read(app, message, source).await {
        Ok(read) => read,
        Err(error) => return unavailable(error),
    };
    let (exchange, outcome) = match read {
        Err(VerifyError::Unanswerable(why)) => {
            tracing::warn!(%why, "cannot read a SCEP request well enough to answer it");
            return unanswerable(app, request, IdentityRefusal::NotSigned).await;
        }
        Err(VerifyError::Refused(Refused { exchange, why, fault })) => {
            let event = RefusalEvent::IdentityRequestRefused { why: recorded(fault) };
            if let Err(error) = app.sign_in.record_refusal_of_stranger(event, source).await {
                return unavailable(error);
            }
            tracing::warn!(?fault, told = ?why, "refused a SCEP request");
            (*exchange, ScepOutcome::Failed(why))
        }
        Ok(PkiRequest { kind, public_key, key_hash, exchange }) => {
            let transaction = exchange.transaction_id().to_owned();
            let wanted = Wanted { public_key, key_hash, transaction, source };
            match decide(app, kind, &exchange, wanted).await {
                Ok(outcome) => (exchange, outcome),
                Err(why) => return unavailable(why),
            }
        }
    };
    reply(app, exchange, outcome, source).await
}

// Verifies the signature first, which needs no private key of this server, and then decrypts, which does.
async fn read(app: &Mdm, message: Vec<u8>, source: Option<IpAddr>) -> Result<Result<PkiRequest, VerifyError>, NotDone> {
    let pki = app.devices.pki.clone();
    let open = move || SignedMessage::verify(&message)?.open(&pki).map_err(VerifyError::Refused);
    app.strangers.work(source, open).await
}

async fn decide(app: &Mdm, kind: RequestKind, exchange: &Exchange, wanted: Wanted) -> Result<ScepOutcome, String> {
    let (issued, failure) = match kind {
        RequestKind::Enroll { challenge } => {
            (app.enroll.issue_identity(challenge.as_deref().unwrap_or_default(), wanted).await, FailInfo::BadRequest)
        }
        RequestKind::Renew { device } => {
            (app.enroll.renew_identity(DeviceId(device), exchange.requester(), wanted).await, FailInfo::BadCertId)
        }
    };
    match issued {
        Ok(certificate) => Ok(ScepOutcome::Issued(certificate)),
        Err(IssueError::Refused(why)) => {
            tracing::warn!(?why, told = ?failure, "refused to issue an identity certificate");
            Ok(ScepOutcome::Failed(failure))
        }
        Err(IssueError::Unavailable(why)) => Err(why),
    }
}

fn recorded(fault: Fault) -> IdentityRefusal {
    match fault {
        Fault::Algorithm => IdentityRefusal::AlgorithmRefused,
        Fault::Attributes => IdentityRefusal::AttributesInvalid,
        Fault::Signature => IdentityRefusal::SignatureInvalid,
        Fault::Envelope => IdentityRefusal::EnvelopeInvalid,
        Fault::Decryption => IdentityRefusal::NotDecrypted,
        Fault::Request => IdentityRefusal::RequestInvalid,
        Fault::Operation => IdentityRefusal::OperationUnknown,
        Fault::Certificate => IdentityRefusal::CertificateUnknown,
    }
}

async fn reply(app: &Mdm, exchange: Exchange, outcome: ScepOutcome, source: Option<IpAddr>) -> HttpResponse {
    let (pki, world) = (app.devices.pki.clone(), app.platform.world.clone());
    let reply = app.strangers.work(source, move || match outcome {
        ScepOutcome::Issued(certificate) => answer::succeed(&pki, &world, &exchange, &certificate),
        ScepOutcome::Failed(why) => answer::fail(&pki, &world, &exchange, why),
    });
    match reply.await {
        Ok(Ok(message)) => HttpResponse::Ok().content_type(authority::MESSAGE_TYPE).body(message),
        Ok(Err(error)) => unavailable(error),
        Err(error) => unavailable(error),
    }
}
