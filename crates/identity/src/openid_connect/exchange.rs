//! The token endpoint: exchanges a code for tokens (OpenID Connect Core §3.1.3). Reads only the fields that are used.

use super::metadata::Metadata;
use super::{Provider, Request, short};
use crate::{Disbelief, Fault};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use openidconnect::http::{self, Method, header};
use openidconnect::{AccessToken, HttpResponse};
use serde_json::{Map, Value};
use url::form_urlencoded::{Serializer, byte_serialize};

/// Tokens from the token endpoint.
pub(crate) struct Tokens {
    /// JWS in compact serialization (RFC 7515 §7.1): not verified yet.
    pub id_token: String,
    /// For the userinfo endpoint.
    pub access: Option<AccessToken>,
}

/// An error response of the token endpoint (RFC 6749 §5.2).
pub(crate) struct Refusal {
    /// Error code such as `invalid_client`. As received: not checked.
    pub error: String,
    description: Option<String>,
}

impl Refusal {
    /// Returns the provider's error and description.
    pub(crate) fn said(&self) -> String {
        said(&self.error, self.description.as_deref())
    }
}

/// Formats an error and its description as the provider wrote them, safe for the log.
pub(crate) fn said(error: &str, description: Option<&str>) -> String {
    match description {
        Some(description) if !description.trim().is_empty() => {
            format!("{:?} with the description {:?}", short(error), short(description))
        }
        Some(_) | None => format!("{:?}", short(error)),
    }
}

/// Exchanges the code for tokens.
pub(crate) async fn exchange(
    provider: &Provider,
    metadata: &Metadata,
    request: Request<'_>,
    code: &str,
) -> Result<Tokens, Disbelief> {
    let fields = match ask(provider, metadata, request, code).await? {
        Ok(fields) => fields,
        Err(refusal) => {
            let advice = if refusal.error == "invalid_client" { "; check the client secret" } else { "" };
            let why = format!("the provider refused the code: {}{advice}", refusal.said());
            return Err(Disbelief::new(Fault::ProviderRefused, why));
        }
    };
    let not_text = |name| Disbelief::new(Fault::NotUnderstood, format!("the token answer's {name} is not a string"));
    let missing = || Disbelief::new(Fault::Incomplete, "the provider sent no ID token; is \"openid\" granted?");
    let access = match fields.get("access_token") {
        None | Some(Value::Null) => None,
        Some(Value::String(token)) => Some(AccessToken::new(token.clone())),
        Some(_) => return Err(not_text("access_token")),
    };
    match fields.get("id_token") {
        None | Some(Value::Null) => Err(missing()),
        Some(Value::String(token)) => Ok(Tokens { id_token: token.clone(), access }),
        Some(_) => Err(not_text("id_token")),
    }
}

/// Sends the token request. The inner result is the provider's answer.
pub(crate) async fn ask(
    provider: &Provider,
    metadata: &Metadata,
    request: Request<'_>,
    code: &str,
) -> Result<Result<Map<String, Value>, Refusal>, Disbelief> {
    let unavailable = |why: String| Disbelief::new(Fault::ProviderUnavailable, format!("its token endpoint: {why}"));
    let asked = form(provider, metadata, request, code).map_err(|error| unavailable(error.to_string()))?;
    let answer = provider.http.send(asked).await.map_err(|error| unavailable(error.to_string()))?;
    if !answer.status().is_success() {
        return refusal(&answer).map(Err).ok_or_else(|| unavailable(format!("it returned {}", answer.status())));
    }
    serde_json::from_slice(answer.body())
        .map(Ok)
        .map_err(|_| Disbelief::new(Fault::NotUnderstood, "the token answer is not a JSON object"))
}

fn form(
    provider: &Provider,
    metadata: &Metadata,
    request: Request<'_>,
    code: &str,
) -> Result<http::Request<Vec<u8>>, http::Error> {
    let (id, secret) = (&provider.config.client_id, provider.client_secret.secret());
    let mut form = Serializer::new(String::new());
    form.append_pair("grant_type", "authorization_code")
        .append_pair("code", code)
        .append_pair("redirect_uri", request.redirect_uri)
        .append_pair("code_verifier", request.verifier);
    let mut going = http::Request::builder()
        .method(Method::POST)
        .uri(metadata.token_endpoint.as_str())
        .header(header::ACCEPT, "application/json")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    if metadata.wants_secret_in_form() {
        form.append_pair("client_id", id).append_pair("client_secret", secret);
    } else {
        // Both are form-encoded first (RFC 6749 §2.3.1).
        let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
        let pair = STANDARD.encode(format!("{}:{}", encoded(id), encoded(secret)));
        going = going.header(header::AUTHORIZATION, format!("Basic {pair}"));
    }
    going.body(form.finish().into_bytes())
}

fn refusal(answer: &HttpResponse) -> Option<Refusal> {
    let fields: Map<String, Value> = serde_json::from_slice(answer.body()).ok()?;
    let text = |name: &str| fields.get(name).and_then(Value::as_str).map(str::to_owned);
    Some(Refusal { error: text("error")?, description: text("error_description") })
}
