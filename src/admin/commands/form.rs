//! Forms with or without a file. They are read completely and accepted only if they came from a page of the console.

use crate::admin::carried::Field;
use crate::admin::problem::Problem;
use crate::admin::session::{COOKIE, SURFACE, app, cookie};
use crate::web::forgery;
use actix_web::dev::Payload;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::{Bytes, BytesMut};
use actix_web::{FromRequest, HttpRequest};
use futures_util::StreamExt as _;
use futures_util::future::LocalBoxFuture;
use std::collections::BTreeMap;
use std::convert::Infallible;

/// Maximum size of a form in bytes: a profile, as a file or in base64 after the rehearsal, and the names of some
/// hundred devices.
const LARGEST: usize = 1024 * 1024;

/// A submitted form.
#[derive(Debug, Default)]
pub(crate) struct Sent {
    fields: BTreeMap<String, String>,
    file: Option<Vec<u8>>,
}

impl Sent {
    /// Returns the trimmed value of a field, or `None` if it is empty.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(|text| text.trim()).filter(|text| !text.is_empty())
    }

    /// Returns whether a field was filled in with only blanks or separators.
    pub(crate) fn is_blank(&self, name: &str) -> bool {
        let blank = |c: char| c.is_whitespace() || c == ',' || c == ';';
        self.fields.get(name).is_some_and(|text| !text.is_empty() && text.chars().all(blank))
    }

    /// Returns all fields except the CSRF token, to be sent again.
    pub(crate) fn carried(&self) -> Vec<Field> {
        let fields = self.fields.iter().filter(|(name, _)| *name != "csrf");
        fields.map(|(name, value)| Field { name: name.clone(), value: value.clone() }).collect()
    }

    /// Returns the uploaded file.
    pub(crate) fn file(&self) -> Option<&[u8]> {
        self.file.as_deref().filter(|file| !file.is_empty())
    }
}

impl FromRequest for Sent {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Sent, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let body = read(payload).await?;
            let sent = parse(&request, body).await.ok_or(Problem::Bad("The form is incomplete."))?;
            let app = app(&request);
            let cookie = cookie(&request).ok_or(Problem::Forged)?;
            let token = sent.text("csrf").unwrap_or_default();
            if forgery::is_genuine(&app.platform.secrets, SURFACE, &cookie, token, &request, &app.platform.public_url) {
                Ok(sent)
            } else {
                tracing::warn!(cookie = COOKIE, "rejected a form: its token is not the session's");
                Err(Problem::Forged)
            }
        })
    }
}

async fn read(mut payload: Payload) -> Result<Bytes, Problem> {
    let mut body = BytesMut::new();
    while let Some(part) = payload.next().await {
        let part = part.map_err(|_| Problem::Bad("The form is incomplete."))?;
        if body.len() + part.len() > LARGEST {
            return Err(Problem::Bad("The form or the file in it is too large."));
        }
        body.extend_from_slice(&part);
    }
    Ok(body.freeze())
}

// Parses multipart forms (RFC 7578) if they may contain a file, else URL-encoded forms.
async fn parse(request: &HttpRequest, body: Bytes) -> Option<Sent> {
    let kind = request.headers().get(CONTENT_TYPE)?.to_str().ok()?;
    if let Ok(boundary) = multer::parse_boundary(kind) {
        return parts(body, boundary).await;
    }
    let fields = url::form_urlencoded::parse(&body).into_owned().collect();
    Some(Sent { fields, file: None })
}

async fn parts(body: Bytes, boundary: String) -> Option<Sent> {
    let whole = futures_util::stream::once(async { Ok::<_, Infallible>(body) });
    let mut parts = multer::Multipart::new(whole, boundary);
    let mut sent = Sent::default();
    while let Some(part) = parts.next_field().await.ok()? {
        let name = part.name()?.to_owned();
        if part.file_name().is_some() {
            sent.file = Some(part.bytes().await.ok()?.to_vec());
        } else {
            sent.fields.insert(name, part.text().await.ok()?);
        }
    }
    Some(sent)
}
