//! A push server on the loopback interface: HTTP/2 with a client certificate, like APNs (its provider API and Apple's
//! "Setting up push notifications for your MDM customers"). It wakes the simulated devices that are connected to it.

//! Its behaviour can be scripted for one device or for all: any documented answer, a delay, no answer, a cut
//! connection, a GOAWAY.

mod answer;
mod behaviour;
mod connection;
#[cfg(test)]
mod tests;

pub use answer::{DOCUMENTED, Refusal};
pub use behaviour::Behaviour;

use crate::chance;
use behaviour::Script;
use connection::Order;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::net::TcpListener;
use tokio::sync::{broadcast, mpsc, watch};

/// Files of the push server, in PEM.
#[derive(Debug, Clone)]
pub struct PushServerFiles {
    /// TLS certificate of the push server, with intermediates.
    pub certificate: Vec<u8>,
    pub key: Vec<u8>,
    /// CA of the push certificates that it accepts.
    pub client_ca: Vec<u8>,
}

/// A received notification and the status of the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// Lower-case hexadecimal, as in the path.
    pub token: String,
    /// UID of the certificate that sent it.
    pub topic: String,
    pub push_magic: Option<String>,
    /// 0 if it was not answered.
    pub status: u16,
}

/// State that the connections share.
#[derive(Default)]
struct Connected {
    devices: HashMap<String, Registration>,
    received: Vec<Received>,
    /// Behaviour for devices without a script of their own.
    script: Script,
    /// Reason with which new connections are closed immediately.
    farewell: Option<&'static str>,
    connections: usize,
    in_flight: usize,
    most_in_flight: usize,
}

struct Registration {
    topic: String,
    wake: mpsc::UnboundedSender<String>,
    script: Script,
}

/// A running push server. It stops when the last clone is dropped.
#[derive(Clone)]
pub struct PushServer {
    address: SocketAddr,
    shared: Shared,
    _task: Option<Arc<StopOnDrop>>,
}

/// Data that every connection gets.
#[derive(Clone)]
struct Shared {
    connected: Arc<Mutex<Connected>>,
    /// Orders to all connections at once.
    orders: broadcast::Sender<Order>,
    /// Whether held notifications are released.
    released: watch::Sender<bool>,
}

impl Default for Shared {
    fn default() -> Shared {
        let released = watch::Sender::new(false);
        Shared { connected: Arc::default(), orders: broadcast::channel(16).0, released }
    }
}

impl Shared {
    fn connected(&self) -> MutexGuard<'_, Connected> {
        self.connected.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn until_released(&self) {
        // The server outlives its connections.
        let _ = self.released.subscribe().wait_for(|released| *released).await;
    }
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
    /// Waits for the next notification and returns its PushMagic. `None` if the push server is gone.
    pub async fn next(&mut self) -> Option<String> {
        self.woken.recv().await
    }
}

impl PushServer {
    /// Starts a server that listens on `address`. With port 0, it uses any free port.
    ///
    /// # Errors
    /// Returns an error if a file cannot be used or the address is in use.
    pub async fn start(files: &PushServerFiles, address: SocketAddr) -> std::io::Result<PushServer> {
        let acceptor = Arc::new(connection::acceptor(files).map_err(std::io::Error::other)?);
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let shared = Shared::default();
        let task = tokio::spawn(connection::accept(listener, acceptor, shared.clone()));
        Ok(PushServer { address, shared, _task: Some(Arc::new(StopOnDrop(task))) })
    }

    /// Creates a server that does not listen: devices get tokens but are never woken.
    pub fn nowhere() -> PushServer {
        PushServer { address: ([0, 0, 0, 0], 0).into(), shared: Shared::default(), _task: None }
    }

    /// The address that the server listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Connects a device that is managed under `topic`.
    pub fn connect(&self, topic: &str) -> PushConnection {
        let token = chance::bytes::<32>().to_vec();
        let (wake, woken) = mpsc::unbounded_channel();
        let registration = Registration { topic: topic.to_owned(), wake, script: Script::default() };
        self.shared.connected().devices.insert(hex::encode(&token), registration);
        PushConnection { token, woken }
    }

    /// From now on, rejects notifications for this token with `status` and `reason`, such as `410` and
    /// `Unregistered`.
    pub fn refuse(&self, token: &[u8], status: u16, reason: &'static str) {
        self.always(token, Some(Behaviour::Refuse(Refusal::new(status, reason))));
    }

    /// Sets the behaviour for this token from now on; `None` restores the normal one.
    pub fn always(&self, token: &[u8], behaviour: Option<Behaviour>) {
        if let Some(device) = self.shared.connected().devices.get_mut(&hex::encode(token)) {
            device.script.always = behaviour;
        }
    }

    /// Sets the behaviour for the next notifications for this token, in order.
    pub fn next(&self, token: &[u8], behaviours: impl IntoIterator<Item = Behaviour>) {
        if let Some(device) = self.shared.connected().devices.get_mut(&hex::encode(token)) {
            device.script.next.extend(behaviours);
        }
    }

    /// Sets the behaviour for all other tokens from now on; `None` restores the normal one.
    pub fn always_to_all(&self, behaviour: Option<Behaviour>) {
        self.shared.connected().script.always = behaviour;
    }

    /// Releases the notifications that [`Behaviour::Hold`] holds.
    pub fn release(&self) {
        self.shared.released.send_replace(true);
    }

    /// Cuts every connection without a GOAWAY.
    pub fn cut_connections(&self) {
        // Fails if there is no connection, and then there is nothing to cut.
        let _ = self.shared.orders.send(Order::Cut);
    }

    /// Sends a GOAWAY on every connection: no new requests are accepted, earlier ones are answered.
    pub fn go_away(&self) {
        let _ = self.shared.orders.send(Order::GoAway);
    }

    /// From now on, closes new connections immediately with a GOAWAY that contains `reason`; `None` ends this.
    pub fn greet_with_farewell(&self, reason: Option<&'static str>) {
        self.shared.connected().farewell = reason;
    }

    /// All received notifications, oldest first.
    pub fn received(&self) -> Vec<Received> {
        self.shared.connected().received.clone()
    }

    /// Number of connections since the start.
    pub fn connections(&self) -> usize {
        self.shared.connected().connections
    }

    /// Number of notifications in progress.
    pub fn in_flight(&self) -> usize {
        self.shared.connected().in_flight
    }

    /// Highest number of notifications that were in progress at the same time.
    pub fn most_in_flight(&self) -> usize {
        self.shared.connected().most_in_flight
    }
}
