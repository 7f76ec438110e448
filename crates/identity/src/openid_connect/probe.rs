//! Live check of a provider for `muster check-config --live`: metadata, keys, and whether it accepts the client
//! secret.

use super::exchange::{self, Refusal};
use super::metadata::Metadata;
use super::{Provider, Request};
use crate::Disbelief;
use plural::counted;
use world::Timestamp;

/// A problem, and how to correct it.
pub struct Wrong {
    /// What is wrong, as a clause without a full stop.
    pub wrong: String,
    /// How to correct it, in the imperative, without a full stop.
    pub mend: String,
}

/// A code that no provider issues.
const NO_CODE: &str = "muster-check-config";
/// 43 characters, the minimum of RFC 7636.
const NO_VERIFIER: &str = "muster-check-config-muster-check-config-123";

pub(crate) async fn probe(
    provider: &Provider,
    redirect_uri: &str,
    now: Timestamp,
) -> Result<Vec<Result<String, Wrong>>, Disbelief> {
    let known = provider.known.get(provider, now).await?;
    let mut told = vec![Ok(format!("{} answers and has {}", provider.config.issuer, counted(known.keys.len(), "key")))];
    told.push(secret(provider, &known.metadata, redirect_uri).await);
    told.extend(scopes(provider, &known.metadata).into_iter().map(Err));
    Ok(told)
}

// A provider authenticates the client before it checks the code (RFC 6749 §5.2): a wrong secret gives
// `invalid_client`, the right one gives an error about the code.
async fn secret(provider: &Provider, metadata: &Metadata, redirect_uri: &str) -> Result<String, Wrong> {
    let request = Request { state: "", nonce: "", verifier: NO_VERIFIER, redirect_uri };
    let wrong = |wrong: String, mend: &str| Err(Wrong { wrong, mend: mend.to_owned() });
    match exchange::ask(provider, metadata, request, NO_CODE).await {
        Err(why) => wrong(why.to_string(), "people cannot sign in until its token endpoint answers"),
        Ok(Ok(_)) => {
            let told = "its token endpoint issues tokens for a code that it never issued";
            wrong(told.into(), "do not use this provider: it would sign anyone in")
        }
        Ok(Err(refusal)) if ["invalid_client", "unauthorized_client"].contains(&refusal.error.as_str()) => {
            let told = format!("it rejects the client_id with this client secret: {}", refusal.said());
            wrong(told, "write the client secret that the provider shows for this client to the file in client_secret")
        }
        Ok(Err(refusal)) => Ok(taken(&refusal)),
    }
}

fn taken(refusal: &Refusal) -> String {
    match refusal.error.as_str() {
        "invalid_grant" => "it accepts the client secret (and refuses a code that it never issued)".into(),
        _ => format!("it does not reveal whether the client secret is right: it returned {}", refusal.said()),
    }
}

// Only if the provider lists what it offers: both lists are optional (OpenID Connect Discovery 1.0 §3).
fn scopes(provider: &Provider, metadata: &Metadata) -> Vec<Wrong> {
    let (config, mut found) = (&provider.config, Vec::new());
    let groups = &config.groups_claim;
    if let Some(offered) = &metadata.scopes {
        for scope in config.scopes.iter().filter(|scope| !offered.contains(scope)) {
            let wrong = format!("it does not offer the scope {scope:?} (scopes_supported)");
            found.push(Wrong { wrong, mend: "add the scope at the provider, or remove it from scopes".into() });
        }
        if offered.contains(groups) && !config.scopes.contains(groups) {
            let wrong = format!("it offers a scope {groups:?}, which is not requested: groups may be missing");
            found.push(Wrong { wrong, mend: format!("add {groups:?} to scopes") });
        }
    }
    if metadata.claims.as_ref().is_some_and(|told| !told.contains(groups)) {
        let wrong = format!("it does not list the claim {groups:?} (claims_supported): groups may be missing");
        let mend = "map groups to that claim at the provider, or set groups_claim to the name that it uses";
        found.push(Wrong { wrong, mend: mend.into() });
    }
    found
}
