//! How a device finds its server from the typed account: a document at a well-known address of the domain.

use reqwest::Client;
use reqwest::header::{CONTENT_TYPE, LOCATION};
use serde_json::Value;
use url::Url;

/// Number of redirects that a device follows.
const MOST_REDIRECTS: usize = 10;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// `mdm-byod` or `mdm-adde`.
    pub version: String,
    pub base_url: Url,
}

#[derive(Debug, thiserror::Error)]
pub enum DiscoveryError {
    #[error("{0:?} has no domain after an @")]
    NoDomain(String),
    #[error("{url} answered with status {status}")]
    Status { url: Url, status: u16 },
    /// mdm/errors/well-known.failed.yaml: from iOS 17.5 on, the person sees the message.
    #[error("{url} refuses such devices: {message}")]
    Refused { url: Url, message: String },
    #[error("the document cannot be parsed: {0}")]
    Document(String),
    #[error("too many redirects, the last to {0}")]
    Redirects(Url),
    #[error("the domain cannot be reached: {0}")]
    Unreachable(#[from] reqwest::Error),
}

/// One request of the discovery, and its answer.
#[derive(Debug, Clone)]
pub struct Hop {
    pub url: Url,
    pub status: u16,
    pub content_type: String,
    /// Target of a redirect.
    pub location: Option<String>,
    /// Body of the answer, if it is not a redirect.
    pub body: Vec<u8>,
}

/// Asks the domain, which is the part after the last `@`. Adds every request to `hops`.
///
/// # Errors
/// Returns why a device would give up.
pub async fn find_server(
    client: &Client,
    identifier: &str,
    family: &str,
    hops: &mut Vec<Hop>,
) -> Result<Server, DiscoveryError> {
    let no_domain = || DiscoveryError::NoDomain(identifier.to_owned());
    let (_, domain) = identifier.rsplit_once('@').filter(|(_, domain)| !domain.is_empty()).ok_or_else(no_domain)?;
    let address = format!("https://{domain}/.well-known/com.apple.remotemanagement");
    let mut url = Url::parse(&address).map_err(|_| no_domain())?;
    url.query_pairs_mut().append_pair("user-identifier", identifier).append_pair("model-family", family);
    for _ in 0..MOST_REDIRECTS {
        let answer = client.get(url.clone()).send().await?;
        let status = answer.status().as_u16();
        let header = |name| answer.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let location = header(LOCATION).filter(|_| answer.status().is_redirection());
        let content_type = header(CONTENT_TYPE).unwrap_or_default();
        hops.push(Hop { url: url.clone(), status, content_type, location: location.clone(), body: Vec::new() });
        if let Some(to) = location {
            // The query is not carried over: the redirecting server must put it into the target.
            url = url.join(&to).map_err(|_| DiscoveryError::Document(format!("a redirect to {to:?}")))?;
            continue;
        }
        let body = answer.bytes().await?.to_vec();
        if let Some(hop) = hops.last_mut() {
            hop.body.clone_from(&body);
        }
        let document: Result<Value, _> = serde_json::from_slice(&body);
        return match (status, document) {
            (200, Ok(document)) => server(&document),
            (200, Err(error)) => Err(DiscoveryError::Document(error.to_string())),
            (status, document) => Err(match document.ok().as_ref().and_then(refusal) {
                Some(message) => DiscoveryError::Refused { url, message },
                None => DiscoveryError::Status { url, status },
            }),
        };
    }
    Err(DiscoveryError::Redirects(url))
}

fn refusal(document: &Value) -> Option<String> {
    let known = document["code"] == "com.apple.well-known.failed";
    known.then(|| document["message"].as_str().unwrap_or("(without a message)").to_owned())
}

fn server(document: &Value) -> Result<Server, DiscoveryError> {
    let wrong = |why: &str| DiscoveryError::Document(why.to_owned());
    let first = document["Servers"].get(0).ok_or_else(|| wrong("Servers is missing or empty"))?;
    let version = first["Version"].as_str().ok_or_else(|| wrong("Version is missing"))?;
    if !["mdm-byod", "mdm-adde"].contains(&version) {
        return Err(DiscoveryError::Document(format!("the version {version:?} is unknown")));
    }
    let base_url = first["BaseURL"].as_str().ok_or_else(|| wrong("BaseURL is missing"))?;
    let base_url = Url::parse(base_url).ok().filter(|url| url.scheme() == "https");
    Ok(Server { version: version.to_owned(), base_url: base_url.ok_or_else(|| wrong("BaseURL is not https"))? })
}
