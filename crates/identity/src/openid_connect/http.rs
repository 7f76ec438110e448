//! Requests to a provider: no redirects, no plain text over the network, nothing larger than a document of this kind is.

use crate::config::OpenIdConnect;
use openidconnect::http::{Response, StatusCode};
use openidconnect::{HttpRequest, HttpResponse};
use reqwest::{Certificate, Client};
use std::time::Duration;
use url::Url;

/// Metadata, keys and tokens are far smaller.
const LARGEST: usize = 512 * 1024;

/// Providers close connections on which nothing happens, Node.js after five seconds as it comes; people take about as long
/// to sign in there. A request on a connection that is just being closed fails, and a code must not be sent twice.
const LONGEST_IDLE: Duration = Duration::from_secs(2);

#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// Without the address, which may hold what is secret.
    #[error("it cannot be reached: {0}")]
    Request(String),
    #[error("it redirects ({0}), and redirects are not followed: the configuration must name where it really is")]
    Redirect(StatusCode),
    #[error("its answer is larger than {LARGEST} bytes")]
    TooLarge,
    #[error("{0} is no https address, and secrets are sent to no other")]
    NotPrivate(String),
}

pub struct Http {
    client: Client,
    config: OpenIdConnect,
}

impl Http {
    pub fn new(config: &OpenIdConnect, root: Option<&[u8]>) -> Result<Http, String> {
        let mut builder = Client::builder()
            // To follow one would let a provider's document lead us to any address inside (server-side request forgery).
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_secs(5))
            .timeout(Duration::from_secs(10))
            .pool_idle_timeout(LONGEST_IDLE);
        if let Some(root) = root {
            let roots = Certificate::from_pem_bundle(root).map_err(|error| error.to_string())?;
            builder = builder.tls_built_in_root_certs(false);
            builder = roots.into_iter().fold(builder, reqwest::ClientBuilder::add_root_certificate);
        }
        let client = builder.build().map_err(|error| error.to_string())?;
        Ok(Http { client, config: config.clone() })
    }

    pub async fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let address = request.uri().to_string();
        if !Url::parse(&address).is_ok_and(|url| self.config.may_be_asked(&url)) {
            return Err(HttpError::NotPrivate(super::short(&address)));
        }
        let unreachable = |error: reqwest::Error| HttpError::Request(self.advised(causes(&error.without_url())));
        let request = reqwest::Request::try_from(request).map_err(unreachable)?;
        let mut answer = self.client.execute(request).await.map_err(unreachable)?;
        if answer.status().is_redirection() {
            return Err(HttpError::Redirect(answer.status()));
        }
        let mut body = Vec::new();
        while let Some(piece) = answer.chunk().await.map_err(unreachable)? {
            if body.len() + piece.len() > LARGEST {
                return Err(HttpError::TooLarge);
            }
            body.extend_from_slice(&piece);
        }
        let mut response = Response::new(body);
        *response.status_mut() = answer.status();
        *response.headers_mut() = std::mem::take(answer.headers_mut());
        Ok(response)
    }

    // What OpenSSL says of a certificate whose authority is not known says nothing about the setting that helps.
    fn advised(&self, why: String) -> String {
        if !why.contains("certificate verify failed") {
            return why;
        }
        match &self.config.root {
            None => format!("{why}; if its certificate is from an authority of your own, name that in root"),
            Some(root) => format!("{why}; only authorities in {} (root) are trusted", root.display()),
        }
    }
}

// "error sending request" alone says nothing; what is under it does.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
