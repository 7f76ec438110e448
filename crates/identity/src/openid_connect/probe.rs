//! What `muster check-config --live` asks a provider: metadata, keys, and whether it takes the client secret.

use super::exchange::{self, Refusal};
use super::metadata::Metadata;
use super::{Provider, Request};
use crate::Disbelief;
use plural::counted;
use world::Timestamp;

/// What does not work, and what to do.
pub struct Wrong {
    pub wrong: String,
    pub mend: String,
}

/// No provider makes such a code.
const NO_CODE: &str = "muster-check-config";
/// 43 characters, as RFC 7636 wants them.
const NO_VERIFIER: &str = "muster-check-config-muster-check-config-123";

pub async fn probe(
    provider: &Provider,
    redirect_uri: &str,
    now: Timestamp,
) -> Result<Vec<Result<String, Wrong>>, Disbelief> {
    let known = provider.known.get(provider, now).await?;
    let mut told = vec![Ok(format!("{} answers, with {}", provider.config.issuer, counted(known.keys.len(), "key")))];
    told.push(secret(provider, &known.metadata, redirect_uri).await);
    told.extend(scopes(provider, &known.metadata).into_iter().map(Err));
    Ok(told)
}

// The client is proven before the code is looked at (RFC 6749 §5.2): who does not know the secret is an invalid client,
// who knows it has an invalid code.
async fn secret(provider: &Provider, metadata: &Metadata, redirect_uri: &str) -> Result<String, Wrong> {
    let request = Request { state: "", nonce: "", verifier: NO_VERIFIER, redirect_uri };
    let wrong = |wrong: String, mend: &str| Err(Wrong { wrong, mend: mend.to_owned() });
    match exchange::ask(provider, metadata, request, NO_CODE).await {
        Err(why) => wrong(why.to_string(), "nobody signs in there before its token endpoint answers"),
        Ok(Ok(_)) => {
            let told = "its token endpoint gives tokens for a code that it never made";
            wrong(told.into(), "do not use this provider: it lets in anybody")
        }
        Ok(Err(refusal)) if ["invalid_client", "unauthorized_client"].contains(&refusal.error.as_str()) => {
            let told = format!("it does not take the client_id with this client secret: {}", refusal.said());
            wrong(told, "write the client secret that the provider shows for this client in the file client_secret")
        }
        Ok(Err(refusal)) => Ok(taken(&refusal)),
    }
}

fn taken(refusal: &Refusal) -> String {
    match refusal.error.as_str() {
        "invalid_grant" => "it takes the client secret (and refuses a code that it never made)".into(),
        _ => format!("whether the client secret is right is not told: it answers {}", refusal.said()),
    }
}

// Only where the provider says what it offers: both lists are optional (OpenID Connect Discovery 1.0 §3).
fn scopes(provider: &Provider, metadata: &Metadata) -> Vec<Wrong> {
    let (config, mut found) = (&provider.config, Vec::new());
    let groups = &config.groups_claim;
    if let Some(offered) = &metadata.scopes {
        for scope in config.scopes.iter().filter(|scope| !offered.contains(scope)) {
            let wrong = format!("it does not offer the scope {scope:?} (scopes_supported)");
            found.push(Wrong { wrong, mend: "add the scope at the provider, or leave it out of scopes".into() });
        }
        if offered.contains(groups) && !config.scopes.contains(groups) {
            let wrong = format!("it offers a scope {groups:?}, which is not asked for: no groups may come");
            found.push(Wrong { wrong, mend: format!("add {groups:?} to scopes") });
        }
    }
    if metadata.claims.as_ref().is_some_and(|told| !told.contains(groups)) {
        let wrong = format!("it does not list the claim {groups:?} (claims_supported): no groups may come");
        let mend = "map groups to that claim at the provider, or write in groups_claim what it calls them";
        found.push(Wrong { wrong, mend: mend.into() });
    }
    found
}
