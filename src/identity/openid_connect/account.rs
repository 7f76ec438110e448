//! The person behind a verified token: the issuer's lasting name for them, and the attributes that the configuration maps.

use super::Provider;
use super::token::Claims;
use crate::config::identity::OpenIdConnect;
use crate::identity::{Account, Disbelief, Fault};
use crate::world::Timestamp;
use openidconnect::OAuth2TokenResponse as _;
use openidconnect::core::CoreTokenResponse;
use openidconnect::http::{Method, Request, header};
use serde_json::Value;
use std::collections::BTreeSet;

/// Which claim is what.
pub struct Mapping {
    user_name: String,
    groups: String,
    managed_apple_id: Option<String>,
    further: Vec<String>,
}

impl Mapping {
    pub fn of(config: &OpenIdConnect) -> Mapping {
        Mapping {
            user_name: config.user_name_claim.clone(),
            groups: config.groups_claim.clone(),
            managed_apple_id: config.managed_apple_id_claim.clone(),
            further: config.claims.clone(),
        }
    }

    fn is_complete_in(&self, claims: &Claims) -> bool {
        let wanted = [&self.user_name, &self.groups].into_iter().chain(&self.managed_apple_id).chain(&self.further);
        wanted.into_iter().all(|name| claims.contains_key(name))
    }
}

/// Who this is.
pub async fn of(
    provider: &Provider,
    mut claims: Claims,
    tokens: &CoreTokenResponse,
    now: Timestamp,
) -> Result<Account, Disbelief> {
    let subject = claims.get("sub").and_then(Value::as_str).filter(|subject| !subject.is_empty());
    let subject = subject.ok_or_else(|| Disbelief::new(Fault::SubjectMissing, "the ID token has no sub"))?.to_owned();
    // Many providers tell the greater part only there (OpenID Connect Core §5.4).
    if !provider.mapping.is_complete_in(&claims) {
        for (name, value) in more(provider, tokens, &subject, now).await? {
            claims.entry(name).or_insert(value);
        }
    }
    let text = |name: &str| values(claims.get(name)).into_iter().next();
    let Mapping { user_name, groups, managed_apple_id, further } = &provider.mapping;
    let further = further.iter().map(|name| (name.clone(), values(claims.get(name))));
    // An address that the provider itself does not stand up for is nobody's.
    let mail = text("email").filter(|_| claims.get("email_verified") != Some(&Value::Bool(false)));
    Ok(Account {
        provider: provider.config.name.clone(),
        issuer: provider.config.issuer.clone(),
        user_name: text(user_name).or_else(|| mail.clone()).unwrap_or_else(|| subject.clone()),
        display_name: text("name"),
        mail,
        managed_apple_id: managed_apple_id.as_deref().and_then(text),
        groups: values(claims.get(groups)),
        claims: further.filter(|(_, values)| !values.is_empty()).collect(),
        subject,
    })
}

// A provider that does not answer here leaves us without the groups: to guess would be to let in by chance.
async fn more(
    provider: &Provider,
    tokens: &CoreTokenResponse,
    subject: &str,
    now: Timestamp,
) -> Result<Claims, Disbelief> {
    let known = provider.known.get(provider, now).await?;
    let Some(address) = known.metadata.userinfo_endpoint() else { return Ok(Claims::new()) };
    let unfit = |why: String| Disbelief::new(Fault::ProviderUnavailable, format!("its userinfo endpoint: {why}"));
    let request = Request::builder()
        .method(Method::GET)
        .uri(address.as_str())
        .header(header::ACCEPT, "application/json")
        .header(header::AUTHORIZATION, format!("Bearer {}", tokens.access_token().secret()));
    let request = request.body(Vec::new()).map_err(|_| unfit("its address or the token is malformed".into()))?;
    let answer = provider.http.send(request).await.map_err(|error| unfit(error.to_string()))?;
    if !answer.status().is_success() {
        return Err(unfit(format!("it answers {}", answer.status())));
    }
    let claims: Claims = serde_json::from_slice(answer.body())
        .map_err(|_| unfit("it answers with no JSON object; signed answers are not supported".into()))?;
    // Else one person's token would be dressed with another's claims (§5.3.2).
    if claims.get("sub").and_then(Value::as_str) != Some(subject) {
        return Err(Disbelief::new(Fault::SubjectMissing, "the userinfo endpoint tells of another subject"));
    }
    Ok(claims)
}

// A claim is one value or a list of them.
fn values(claim: Option<&Value>) -> BTreeSet<String> {
    let plain = |value: &Value| match value {
        Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    };
    match claim {
        Some(Value::Array(list)) => list.iter().filter_map(plain).collect(),
        Some(value) => plain(value).into_iter().collect(),
        None => BTreeSet::new(),
    }
}
