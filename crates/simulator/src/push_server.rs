//! A push server of our own on the loopback interface: HTTP/2 with a client certificate, as APNs (its provider API and Apple's
//! "Setting up push notifications for your MDM customers"). It wakes the simulated devices that are connected to it.

//! What it does instead can be laid down for one device or for all: any documented answer, a delay, silence, a cut
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
    /// 0 where it was not answered.
    pub status: u16,
}

/// What is shared by its connections.
#[derive(Default)]
struct Connected {
    devices: HashMap<String, Registration>,
    received: Vec<Received>,
    /// What happens to notifications for devices that nothing is laid down for.
    script: Script,
    /// New connections are closed with this reason at once.
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

/// What every connection is given.
#[derive(Clone)]
struct Shared {
    connected: Arc<Mutex<Connected>>,
    /// To all connections at once.
    orders: broadcast::Sender<Order>,
    /// Whether notifications that are held are let go.
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
        let acceptor = Arc::new(connection::acceptor(files).map_err(std::io::Error::other)?);
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let shared = Shared::default();
        let task = tokio::spawn(connection::accept(listener, acceptor, shared.clone()));
        Ok(PushServer { address, shared, _task: Some(Arc::new(StopOnDrop(task))) })
    }

    /// None at all: devices get tokens, and nobody calls them.
    pub fn nowhere() -> PushServer {
        PushServer { address: ([0, 0, 0, 0], 0).into(), shared: Shared::default(), _task: None }
    }

    /// Where it listens.
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

    /// From now on, notifications for this token are refused with `status` and `reason`, as in `410` and `Unregistered`.
    pub fn refuse(&self, token: &[u8], status: u16, reason: &'static str) {
        self.always(token, Some(Behaviour::Refuse(Refusal::new(status, reason))));
    }

    /// What happens to notifications for this token from now on; `None`: what should.
    pub fn always(&self, token: &[u8], behaviour: Option<Behaviour>) {
        if let Some(device) = self.shared.connected().devices.get_mut(&hex::encode(token)) {
            device.script.always = behaviour;
        }
    }

    /// What happens to the next notifications for this token, one after the other.
    pub fn next(&self, token: &[u8], behaviours: impl IntoIterator<Item = Behaviour>) {
        if let Some(device) = self.shared.connected().devices.get_mut(&hex::encode(token)) {
            device.script.next.extend(behaviours);
        }
    }

    /// What happens to notifications for any other token from now on; `None`: what should.
    pub fn always_to_all(&self, behaviour: Option<Behaviour>) {
        self.shared.connected().script.always = behaviour;
    }

    /// Lets go what [`Behaviour::Hold`] holds.
    pub fn release(&self) {
        self.shared.released.send_replace(true);
    }

    /// Cuts every connection, without a word.
    pub fn cut_connections(&self) {
        // Where there is none, there is nothing to cut.
        let _ = self.shared.orders.send(Order::Cut);
    }

    /// Tells every connection that no more is taken on it, and answers what came before (GOAWAY).
    pub fn go_away(&self) {
        let _ = self.shared.orders.send(Order::GoAway);
    }

    /// From now on, connections are closed as soon as they are there, with a GOAWAY that says why; `None`: no more.
    pub fn greet_with_farewell(&self, reason: Option<&'static str>) {
        self.shared.connected().farewell = reason;
    }

    /// Everything that came in, oldest first.
    pub fn received(&self) -> Vec<Received> {
        self.shared.connected().received.clone()
    }

    /// How many connections were made since the start.
    pub fn connections(&self) -> usize {
        self.shared.connected().connections
    }

    /// How many notifications are under way.
    pub fn in_flight(&self) -> usize {
        self.shared.connected().in_flight
    }

    /// How many notifications were under way at once, at most.
    pub fn most_in_flight(&self) -> usize {
        self.shared.connected().most_in_flight
    }
}
