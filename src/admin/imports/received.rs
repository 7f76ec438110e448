//! Receives the form with a file. The file goes to the disk while it arrives, and only after the token of the form was
//! found genuine: the fields stand before the file.

use crate::admin::problem::Problem;
use crate::admin::session::{ImportsRecords, May, SURFACE, cookie};
use crate::web::forgery;
use ::imports::uploads::{Asked, Incoming, LARGEST, UploadError};
use actix_web::HttpRequest;
use actix_web::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use actix_web::web::{Bytes, Payload};
use futures_util::{Stream, StreamExt as _};
use multer::{Constraints, Field, Multipart, SizeLimit};
use records::Preset;
use std::collections::BTreeMap;
use tokio::sync::mpsc;

/// Maximum size in bytes of the fields of the form besides the file; the mapping is the largest.
pub(crate) const LARGEST_FORM: usize = 256 * 1024;

/// Maximum size in bytes of the form with its file; the heads of its parts are short.
const LARGEST_BODY: u64 = LARGEST + 2 * LARGEST_FORM as u64;

/// A form with its file.
pub(super) struct Received {
    pub(super) asked: Asked,
    pub(super) name: String,
    pub(super) file: Incoming,
}

/// Receives a form.
///
/// # Errors
/// Returns an error if the form is incomplete, did not come from a page of this session, or its file is not accepted.
/// Nothing of the file stays then.
pub(super) async fn receive(
    staff: &May<ImportsRecords>,
    request: &HttpRequest,
    payload: Payload,
) -> Result<Received, Problem> {
    refuse_announced(request)?;
    if !forgery::comes_from_here(request, &staff.app().platform.public_url) {
        return Err(Problem::Forged);
    }
    let kind = request.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let boundary = multer::parse_boundary(kind).map_err(|_| incomplete())?;
    // A chunked form announces no length.
    let limits = Constraints::new().size_limit(SizeLimit::new().whole_stream(LARGEST_BODY));
    let mut parts = Multipart::with_constraints(sendable(payload), boundary, limits);
    let (mut fields, mut room) = (BTreeMap::new(), LARGEST_FORM);
    while let Some(part) = parts.next_field().await.map_err(|_| incomplete())? {
        let name = part.name().unwrap_or_default().to_owned();
        if name != "file" {
            let text = text(part, &mut room).await?;
            // An empty file field is no mapping.
            if name != "mapping_file" || !text.trim().is_empty() {
                fields.insert(name, text);
            }
            continue;
        }
        refuse_forged(staff, request, &fields)?;
        let name = part.file_name().unwrap_or_default().to_owned();
        let file = store(staff, part).await?;
        // The end of the form must be there: otherwise the file may be cut.
        while parts.next_field().await.map_err(|_| incomplete())?.is_some() {}
        return Ok(Received { asked: asked(&fields)?, name, file });
    }
    refuse_forged(staff, request, &fields)?;
    Err(incomplete())
}

/// Returns the page for a refused upload.
pub(super) fn problem(staff: &May<ImportsRecords>, error: UploadError) -> Problem {
    let why = error.to_string();
    match error {
        UploadError::TooLarge => Problem::FileTooLarge(why),
        UploadError::Empty | UploadError::NotChecked => Problem::FileRefused(why),
        UploadError::TooMany | UploadError::DiskNearlyFull | UploadError::Busy => Problem::Busy(why),
        UploadError::Gone => Problem::FileGone(why),
        UploadError::File(error) => staff.broken(error),
    }
}

fn incomplete() -> Problem {
    Problem::Bad("The form is incomplete.")
}

// A browser says how large the form is. What is much too large is refused before it is sent.
fn refuse_announced(request: &HttpRequest) -> Result<(), Problem> {
    let length = request.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    match length.is_some_and(|length| length > LARGEST_BODY) {
        true => Err(Problem::FileTooLarge(UploadError::TooLarge.to_string())),
        false => Ok(()),
    }
}

fn refuse_forged(
    staff: &May<ImportsRecords>,
    request: &HttpRequest,
    fields: &BTreeMap<String, String>,
) -> Result<(), Problem> {
    let cookie = cookie(request).ok_or(Problem::Forged)?;
    let token = fields.get("csrf").map_or("", String::as_str);
    let platform = &staff.app().platform;
    match forgery::is_genuine(&platform.secrets, SURFACE, &cookie, token, request, &platform.public_url) {
        true => Ok(()),
        false => Err(Problem::Forged),
    }
}

async fn text(mut part: Field<'static>, room: &mut usize) -> Result<String, Problem> {
    let mut text = Vec::new();
    while let Some(bytes) = part.chunk().await.map_err(|_| incomplete())? {
        *room = room.checked_sub(bytes.len()).ok_or(Problem::Bad("The form or the mapping is too large."))?;
        text.extend_from_slice(&bytes);
    }
    String::from_utf8(text).map_err(|_| Problem::Bad("The form or the mapping is not UTF-8."))
}

async fn store(staff: &May<ImportsRecords>, mut part: Field<'static>) -> Result<Incoming, Problem> {
    let refused = |error| problem(staff, error);
    let mut file = staff.app().uploads.receive().await.map_err(refused)?;
    while let Some(bytes) = part.chunk().await.map_err(|_| incomplete())? {
        file.write(&bytes).await.map_err(refused)?;
    }
    Ok(file)
}

/// Returns what the form says besides the file.
///
/// # Errors
/// Returns an error if the product is unknown.
pub(super) fn asked(fields: &BTreeMap<String, String>) -> Result<Asked, Problem> {
    let text = |name: &str| fields.get(name).map(|text| text.trim().to_owned()).unwrap_or_default();
    let preset = match text("preset") {
        word if word.is_empty() => None,
        word => Some(Preset::ALL.into_iter().find(|preset| preset.name() == word).ok_or_else(incomplete)?),
    };
    let mapping = Some(text("mapping_file")).filter(|file| !file.is_empty()).unwrap_or_else(|| text("mapping"));
    Ok(Asked {
        preset,
        source: text("source"),
        mapping,
        owners: text("owners"),
        is_complete: text("complete") == "yes",
    })
}

// The parser of forms takes only streams that another thread may read, and a request's body is none.
fn sendable(mut payload: Payload) -> impl Stream<Item = Result<Bytes, String>> + Send + 'static {
    let (sender, receiver) = mpsc::channel(4);
    actix_web::rt::spawn(async move {
        while let Some(bytes) = payload.next().await {
            if sender.send(bytes.map_err(|error| error.to_string())).await.is_err() {
                return;
            }
        }
    });
    futures_util::stream::unfold(receiver, |mut receiver| async move {
        let bytes = receiver.recv().await?;
        Some((bytes, receiver))
    })
}
