//! The provider's metadata document (OpenID Connect Discovery 1.0 §3). Reads only the fields that are used, so that
//! an unexpected value in another field does not break sign-in.

use super::{Provider, short};
use serde_json::{Map, Value};
use url::Url;

/// The provider's metadata.
#[derive(Debug, Clone)]
pub(crate) struct Metadata {
    pub authorization_endpoint: Url,
    pub token_endpoint: Url,
    pub jwks_uri: Url,
    pub userinfo_endpoint: Option<Url>,
    /// OpenID Connect RP-Initiated Logout 1.0.
    pub end_session_endpoint: Option<Url>,
    /// `token_endpoint_auth_methods_supported`; empty if the provider does not list them.
    pub authentications: Vec<String>,
    /// RFC 9207: every authorization response names its issuer.
    pub answers_name_issuer: bool,
    /// `scopes_supported`; `None` if the provider does not list them.
    pub scopes: Option<Vec<String>>,
    /// `claims_supported`; `None` if the provider does not list them.
    pub claims: Option<Vec<String>>,
}

impl Metadata {
    /// Parses the document.
    ///
    /// # Errors
    /// Returns an error that names the field that is wrong.
    pub(crate) fn parse(bytes: &[u8], provider: &Provider) -> Result<Metadata, String> {
        let fields: Map<String, Value> = serde_json::from_slice(bytes)
            .map_err(|error| format!("this is not OpenID Connect metadata: it is not a JSON object: {error}"))?;
        check_issuer(&provider.config.issuer, fields.get("issuer").and_then(Value::as_str))?;
        let endpoint = |name: &str| endpoint(&fields, name, provider);
        let needed = |name: &str| endpoint(name)?.ok_or_else(|| format!("{name} is missing"));
        let promised = fields.get("authorization_response_iss_parameter_supported");
        Ok(Metadata {
            authorization_endpoint: needed("authorization_endpoint")?,
            token_endpoint: needed("token_endpoint")?,
            jwks_uri: needed("jwks_uri")?,
            userinfo_endpoint: endpoint("userinfo_endpoint")?,
            end_session_endpoint: endpoint("end_session_endpoint")?,
            authentications: list(&fields, "token_endpoint_auth_methods_supported").unwrap_or_default(),
            answers_name_issuer: promised.is_some_and(|value| *value == true || *value == "true"),
            scopes: list(&fields, "scopes_supported"),
            claims: list(&fields, "claims_supported"),
        })
    }

    /// Basic is the default (OpenID Connect Core §9), but some providers support only the other way.
    pub(crate) fn wants_secret_in_form(&self) -> bool {
        let offers = |way: &str| self.authentications.iter().any(|offered| offered == way);
        !offers("client_secret_basic") && offers("client_secret_post")
    }
}

// Some providers write an empty string for an endpoint that they do not have.
fn endpoint(fields: &Map<String, Value>, name: &str, provider: &Provider) -> Result<Option<Url>, String> {
    let text = match fields.get(name) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(text)) if text.is_empty() => return Ok(None),
        Some(Value::String(text)) => text,
        Some(_) => return Err(format!("its {name} is not a string")),
    };
    let address = Url::parse(text).map_err(|error| format!("its {name} is {:?}: {error}", short(text)))?;
    if !provider.config.may_be_asked(&address) {
        return Err(format!("its {name} is {address}, which is not an https address"));
    }
    Ok(Some(address))
}

fn list(fields: &Map<String, Value>, name: &str) -> Option<Vec<String>> {
    let values = fields.get(name)?.as_array()?;
    Some(values.iter().filter_map(Value::as_str).map(str::to_owned).collect())
}

// The issuers must be equal byte for byte (OpenID Connect Discovery §4.3).
fn check_issuer(configured: &str, found: Option<&str>) -> Result<(), String> {
    let Some(found) = found else {
        return Err("this is not OpenID Connect metadata: issuer is missing".into());
    };
    if configured == found {
        return Ok(());
    }
    let advice = if found.contains("{tenantid}") {
        "this issuer stands for all tenants, which could not be told apart: configure the issuer \
         of one tenant"
            .to_owned()
    } else if configured.trim_end_matches('/') == found.trim_end_matches('/') {
        format!("write issuer = {found:?}: the slash at the end counts")
    } else {
        format!("write issuer = {found:?} if this is the provider you mean")
    };
    Err(format!("the provider calls itself {found:?}, the configuration calls it {configured:?}; {advice}"))
}
