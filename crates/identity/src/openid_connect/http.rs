//! HTTP requests to a provider: no redirects, no unencrypted connection over the network, and a size limit for
//! answers.

use crate::config::OpenIdConnect;
use openidconnect::http::{Response, StatusCode};
use openidconnect::{HttpRequest, HttpResponse};
use reqwest::{Certificate, Client};
use std::time::Duration;
use url::Url;

/// Maximum size of an answer in bytes. Metadata, keys and tokens are far smaller.
const LARGEST: usize = 512 * 1024;

/// Providers close idle connections; Node.js does so after five seconds by default, about the time in which people
/// sign in there. A request on a connection that is being closed fails, and a code must not be sent twice.
const LONGEST_IDLE: Duration = Duration::from_secs(2);

#[derive(Debug, thiserror::Error)]
pub(crate) enum HttpError {
    /// Without the address, which may contain secrets.
    #[error("it cannot be reached: {0}")]
    Request(String),
    #[error("it redirects ({0}), and Muster does not follow redirects: configure the final address")]
    Redirect(StatusCode),
    #[error("its answer is larger than {LARGEST} bytes")]
    TooLarge,
    /// The address, shortened for the log.
    #[error("{0} is not an https address, and secrets are sent only over https")]
    NotPrivate(String),
}

pub(crate) struct Http {
    client: Client,
    config: OpenIdConnect,
}

impl Http {
    pub(crate) fn new(config: &OpenIdConnect, root: Option<&[u8]>) -> Result<Http, String> {
        let mut builder = Client::builder()
            // Following a redirect would let a provider's document send the server to any internal address
            // (server-side request forgery).
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

    pub(crate) async fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
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

    // OpenSSL's message about an unknown CA does not mention the setting that corrects it.
    fn advised(&self, why: String) -> String {
        if !why.contains("certificate verify failed") {
            return why;
        }
        match &self.config.root {
            None => format!("{why}; if its certificate comes from your own CA, name that CA in root"),
            Some(root) => format!("{why}; only the CAs in {} (root) are trusted", root.display()),
        }
    }
}

// "error sending request" alone is not useful; its causes are.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
