//! A push server of our own on the loopback interface: HTTP/2 with a client certificate, as APNs (its provider API and Apple's
//! "Setting up push notifications for your MDM customers"). It wakes the simulated devices that are connected to it.

mod answer;
#[cfg(test)]
mod tests;

use crate::simulator::chance;
use answer::Refusal;
use bytes_of_body::read;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use openssl::pkey::PKey;
use openssl::ssl::{AlpnError, Ssl, SslAcceptor, SslMethod, SslVerifyMode, select_next_proto};
use openssl::x509::X509;
use openssl::x509::store::X509StoreBuilder;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_openssl::SslStream;

mod bytes_of_body {
    //! Reads a small request body.

    use http_body_util::{BodyExt as _, Limited};
    use hyper::body::Incoming;

    /// The body, if it is no larger than APNs takes.
    pub async fn read(body: Incoming) -> Option<Vec<u8>> {
        Some(Limited::new(body, 4096).collect().await.ok()?.to_bytes().to_vec())
    }
}

/// What the push server needs, PEM.
#[derive(Debug, Clone)]
pub struct PushServerFiles {
    /// Its own TLS certificate, with intermediates.
    pub certificate: Vec<u8>,
    pub key: Vec<u8>,
    /// Signs the push certificates that it lets in.
    pub client_ca: Vec<u8>,
}

/// A notification that came in, and what was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// Lower-case hex, as in the path.
    pub token: String,
    /// UID of the certificate that sent it.
    pub topic: String,
    pub push_magic: Option<String>,
    pub status: u16,
}

#[derive(Default)]
struct Connected {
    devices: HashMap<String, Registration>,
    received: Vec<Received>,
}

struct Registration {
    topic: String,
    wake: mpsc::UnboundedSender<String>,
    refusal: Option<Refusal>,
}

/// A running push server. It stops when the last clone is dropped.
#[derive(Clone)]
pub struct PushServer {
    address: SocketAddr,
    connected: Arc<Mutex<Connected>>,
    _task: Option<Arc<StopOnDrop>>,
}

struct StopOnDrop(tokio::task::JoinHandle<()>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A device's connection to the push service.
#[derive(Debug)]
pub struct PushConnection {
    /// `Token` of the device's `TokenUpdate`.
    pub token: Vec<u8>,
    woken: mpsc::UnboundedReceiver<String>,
}

impl PushConnection {
    /// Waits for the next notification: its PushMagic. `None` if the push server is gone.
    pub async fn next(&mut self) -> Option<String> {
        self.woken.recv().await
    }
}

impl PushServer {
    /// Listens on `address`; port 0 takes any free one.
    ///
    /// # Errors
    /// If a file cannot be used or the address is taken.
    pub async fn start(files: &PushServerFiles, address: SocketAddr) -> std::io::Result<PushServer> {
        let acceptor = Arc::new(acceptor(files).map_err(std::io::Error::other)?);
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let connected = Arc::new(Mutex::new(Connected::default()));
        let task = tokio::spawn(accept(listener, acceptor, Arc::clone(&connected)));
        Ok(PushServer { address, connected, _task: Some(Arc::new(StopOnDrop(task))) })
    }

    /// None at all: devices get tokens, and nobody calls them.
    pub fn nowhere() -> PushServer {
        PushServer { address: ([0, 0, 0, 0], 0).into(), connected: Arc::default(), _task: None }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Connects a device that is managed under `topic`.
    pub fn connect(&self, topic: &str) -> PushConnection {
        let token = chance::bytes::<32>().to_vec();
        let (wake, woken) = mpsc::unbounded_channel();
        let registration = Registration { topic: topic.to_owned(), wake, refusal: None };
        self.connected().devices.insert(hex::encode(&token), registration);
        PushConnection { token, woken }
    }

    /// From now on, notifications for this token are refused with `status` and `reason`, as in `410` and `Unregistered`.
    pub fn refuse(&self, token: &[u8], status: u16, reason: &'static str) {
        if let Some(device) = self.connected().devices.get_mut(&hex::encode(token)) {
            device.refusal = Some(Refusal { status, reason });
        }
    }

    /// Everything that came in, oldest first.
    pub fn received(&self) -> Vec<Received> {
        self.connected().received.clone()
    }

    fn connected(&self) -> MutexGuard<'_, Connected> {
        self.connected.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn acceptor(files: &PushServerFiles) -> Result<SslAcceptor, openssl::error::ErrorStack> {
    let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls())?;
    let mut chain = X509::stack_from_pem(&files.certificate)?.into_iter();
    if let Some(own) = chain.next() {
        acceptor.set_certificate(&own)?;
    }
    for intermediate in chain {
        acceptor.add_extra_chain_cert(intermediate)?;
    }
    let key = PKey::private_key_from_pem(&files.key)?;
    acceptor.set_private_key(&key)?;
    let mut store = X509StoreBuilder::new()?;
    for ca in X509::stack_from_pem(&files.client_ca)? {
        acceptor.add_client_ca(&ca)?;
        store.add_cert(ca)?;
    }
    acceptor.set_verify_cert_store(store.build())?;
    acceptor.set_verify(SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT);
    acceptor.set_alpn_select_callback(|_, offered| select_next_proto(b"\x02h2", offered).ok_or(AlpnError::ALERT_FATAL));
    Ok(acceptor.build())
}

async fn accept(listener: TcpListener, acceptor: Arc<SslAcceptor>, connected: Arc<Mutex<Connected>>) {
    let mut connections = tokio::task::JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let (acceptor, connected) = (Arc::clone(&acceptor), Arc::clone(&connected));
        connections.spawn(async move {
            // A client that breaks off, or that is refused in the handshake, has seen for itself what went wrong.
            let _ = serve(stream, &acceptor, connected).await;
        });
        while connections.try_join_next().is_some() {}
    }
}

async fn serve(
    stream: TcpStream,
    acceptor: &SslAcceptor,
    connected: Arc<Mutex<Connected>>,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let mut tls = SslStream::new(Ssl::new(acceptor.context())?, stream)?;
    Pin::new(&mut tls).accept().await?;
    let topic = tls.ssl().peer_certificate().as_ref().and_then(answer::topic).ok_or("no UID in the certificate")?;
    let handle = service_fn(move |request: Request<Incoming>| {
        let (topic, connected) = (topic.clone(), Arc::clone(&connected));
        async move { notify(request, topic, connected).await }
    });
    let http = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
    http.serve_connection(TokioIo::new(tls), handle).await?;
    Ok(())
}

async fn notify(
    request: Request<Incoming>,
    topic: String,
    connected: Arc<Mutex<Connected>>,
) -> Result<Response<String>, std::convert::Infallible> {
    let (head, body) = request.into_parts();
    let body = read(body).await;
    let mut connected = connected.lock().unwrap_or_else(PoisonError::into_inner);
    let token = head.uri.path().strip_prefix("/3/device/").unwrap_or_default().to_owned();
    let outcome = answer::judge(&head, body.as_deref(), &topic).and_then(|push_magic| {
        let device = connected.devices.get(&token).ok_or(Refusal { status: 400, reason: "BadDeviceToken" })?;
        deliver(device, &topic, &push_magic)?;
        Ok(push_magic)
    });
    let status = outcome.as_ref().map_or_else(|refusal| refusal.status, |_| 200);
    let push_magic = outcome.as_ref().ok().cloned();
    connected.received.push(Received { token, topic, push_magic, status });
    Ok(answer::response(outcome.err()))
}

fn deliver(device: &Registration, topic: &str, push_magic: &str) -> Result<(), Refusal> {
    if let Some(refusal) = device.refusal {
        return Err(refusal);
    }
    if device.topic != topic {
        return Err(Refusal { status: 400, reason: "DeviceTokenNotForTopic" });
    }
    // A device that is gone has closed its end.
    device.wake.send(push_magic.to_owned()).map_err(|_| Refusal { status: 410, reason: "Unregistered" })
}
