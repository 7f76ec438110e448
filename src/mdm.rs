//! HTTP endpoints for devices: check-ins, command results, requests for an identity certificate (SCEP), the Profile
//! Service, account-driven enrollment (discovery document, profile, tokens), and the CRL for reverse proxies. An
//! enrolled device authenticates each message with the identity that this server issued: as a TLS client certificate,
//! or as a signature over the raw body.
//!
//! `claim` reads and verifies that proof, [`devices::identify`] resolves the certificate to the device's stream,
//! [`property_list`] checks a body before it is parsed, and `answer` is the closed set of responses.

mod account;
pub(crate) mod answer;
mod bearer;
mod body;
mod check_in;
pub(crate) mod claim;
mod command;
mod crl;
mod heard;
mod limits;
mod machine_information;
pub mod message;
mod profile_service;
pub mod result;
mod revival;
mod scep;
pub mod signature;

use crate::web::Web;
use crate::web::methods::Read as _;
use actix_web::web::Bytes;
use actix_web::{HttpRequest, middleware, web};
use answer::Answer;
use claim::{Claimed, NoClaim};
use decisions::device::{Command, Device};
use devices::device_message::{BadDeviceMessage, DeviceMessage};
use devices::identify::{Known, Unidentified, identify};
use devices::{ByDeviceError, Devices};
use enroll::Enroll;
use events::device::{BodyHash, MessageRefusal};
use events::system::{DeviceRequestRefusal, RefusalEvent};
use openssl::x509::X509Ref;
use platform::Platform;
use platform::strangers::Strangers;
use plist::Dictionary;
use settings::SettingsService;
use sign_in::SignIn;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// What the endpoints for devices need.
#[derive(Clone)]
pub struct Mdm {
    pub platform: Platform,
    pub settings: Arc<SettingsService>,
    pub sign_in: Arc<SignIn>,
    pub devices: Arc<Devices>,
    pub enroll: Arc<Enroll>,
    pub web: Web,
    /// A trusted proxy passes the client certificate in `Client-Cert` (`devices.client_cert_header`).
    pub client_cert_header: bool,
    /// Permits to hold a large body in memory.
    pub large_bodies: Arc<Semaphore>,
    /// Turns for work without an identity.
    pub strangers: Arc<Strangers>,
}

/// Registers the device endpoints.
pub(crate) fn routes(config: &mut web::ServiceConfig) {
    let mdm = web::scope("/mdm").wrap(middleware::from_fn(answer::guard));
    let mdm = mdm.configure(account::routes).configure(check_in::routes).configure(command::routes);
    config.service(mdm.configure(profile_service::routes));
    config.service(web::resource(account::WELL_KNOWN).read(account::discover));
    config.service(scep::resource().wrap(middleware::from_fn(answer::guard)));
    config.service(crl::resource());
}

/// Opens a message that a device signed with its built-in identity (issued by Apple at manufacture). A message that
/// cannot be opened is refused, and the refusal is recorded.
async fn device_message(app: &Mdm, body: Bytes, source: Option<IpAddr>) -> Result<DeviceMessage, Answer> {
    let reader = Arc::clone(&app.devices);
    let message = app.strangers.work(source, move || reader.device_message(&body)).await.map_err(unavailable)?;
    let error = match message {
        Ok(message) => return Ok(message),
        Err(error) => error,
    };
    tracing::warn!(%error, "refused a message signed with a device's built-in identity");
    let why = match error {
        BadDeviceMessage::Signed(_) => DeviceRequestRefusal::NotSigned,
        BadDeviceMessage::Content(_) => DeviceRequestRefusal::NotUnderstood,
    };
    Err(refuse_stranger(app, why, source, Answer::BadRequest).await)
}

/// Reads the sender that a request claims. A request without a readable claim is refused, and the refusal is recorded.
async fn claimed(app: &Mdm, request: &HttpRequest, source: Option<IpAddr>) -> Result<Claimed, Answer> {
    match Claimed::of(request, app) {
        Ok(claimed) => Ok(claimed),
        Err(why) => {
            tracing::warn!(%why, "refused a device message");
            let answer = if why == NoClaim::TwoCertificates { Answer::Forbidden } else { Answer::BadRequest };
            Err(refuse_stranger(app, DeviceRequestRefusal::NotSigned, source, answer).await)
        }
    }
}

/// Resolves a certificate to the enrolled device. An unknown certificate is refused, and the refusal is recorded.
async fn identified(app: &Mdm, certificate: &X509Ref, source: Option<IpAddr>) -> Result<Known, Answer> {
    match identify(&app.devices, certificate).await {
        Ok(known) => Ok(known),
        Err(Unidentified::Stranger) => {
            Err(refuse_stranger(app, DeviceRequestRefusal::CertificateUnknown, source, Answer::Forbidden).await)
        }
        Err(Unidentified::Unavailable) => Err(Answer::Unavailable),
    }
}

/// Records the refusal of a request that belongs to no known device, and returns the answer. If the refusal cannot be
/// recorded, the answer is [`Answer::Unavailable`].
async fn refuse_stranger(app: &Mdm, why: DeviceRequestRefusal, source: Option<IpAddr>, answer: Answer) -> Answer {
    let written =
        app.sign_in.record_refusal_of_stranger(RefusalEvent::DeviceRequestRefused { why, device: None }, source).await;
    if matches!(written, Ok(true)) {
        tracing::warn!(?source, ?why, "refused a request that belongs to no known device");
    }
    written.map_or_else(unavailable, |_| answer)
}

/// Returns whether the message had an effect so long ago that the device's state no longer remembers it. `is_possible`:
/// the message would have an effect now, and the state may have forgotten it. Only then the whole stream is searched.
async fn is_old_repetition(app: &Mdm, known: &Known, body: &BodyHash, is_possible: bool) -> Result<bool, Answer> {
    if !is_possible {
        return Ok(false);
    }
    app.platform.log.store().mentions(&known.device.stream(), &body.0).await.map_err(unavailable)
}

/// Returns the signed content if the signature is valid, and records the refusal if it is not. An invalid signature
/// means that the sender has the device's certificate but not its key, or that the message was changed in transit. The
/// refusal is not written to the device's stream, because the device did not send the message.
async fn signed<T>(app: &Mdm, known: &Known, verified: Result<T, Answer>, source: Option<IpAddr>) -> Result<T, Answer> {
    if !matches!(verified, Err(Answer::BadRequest)) {
        return verified;
    }
    let (why, device) = (DeviceRequestRefusal::SignatureInvalid, Some(known.device));
    let written =
        app.sign_in.record_refusal_of_stranger(RefusalEvent::DeviceRequestRefused { why, device }, source).await;
    if matches!(written, Ok(true)) {
        tracing::warn!(device.id = %known.device, ?source, "refused a message that names a device but is not signed with its key");
    }
    Err(written.map_or_else(unavailable, |_| Answer::BadRequest))
}

/// Refuses a message that is proven to come from a known device.
async fn refuse_message(app: &Mdm, known: &Known, why: MessageRefusal, source: Option<IpAddr>) -> Answer {
    tracing::warn!(device.id = %known.device, ?why, "refused a message of a known device");
    let (stream, command) = (known.device.stream(), Command::RefuseMessage { why });
    let written = app.sign_in.record_or_count::<Device>(&stream, &command, &known.context(source), source).await;
    written.map_or_else(unavailable, |_| refusal_answer(why))
}

/// Logs a server-side failure and answers 503, so that the device tries again.
fn unavailable(error: impl std::fmt::Display) -> Answer {
    tracing::error!(%error, "cannot answer a device");
    Answer::Unavailable
}

// Records each field once: a field that the stream already names is not recorded again.
async fn note_left_out(
    app: &Mdm,
    known: &Known,
    fields: BTreeSet<String>,
    source: Option<IpAddr>,
) -> Result<(), Answer> {
    if fields.is_subset(&known.state.left_out) {
        return Ok(());
    }
    tracing::warn!(device.id = %known.device, ?fields, "ignored fields of a message that are too long or have the wrong type");
    let stream = known.device.stream();
    let loaded = app.platform.load::<Device>(&stream).await.map_err(unavailable)?;
    let (command, context) = (Command::NoteLeftOut { fields }, known.context(source));
    match app.devices.perform_by_device::<Device>(known.device, &stream, loaded, &command, &context).await {
        Ok(_) | Err(ByDeviceError::Spent) => Ok(()),
        Err(ByDeviceError::Perform(error)) => Err(unavailable(error)),
    }
}

fn refuse_signature(error: signature::BadSignature) -> Answer {
    tracing::warn!(%error, "refused a device message");
    Answer::BadRequest
}

/// Checks that a message names the device that the certificate belongs to. Before the first `Authenticate` any
/// identifiers are accepted, since the server does not know the device's own yet.
fn is_this_device(known: &Known, fields: &Dictionary) -> Result<(), MessageRefusal> {
    let identifiers = message::identifiers(fields, known.person).map_err(|field| {
        tracing::warn!(field = field.0, "a message lacks a required field, or the field has the wrong type");
        MessageRefusal::NotUnderstood
    })?;
    if known.state.identifiers.is_none() || known.state.is(&identifiers) {
        return Ok(());
    }
    Err(MessageRefusal::OtherDevice)
}

/// Maps a refusal to the response. A message that is out of order gets 400: the device is not at fault and starts again
/// with `Authenticate`.
fn refusal_answer(why: MessageRefusal) -> Answer {
    match why {
        MessageRefusal::NotUnderstood | MessageRefusal::NotAuthenticated => Answer::BadRequest,
        MessageRefusal::OtherTopic | MessageRefusal::OtherDevice => Answer::Forbidden,
        MessageRefusal::WrongMode | MessageRefusal::NotPermitted => Answer::Forbidden,
        MessageRefusal::Ended | MessageRefusal::NoAccessToken => Answer::Forbidden,
    }
}
