//! Who is connected: how long each connection may take for what, and which one goes when there is no room.
//!
//! A connection costs a descriptor, and nobody needs an identity to open one. So each is known here from the moment it is
//! accepted until it is dropped. Its socket tells what comes and goes ([`Connection::received`], [`Connection::sent`]), the requests on it tell when they
//! begin and end and how much of their bodies was read. The server sweeps once a moment and ends what is overdue; near the
//! limit of descriptors each newcomer ends a connection of whoever holds most ([`room`]), and the sweep tells of it (`tally`).

mod progress;
mod records;
pub mod room;
mod tally;

use futures_util::task::AtomicWaker;
use identity::throttle::network;
use progress::Progress;
use room::{Holders, Identity, Victim};
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::{Duration, Instant};
use tally::Tally;
use telemetry::Metrics;

pub use progress::Overdue;

/// How long a connection may take, and for what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// For TLS. A phone on a poor network, or a server under load, does not always get through the round trips of TLS and a signature
    /// sooner: one lost packet alone is sent again only after a second, then two, then four.
    pub handshake: Duration,
    /// Bytes that may come before TLS stands. OpenSSL alone would read 100 KiB of a client's certificates; a device presents one.
    pub handshake_bytes: u64,
    /// From the first byte of a request to the last of its head; the first request also until its first byte. So much, too, for each line of
    /// a body in chunks, and for all that follows the last piece of it.
    pub head: Duration,
    /// Without a byte of a body that is awaited.
    pub silence: Duration,
    /// After so long …
    pub grace: Duration,
    /// … so many bytes of a body must have come a second, counted from its beginning. There is no flat limit: 4 MiB
    /// over slow radio take minutes.
    pub bytes_per_second: u64,
    /// Between two requests: devices pause ten seconds in a conversation, and would pay for a handshake each time.
    pub idle: Duration,
    /// Of what was sent, without a sign that it arrived (TCP_USER_TIMEOUT).
    pub unacknowledged: Duration,
    /// Requests under way of one address behind a trusted proxy, at most.
    pub per_forwarded_address: usize,
    /// No more connections than this, however many descriptors there are.
    pub most_connections: Option<usize>,
    /// Descriptors kept for files and outgoing calls.
    pub reserved_descriptors: usize,
    /// How often connections are looked at.
    pub sweep: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            handshake: Duration::from_secs(15),
            handshake_bytes: 32 * 1024,
            head: Duration::from_secs(10),
            silence: Duration::from_secs(30),
            grace: Duration::from_secs(10),
            bytes_per_second: 1024,
            idle: Duration::from_secs(75),
            unacknowledged: Duration::from_secs(60),
            per_forwarded_address: 256,
            most_connections: None,
            reserved_descriptors: 128,
            sweep: Duration::from_secs(1),
        }
    }
}

/// All connections of a server, on whichever listener.
#[derive(Clone)]
pub struct Connections(Arc<Inner>);

struct Inner {
    known: Mutex<Known>,
    /// From how many on newcomers end others.
    capacity: AtomicUsize,
    metrics: Metrics,
}

#[derive(Debug, Default)]
struct Known {
    next: u64,
    open: HashMap<u64, Arc<Connection>>,
    /// So many of these were ended, and are open until their tasks find out.
    ending: usize,
    /// Those that may have to go.
    holders: Holders,
    tally: Tally,
    /// Requests under way, of each address behind a trusted proxy.
    forwarded: HashMap<IpAddr, usize>,
}

/// One connection.
#[derive(Debug)]
pub struct Connection {
    number: u64,
    listener: &'static str,
    /// An IPv6 network counts as one. `None`: of nobody in particular, and never ended to make room.
    source: Option<IpAddr>,
    ended: AtomicBool,
    waker: AtomicWaker,
    progress: Mutex<Progress>,
}

/// A connection until its socket is dropped.
#[derive(Debug)]
pub struct Held {
    connections: Connections,
    connection: Arc<Connection>,
}

/// A request of an address behind a trusted proxy, until it is dropped.
#[derive(Debug)]
pub struct Forwarded {
    connections: Connections,
    address: IpAddr,
}

impl Connections {
    pub fn new(metrics: Metrics) -> Connections {
        Connections(Arc::new(Inner { known: Mutex::default(), capacity: AtomicUsize::new(usize::MAX), metrics }))
    }

    /// Sets from how many on newcomers end others.
    pub fn limit(&self, capacity: usize) {
        self.0.capacity.store(capacity, Ordering::Relaxed);
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes up a connection that was accepted, and makes room for it. `exempt`: its peer is a trusted proxy.
    pub fn accepted(&self, listener: &'static str, peer: Option<IpAddr>, exempt: bool, now: Instant) -> Held {
        let source = peer.map(network).filter(|_| !exempt);
        let mut known = self.known();
        let number = known.next;
        known.next += 1;
        let connection = Arc::new(Connection {
            number,
            listener,
            source,
            ended: AtomicBool::new(false),
            waker: AtomicWaker::new(),
            progress: Mutex::new(Progress::begun(now)),
        });
        known.open.insert(number, connection.clone());
        if let Some(source) = source {
            known.holders.add(source, number);
        }
        self.0.metrics.connection_opened(listener);
        self.make_room(&mut known, number);
        Held { connections: self.clone(), connection }
    }

    fn make_room(&self, known: &mut Known, newcomer: u64) {
        let capacity = self.0.capacity.load(Ordering::Relaxed);
        while known.remaining() > capacity {
            let Some((victim, connection)) = known.victim() else {
                known.tally.no_room().in_excess += 1;
                return;
            };
            match victim {
                Victim::Of(identity, _) => known.tally.ended_of(identity),
                Victim::Unproven(number) if number == newcomer => known.tally.no_room().turned_away += 1,
                Victim::Unproven(_) => known.tally.no_room().strangers_ended += 1,
            }
            self.end(known, &connection, "room");
        }
    }

    fn end(&self, known: &mut Known, connection: &Connection, why: &'static str) {
        if !connection.ended.swap(true, Ordering::AcqRel) {
            known.ending += 1;
            self.0.metrics.connection_ended(why);
            connection.waker.wake();
        }
        if let Some(source) = connection.source {
            known.holders.remove(source, connection.number);
        }
    }

    /// Ends what is overdue, and tells what was ended for room.
    pub fn sweep(&self, now: Instant, limits: &Limits) {
        let mut known = self.known();
        let overdue =
            |connection: &Arc<Connection>| Some((connection.clone(), connection.progress().overdue(now, limits)?));
        let open = known.open.values().filter(|connection| !connection.has_ended());
        let overdue: Vec<_> = open.filter_map(overdue).collect();
        for (connection, overdue) in overdue {
            tracing::debug!(listener = connection.listener, ?overdue, "a connection took too long");
            self.end(&mut known, &connection, overdue.name());
        }
        let due = known.tally.due(now);
        drop(known);
        due.tell(&self.0.metrics, self.0.capacity.load(Ordering::Relaxed));
    }

    /// Notes who has proven to speak on this connection: it is one of theirs from now on.
    pub fn proven(&self, connection: &Connection, identity: Identity) {
        let mut known = self.known();
        // One that is on its way out is nobody's any more.
        if let Some(source) = connection.source
            && known.open.contains_key(&connection.number)
            && !connection.has_ended()
        {
            known.holders.prove(source, connection.number, identity);
        }
    }

    /// Begins a request of an address behind a trusted proxy. `None`: it has too many under way.
    pub fn forwarded(&self, address: IpAddr, most: usize) -> Option<Forwarded> {
        let address = network(address);
        let mut known = self.known();
        let under_way = known.forwarded.entry(address).or_default();
        if *under_way >= most {
            return None;
        }
        *under_way += 1;
        Some(Forwarded { connections: self.clone(), address })
    }

    /// How many are open.
    pub fn count(&self) -> usize {
        self.known().open.len()
    }
}

impl Known {
    fn remaining(&self) -> usize {
        self.open.len() - self.ending
    }

    fn victim(&self) -> Option<(Victim, Arc<Connection>)> {
        let is_idle = |number: u64| self.open.get(&number).is_some_and(|connection| connection.progress().is_idle());
        let victim = self.holders.victim(is_idle)?;
        let (Victim::Unproven(number) | Victim::Of(_, number)) = victim;
        Some((victim, self.open.get(&number)?.clone()))
    }
}

impl Connection {
    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it is to be dropped: whoever reads or writes on it gives up.
    pub fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }

    /// Whom to wake when it is to be dropped.
    pub fn wakes(&self, waker: &Waker) {
        self.waker.register(waker);
    }

    /// A line of a body in chunks, or what follows its last piece, is longer than what is read.
    pub fn has_endless_line(&self) {
        self.progress().has_endless_line();
    }

    /// Bytes came, as they were sent.
    pub fn received(&self, now: Instant, bytes: &[u8]) {
        self.progress().received(now, bytes);
    }

    /// So many bytes came before requests were awaited.
    pub fn of_handshake(&self) -> u64 {
        self.progress().of_handshake()
    }

    /// Whether the HTTP server keeps a part of a head.
    pub fn is_in_head(&self, now: Instant, is_in_head: bool) {
        self.progress().is_in_head(now, is_in_head);
    }

    /// Whether a line of a body in chunks has begun and not ended: the size of a piece, or what follows the last piece.
    pub fn is_in_line(&self, now: Instant, is_in_line: bool) {
        self.progress().is_in_line(now, is_in_line);
    }

    /// Bytes went.
    pub fn sent(&self, now: Instant) {
        self.progress().sent(now);
    }

    /// From now on requests are awaited, without TLS.
    pub fn established(&self, now: Instant) {
        self.progress().established(now);
    }

    /// TLS stands: from now on requests are awaited.
    pub fn established_over_tls(&self, now: Instant) {
        self.progress().established_over_tls(now);
    }

    /// A request begins.
    pub fn begins(&self) {
        self.progress().begins();
    }

    /// Its answer was handed over.
    pub fn finishes(&self, now: Instant) {
        self.progress().finishes(now);
    }

    /// The body of the request is awaited.
    pub fn awaits_body(&self, now: Instant) {
        self.progress().awaits_body(now);
    }

    /// So many bytes of it were read.
    pub fn has_body(&self, now: Instant, bytes: usize) {
        self.progress().has_body(now, bytes);
    }

    /// There is no more of it.
    pub fn has_whole_body(&self) {
        self.progress().has_whole_body();
    }

    /// Nobody waits for more of it, and there may be more.
    pub fn leaves_body(&self) {
        self.progress().leaves_body();
    }
}

impl Held {
    pub fn connection(&self) -> &Arc<Connection> {
        &self.connection
    }

    /// Ends the connection if more came in its handshake than one needs. Whether it has ended.
    pub fn is_handshake_too_long(&self, most: u64) -> bool {
        let is_too_long = self.connection.of_handshake() > most;
        if is_too_long {
            tracing::debug!(listener = self.connection.listener, most, "a TLS handshake was too long");
            self.connections.end(&mut self.connections.known(), &self.connection, "handshake");
        }
        is_too_long
    }
}

impl std::fmt::Debug for Connections {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Connections({} open)", self.count())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let Connection { number, source, listener, .. } = &*self.connection;
        let mut known = self.connections.known();
        known.open.remove(number);
        known.ending -= usize::from(self.connection.has_ended());
        if let Some(source) = source {
            known.holders.remove(*source, *number);
        }
        self.connections.0.metrics.connection_closed(listener);
    }
}

impl Drop for Forwarded {
    fn drop(&mut self) {
        let mut known = self.connections.known();
        if let Some(under_way) = known.forwarded.get_mut(&self.address) {
            *under_way -= 1;
            if *under_way == 0 {
                known.forwarded.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests;
