//! Ports for whatever must be told its address, or come back at it: nobody else is given them in between.
//!
//! A port that the system picked and got back may be the next one that it picks, for a listener or for a connection of anybody
//! on the machine. These lie below those that it picks from (`/proc/sys/net/ipv4/ip_local_port_range`).

use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};

// Browsers go to no server on 10080.
const FIRST: u16 = 10_100;
/// The system picks from 32768 on.
const COUNT: u16 = 22_668;

static HANDED_OUT: AtomicU16 = AtomicU16::new(0);

/// A port of 127.0.0.1 that nobody listens on and that no other test of this process is given.
pub fn free() -> u16 {
    let mut tried = std::iter::repeat_with(next).take(COUNT.into());
    tried.find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok()).expect("a port is free")
}

/// Gives an address that leaves its port to others (port 0) one of these.
pub fn settle(address: &mut SocketAddr) {
    if address.port() == 0 {
        address.set_port(free());
    }
}

// Test processes that run at the same time begin far from each other.
fn next() -> u16 {
    let nth = u32::from(HANDED_OUT.fetch_add(1, Ordering::Relaxed));
    let begin = std::process::id().wrapping_mul(997);
    FIRST + ((begin.wrapping_add(nth)) % u32::from(COUNT)) as u16
}
