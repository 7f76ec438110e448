//! What devices say: check-ins, answers to commands, requests for an identity. Each message comes with the identity that we
//! issued, in TLS or as a signature over the raw body: [`claim`] reads and proves it, [`devices::identify`] leads from the certificate to the device's
//! stream, [`property_list`] looks a body over before it is parsed, and [`answer`] is all that a device can be told.

mod account;
pub mod answer;
mod bearer;
mod body;
mod check_in;
pub mod claim;
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

use crate::app::App;
use crate::web::methods::Read as _;
use actix_web::web::Bytes;
use actix_web::{HttpRequest, middleware, web};
use answer::Answer;
use claim::{Claimed, NoClaim};
use decisions::device::{Command, Device};
use devices::ByDeviceError;
use devices::device_message::{BadDeviceMessage, DeviceMessage};
use devices::identify::{Known, Unidentified, identify};
use events::device::MessageRefusal;
use events::system::{DeviceRequestRefusal, RefusalEvent};
use openssl::x509::X509Ref;
use plist::Dictionary;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

/// The endpoints of devices.
pub fn routes(config: &mut web::ServiceConfig) {
    let mdm = web::scope("/mdm").wrap(middleware::from_fn(answer::guard));
    let mdm = mdm.configure(account::routes).configure(check_in::routes).configure(command::routes);
    config.service(mdm.configure(profile_service::routes));
    config.service(web::resource(account::WELL_KNOWN).read(account::discover));
    config.service(scep::resource().wrap(middleware::from_fn(answer::guard)));
    config.service(crl::resource());
}

/// What a device signed with the identity that it was made with.
async fn device_message(app: &App, body: Bytes, source: Option<IpAddr>) -> Result<DeviceMessage, Answer> {
    let reader = Arc::clone(&app.devices);
    let message = app.strangers.work(source, move || reader.device_message(&body)).await.map_err(unavailable)?;
    let error = match message {
        Ok(message) => return Ok(message),
        Err(error) => error,
    };
    tracing::warn!(%error, "what a device signed with its own identity is refused");
    let why = match error {
        BadDeviceMessage::Signed(_) => DeviceRequestRefusal::NotSigned,
        BadDeviceMessage::Content(_) => DeviceRequestRefusal::NotUnderstood,
    };
    Err(refuse_stranger(app, why, source, Answer::BadRequest).await)
}

/// Who a request says it is from. One that says nothing of the kind is refused on record.
async fn claimed(app: &App, request: &HttpRequest, source: Option<IpAddr>) -> Result<Claimed, Answer> {
    match Claimed::of(request, app) {
        Ok(claimed) => Ok(claimed),
        Err(why) => {
            tracing::warn!(%why, "a message is refused");
            let answer = if why == NoClaim::TwoCertificates { Answer::Forbidden } else { Answer::BadRequest };
            Err(refuse_stranger(app, DeviceRequestRefusal::NotSigned, source, answer).await)
        }
    }
}

/// The device that a certificate stands for.
async fn identified(app: &App, certificate: &X509Ref, source: Option<IpAddr>) -> Result<Known, Answer> {
    match identify(&app.devices, certificate).await {
        Ok(known) => Ok(known),
        Err(Unidentified::Stranger) => {
            Err(refuse_stranger(app, DeviceRequestRefusal::CertificateUnknown, source, Answer::Forbidden).await)
        }
        Err(Unidentified::Unavailable) => Err(Answer::Unavailable),
    }
}

/// Refuses a request that belongs to no device of ours: the answer, once the refusal is on record.
async fn refuse_stranger(app: &App, why: DeviceRequestRefusal, source: Option<IpAddr>, answer: Answer) -> Answer {
    let written = app.sign_in.tell_of_stranger(RefusalEvent::DeviceRequestRefused { why, device: None }, source).await;
    if matches!(written, Ok(true)) {
        tracing::warn!(?source, ?why, "a request that belongs to no device of ours is refused");
    }
    written.map_or_else(unavailable, |_| answer)
}

/// What was signed, if the signature fits. If not, it is on record: somebody has the certificate of a device and not its key, or
/// the message was changed on its way. It is no fact of the device, which did not speak.
async fn signed<T>(app: &App, known: &Known, verified: Result<T, Answer>, source: Option<IpAddr>) -> Result<T, Answer> {
    if !matches!(verified, Err(Answer::BadRequest)) {
        return verified;
    }
    let (why, device) = (DeviceRequestRefusal::SignatureInvalid, Some(known.device));
    let written = app.sign_in.tell_of_stranger(RefusalEvent::DeviceRequestRefused { why, device }, source).await;
    if matches!(written, Ok(true)) {
        tracing::warn!(device.id = %known.device, ?source, "a message in the name of a device is not signed by it");
    }
    Err(written.map_or_else(unavailable, |_| Answer::BadRequest))
}

/// Refuses a message of a device of ours, which is proven to be from it.
async fn refuse_message(app: &App, known: &Known, why: MessageRefusal, source: Option<IpAddr>) -> Answer {
    tracing::warn!(device.id = %known.device, ?why, "a message of a device is refused");
    let (stream, command) = (known.device.stream(), Command::RefuseMessage { why });
    let written = app.sign_in.tell::<Device>(&stream, &command, &known.context(source), source).await;
    written.map_or_else(unavailable, |_| told(why))
}

/// Our fault: the device tries again.
fn unavailable(error: impl std::fmt::Display) -> Answer {
    tracing::error!(%error, "a device could not be served");
    Answer::Unavailable
}

// Written down once for each field: what is known changes nothing.
async fn note_left_out(
    app: &App,
    known: &Known,
    fields: BTreeSet<String>,
    source: Option<IpAddr>,
) -> Result<(), Answer> {
    if fields.is_subset(&known.state.left_out) {
        return Ok(());
    }
    tracing::warn!(device.id = %known.device, ?fields, "fields of a message are longer than is kept, or of another type");
    let stream = known.device.stream();
    let loaded = app.platform.load::<Device>(&stream).await.map_err(unavailable)?;
    let (command, context) = (Command::NoteLeftOut { fields }, known.context(source));
    match app.devices.perform_by_device::<Device>(known.device, &stream, loaded, &command, &context).await {
        Ok(_) | Err(ByDeviceError::Spent) => Ok(()),
        Err(ByDeviceError::Perform(error)) => Err(unavailable(error)),
    }
}

fn refuse_signature(error: signature::BadSignature) -> Answer {
    tracing::warn!(%error, "a message is refused");
    Answer::BadRequest
}

/// Whether a message names the device that the certificate belongs to. Before the first `Authenticate` nobody knows how
/// the device names itself.
fn is_this_device(known: &Known, fields: &Dictionary) -> Result<(), MessageRefusal> {
    let identifiers = message::identifiers(fields, known.person).map_err(|field| {
        tracing::warn!(field = field.0, "a message lacks a field");
        MessageRefusal::NotUnderstood
    })?;
    if known.state.identifiers.is_none() || known.state.is(&identifiers) {
        return Ok(());
    }
    Err(MessageRefusal::OtherDevice)
}

/// What a device is told whose message is refused. A message that is out of order says nothing against the device: it
/// begins again with `Authenticate`.
fn told(why: MessageRefusal) -> Answer {
    match why {
        MessageRefusal::NotUnderstood | MessageRefusal::NotAuthenticated => Answer::BadRequest,
        MessageRefusal::OtherTopic | MessageRefusal::OtherDevice => Answer::Forbidden,
        MessageRefusal::WrongMode | MessageRefusal::NotPermitted => Answer::Forbidden,
        MessageRefusal::Ended | MessageRefusal::NoAccessToken => Answer::Forbidden,
    }
}
