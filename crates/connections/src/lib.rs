//! Tracks open connections: time limits for each phase, and which connection is closed if there is no room.
//!
//! A connection uses a file descriptor, and opening one needs no identity. Each connection is therefore tracked from
//! its acceptance until it is dropped. Its socket reports received and sent bytes ([`Connection::received`],
//! [`Connection::sent`]); the HTTP layer reports when requests begin and end, and how much of their bodies was read. A
//! periodic sweep closes overdue connections. Near the limit of descriptors each new connection closes one of the
//! holder with the most connections ([`room`]), and the sweep logs it (`tally`).

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

/// Limits of a connection's phases.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Time for the TLS handshake. A phone on a poor network, or a server under load, does not always complete the
    /// round trips of TLS and a signature sooner: a single lost packet is retransmitted only after one second, then
    /// two, then four.
    pub handshake: Duration,
    /// Maximum bytes received during the TLS handshake. OpenSSL alone would read 100 KiB of client certificates; a
    /// device presents one.
    pub handshake_bytes: u64,
    /// Time from the first byte of a request to the last byte of its head; for the first request it includes the wait
    /// for the first byte. The same limit applies to each line of a chunked body and to everything that follows its
    /// last chunk.
    pub head: Duration,
    /// Maximum time without a byte of an awaited body.
    pub silence: Duration,
    /// Time after which the minimum rate of a body is checked.
    pub grace: Duration,
    /// Minimum rate of a body in bytes per second, measured from its beginning. There is no fixed time limit, because
    /// 4 MiB over slow radio take minutes.
    pub bytes_per_second: u64,
    /// Maximum time between two requests. Devices pause ten seconds in a conversation, and a new handshake each time
    /// would be expensive for them.
    pub idle: Duration,
    /// Maximum time for which sent data may stay unacknowledged (TCP_USER_TIMEOUT).
    pub unacknowledged: Duration,
    /// Maximum number of concurrent requests of one address behind a trusted proxy.
    pub per_forwarded_address: usize,
    /// Maximum number of connections, however many descriptors are available.
    pub most_connections: Option<usize>,
    /// File descriptors reserved for files and outgoing connections.
    pub reserved_descriptors: usize,
    /// Interval of the sweep.
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

/// All connections of the server, on all listeners.
#[derive(Clone)]
pub struct Connections(Arc<Inner>);

struct Inner {
    known: Mutex<Known>,
    /// Number of connections above which new ones close others.
    capacity: AtomicUsize,
    metrics: Metrics,
}

#[derive(Debug, Default)]
struct Known {
    next: u64,
    open: HashMap<u64, Arc<Connection>>,
    /// Number of closed connections that stay open until their tasks notice.
    ending: usize,
    /// Connections that can be closed to make room.
    holders: Holders,
    tally: Tally,
    /// Number of concurrent requests of each address behind a trusted proxy.
    forwarded: HashMap<IpAddr, usize>,
}

/// One connection.
#[derive(Debug)]
pub struct Connection {
    number: u64,
    listener: &'static str,
    /// Source address; an IPv6 network counts as one. `None`: the connection has no source and is never closed to make
    /// room.
    source: Option<IpAddr>,
    ended: AtomicBool,
    waker: AtomicWaker,
    progress: Mutex<Progress>,
}

/// Handle of a connection until its socket is dropped.
#[derive(Debug)]
pub struct Held {
    connections: Connections,
    connection: Arc<Connection>,
}

/// Handle of a request from an address behind a trusted proxy, until it is dropped.
#[derive(Debug)]
pub struct Forwarded {
    connections: Connections,
    address: IpAddr,
}

impl Connections {
    pub fn new(metrics: Metrics) -> Connections {
        Connections(Arc::new(Inner { known: Mutex::default(), capacity: AtomicUsize::new(usize::MAX), metrics }))
    }

    /// Sets the number of connections above which new ones close others.
    pub fn limit(&self, capacity: usize) {
        self.0.capacity.store(capacity, Ordering::Relaxed);
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Registers an accepted connection and makes room for it. `exempt`: the peer is a trusted proxy.
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

    /// Closes overdue connections, and logs which were closed to make room.
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
        due.report(&self.0.metrics, self.0.capacity.load(Ordering::Relaxed));
    }

    /// Records the proven identity of a connection, which counts towards that identity from now on.
    pub fn proven(&self, connection: &Connection, identity: Identity) {
        let mut known = self.known();
        // A connection that is being closed belongs to nobody.
        if let Some(source) = connection.source
            && known.open.contains_key(&connection.number)
            && !connection.has_ended()
        {
            known.holders.prove(source, connection.number, identity);
        }
    }

    /// Registers a request from an address behind a trusted proxy. Returns `None` if the address has too many
    /// concurrent requests.
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

    /// Returns the number of open connections.
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

    /// Returns whether the connection is being closed; readers and writers then stop.
    pub fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }

    /// Registers the task to wake when the connection is closed.
    pub fn wakes(&self, waker: &Waker) {
        self.waker.register(waker);
    }

    /// Reports that a line of a chunked body, or what follows its last chunk, is longer than the limit.
    pub fn has_endless_line(&self) {
        self.progress().has_endless_line();
    }

    /// Reports received bytes, before decryption.
    pub fn received(&self, now: Instant, bytes: &[u8]) {
        self.progress().received(now, bytes);
    }

    /// Returns the number of bytes received during the handshake.
    pub(crate) fn of_handshake(&self) -> u64 {
        self.progress().of_handshake()
    }

    /// Reports whether the HTTP server holds a part of a request head.
    pub fn is_in_head(&self, now: Instant, is_in_head: bool) {
        self.progress().is_in_head(now, is_in_head);
    }

    /// Reports whether a line of a chunked body is incomplete: the size of a chunk, or what follows the last chunk.
    pub fn is_in_line(&self, now: Instant, is_in_line: bool) {
        self.progress().is_in_line(now, is_in_line);
    }

    /// Reports that bytes were sent.
    pub fn sent(&self, now: Instant) {
        self.progress().sent(now);
    }

    /// Reports that the connection is ready for requests, without TLS.
    pub fn established(&self, now: Instant) {
        self.progress().established(now);
    }

    /// Reports that the TLS handshake is done and the connection is ready for requests.
    pub fn established_over_tls(&self, now: Instant) {
        self.progress().established_over_tls(now);
    }

    /// Reports that a request begins.
    pub fn begins(&self) {
        self.progress().begins();
    }

    /// Reports that the response was handed over.
    pub fn finishes(&self, now: Instant) {
        self.progress().finishes(now);
    }

    /// Reports that the server waits for the request's body.
    pub fn awaits_body(&self, now: Instant) {
        self.progress().awaits_body(now);
    }

    /// Reports the number of body bytes that were read.
    pub fn has_body(&self, now: Instant, bytes: usize) {
        self.progress().has_body(now, bytes);
    }

    /// Reports that the body is complete.
    pub fn has_whole_body(&self) {
        self.progress().has_whole_body();
    }

    /// Reports that the server stopped reading the body, which may be incomplete.
    pub fn leaves_body(&self) {
        self.progress().leaves_body();
    }
}

impl Held {
    pub fn connection(&self) -> &Arc<Connection> {
        &self.connection
    }

    /// Closes the connection if its handshake exceeded `most` bytes. Returns whether it did.
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
