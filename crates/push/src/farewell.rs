//! Reads the reason with which the push service closes new connections (GOAWAY, RFC 9113 section 6.8), on a separate
//! connection. The HTTP client loses the reason if the GOAWAY frame arrives before the request is sent: it then
//! reports only "connection closed", and a rejected certificate would look like an outage.

use super::{Options, PushError};
use h2::Ping;
use native_tls::{Certificate, Identity};
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio_native_tls::TlsConnector;
use url::Url;

/// Time limit. A server that closes new connections does so immediately; another one answers the ping.
const WITHIN: Duration = Duration::from_secs(5);

pub(crate) struct Farewell {
    connector: TlsConnector,
    host: String,
    port: u16,
    /// Allows one query at a time, because the others would get the same result.
    turn: Semaphore,
}

impl Farewell {
    /// `key`: a private key in PEM, PKCS #8.
    pub(crate) fn new(url: &Url, options: &Options<'_>, key: &[u8]) -> Result<Farewell, PushError> {
        let mut connector = native_tls::TlsConnector::builder();
        connector.identity(Identity::from_pkcs8(options.certificate, key).map_err(PushError::Farewell)?);
        if let Some(root) = options.root {
            connector.add_root_certificate(Certificate::from_pem(root).map_err(PushError::Farewell)?);
        }
        connector.request_alpns(&["h2"]);
        Ok(Farewell {
            connector: connector.build().map_err(PushError::Farewell)?.into(),
            host: url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned(),
            port: url.port_or_known_default().unwrap_or(443),
            turn: Semaphore::new(1),
        })
    }

    /// Returns the reason in the words of the HTTP/2 library; `None` if the server gives none.
    pub(crate) async fn heard(&self) -> Option<String> {
        let _turn = self.turn.try_acquire().ok()?;
        tokio::time::timeout(WITHIN, self.ask()).await.ok()?
    }

    async fn ask(&self) -> Option<String> {
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await.ok()?;
        let stream = self.connector.connect(&self.host, stream).await.ok()?;
        let (mut requests, mut connection) = h2::client::handshake(stream).await.ok()?;
        let mut ping = connection.ping_pong()?;
        ping.send_ping(Ping::opaque()).ok()?;
        let mut connection = pin!(connection);
        poll_fn(|context| {
            let ended = connection.as_mut().poll(context);
            // The library keeps the GOAWAY reason here, even if the connection ends without an error.
            if let Poll::Ready(Err(said)) = requests.poll_ready(context) {
                return Poll::Ready(Some(said.to_string()));
            }
            match ended {
                Poll::Ready(Err(said)) => Poll::Ready(Some(said.to_string())),
                Poll::Ready(Ok(())) => Poll::Ready(None),
                Poll::Pending => ping.poll_pong(context).map(|_| None),
            }
        })
        .await
    }
}
