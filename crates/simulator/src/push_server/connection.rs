//! One connection to the push server: TLS with a client certificate, HTTP/2, and its end.

use super::behaviour::Behaviour;
use super::{Connected, PushServerFiles, Received, Refusal, Registration, Shared, answer};
use bytes_of_body::read;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use openssl::pkey::PKey;
use openssl::ssl::{AlpnError, Ssl, SslAcceptor, SslMethod, SslVerifyMode, select_next_proto};
use openssl::x509::X509;
use openssl::x509::store::X509StoreBuilder;
use std::pin::{Pin, pin};
use std::sync::Arc;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_openssl::SslStream;

mod bytes_of_body {
    //! Reads a small request body.

    use http_body_util::{BodyExt as _, Limited};
    use hyper::body::Incoming;

    /// Returns the body, if it is not larger than APNs allows.
    pub(crate) async fn read(body: Incoming) -> Option<Vec<u8>> {
        Some(Limited::new(body, 4096).collect().await.ok()?.to_bytes().to_vec())
    }
}

type Broken = Box<dyn std::error::Error + Send + Sync>;

/// How a connection is ended.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Order {
    Cut,
    GoAway,
}

pub(crate) fn acceptor(files: &PushServerFiles) -> Result<SslAcceptor, openssl::error::ErrorStack> {
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

pub(crate) async fn accept(listener: TcpListener, acceptor: Arc<SslAcceptor>, shared: Shared) {
    let mut connections = tokio::task::JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let (acceptor, shared) = (Arc::clone(&acceptor), shared.clone());
        connections.spawn(async move {
            // A client that disconnects, or is rejected in the handshake, sees the error itself.
            let _ = serve(stream, &acceptor, shared).await;
        });
        while connections.try_join_next().is_some() {}
    }
}

async fn serve(stream: TcpStream, acceptor: &SslAcceptor, shared: Shared) -> Result<(), Broken> {
    stream.set_nodelay(true)?;
    let mut to_all = shared.orders.subscribe();
    let mut tls = SslStream::new(Ssl::new(acceptor.context())?, stream)?;
    Pin::new(&mut tls).accept().await?;
    let topic = tls.ssl().peer_certificate().as_ref().and_then(answer::topic).ok_or("no UID in the certificate")?;
    let farewell = {
        let mut connected = shared.connected();
        connected.connections += 1;
        connected.farewell
    };
    if let Some(reason) = farewell {
        return say_farewell(&mut tls, reason).await;
    }
    let (to_this, mut orders) = mpsc::unbounded_channel();
    let handle = service_fn(move |request: Request<Incoming>| {
        let (topic, shared, to_this) = (topic.clone(), shared.clone(), to_this.clone());
        async move { Ok::<_, std::convert::Infallible>(notify(request, topic, shared, to_this).await) }
    });
    let http = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
    let mut connection = pin!(http.serve_connection(TokioIo::new(tls), handle));
    loop {
        let order = tokio::select! {
            ended = connection.as_mut() => return Ok(ended?),
            Some(order) = orders.recv() => order,
            Ok(order) = to_all.recv() => order,
        };
        match order {
            Order::Cut => return Ok(()),
            Order::GoAway => connection.as_mut().graceful_shutdown(),
        }
    }
}

// The available HTTP/2 libraries cannot write the debug data in which APNs gives the reason (RFC 9113 section 6.8).
async fn say_farewell(tls: &mut SslStream<TcpStream>, reason: &str) -> Result<(), Broken> {
    const SETTINGS: [u8; 9] = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    let said = serde_json::json!({ "reason": reason }).to_string();
    let length = u32::try_from(8 + said.len())?.to_be_bytes();
    // Frame header: length, type 7, no flags, stream 0; payload: last stream 0, NO_ERROR, debug data.
    let mut goaway = vec![length[1], length[2], length[3], 7, 0, 0, 0, 0, 0];
    goaway.extend([0; 8]);
    goaway.extend(said.as_bytes());
    tls.write_all(&SETTINGS).await?;
    tls.write_all(&goaway).await?;
    tls.flush().await?;
    // If this side closed while data is unread, the peer could lose the GOAWAY frame.
    tokio::io::copy(&mut tls.take(1 << 20), &mut tokio::io::sink()).await?;
    Ok(())
}

async fn notify(
    request: Request<Incoming>,
    topic: String,
    shared: Shared,
    connection: mpsc::UnboundedSender<Order>,
) -> Response<String> {
    let (head, body) = request.into_parts();
    let body = read(body).await;
    let token = head.uri.path().strip_prefix("/3/device/").unwrap_or_default().to_owned();
    let mut under_way = UnderWay::begin(shared.clone(), token.clone(), topic.clone());
    let behaviour = shared.connected().behaviour(&token);
    let scripted = match behaviour {
        Some(Behaviour::Refuse(refusal)) => Some(refusal),
        Some(Behaviour::Take) => {
            under_way.status = 200;
            return answer::response(None);
        }
        Some(Behaviour::Wait(time)) => {
            tokio::time::sleep(time).await;
            None
        }
        Some(Behaviour::Hold) => {
            shared.until_released().await;
            None
        }
        Some(Behaviour::RefuseWhenReleased(refusal)) => {
            shared.until_released().await;
            Some(refusal)
        }
        Some(Behaviour::Silence) => std::future::pending().await,
        Some(Behaviour::Cut) => {
            let _ = connection.send(Order::Cut);
            std::future::pending().await
        }
        Some(Behaviour::GoAway) => {
            let _ = connection.send(Order::GoAway);
            None
        }
        None => None,
    };
    let mut connected = shared.connected();
    let outcome = answer::judge(&head, body.as_deref(), &topic).and_then(|push_magic| {
        scripted.map_or(Ok(()), Err)?;
        let device = connected.devices.get(&token).ok_or(Refusal::new(400, "BadDeviceToken"))?;
        deliver(device, &topic, &push_magic)?;
        Ok(push_magic)
    });
    under_way.status = outcome.as_ref().map_or_else(|refusal| refusal.status, |_| 200);
    under_way.push_magic = outcome.as_ref().ok().cloned();
    under_way.end(&mut connected);
    answer::response(outcome.err())
}

fn deliver(device: &Registration, topic: &str, push_magic: &str) -> Result<(), Refusal> {
    if device.topic != topic {
        return Err(Refusal::new(400, "DeviceTokenNotForTopic"));
    }
    // The channel of a device that is gone is closed.
    device.wake.send(push_magic.to_owned()).map_err(|_| Refusal::new(410, "Unregistered"))
}

/// A received notification. It is recorded however it ends.
struct UnderWay {
    shared: Shared,
    token: String,
    topic: String,
    push_magic: Option<String>,
    status: u16,
    ended: bool,
}

impl UnderWay {
    fn begin(shared: Shared, token: String, topic: String) -> UnderWay {
        {
            let mut connected = shared.connected();
            connected.in_flight += 1;
            connected.most_in_flight = connected.most_in_flight.max(connected.in_flight);
        }
        UnderWay { shared, token, topic, push_magic: None, status: 0, ended: false }
    }

    fn end(&mut self, connected: &mut Connected) {
        let UnderWay { token, topic, push_magic, status, .. } = self;
        let (token, topic, push_magic) = (token.clone(), topic.clone(), push_magic.clone());
        connected.in_flight -= 1;
        connected.received.push(Received { token, topic, push_magic, status: *status });
        self.ended = true;
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        if !self.ended {
            let shared = self.shared.clone();
            self.end(&mut shared.connected());
        }
    }
}
