//! Ports for servers whose address must be known before they start, or that restart at the same address. No other
//! process gets such a port in between.
//!
//! The system may give a port that was just released to any other listener or connection on the machine. These
//! ports lie below the range from which the system chooses (`/proc/sys/net/ipv4/ip_local_port_range`).

use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};

// Browsers block port 10080.
const FIRST: u16 = 10_100;
/// The system chooses ports from 32768 on.
const COUNT: u16 = 22_668;

static HANDED_OUT: AtomicU16 = AtomicU16::new(0);

/// Returns a port of 127.0.0.1 on which nothing listens and that no other test of this process gets.
pub fn free() -> u16 {
    let mut tried = std::iter::repeat_with(next).take(COUNT.into());
    tried.find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok()).expect("a port is free")
}

/// Replaces port 0, which lets the system choose, by a port from here.
pub fn settle(address: &mut SocketAddr) {
    if address.port() == 0 {
        address.set_port(free());
    }
}

// Test processes that run at the same time start far apart in the range.
fn next() -> u16 {
    let nth = u32::from(HANDED_OUT.fetch_add(1, Ordering::Relaxed));
    let begin = std::process::id().wrapping_mul(997);
    FIRST + ((begin.wrapping_add(nth)) % u32::from(COUNT)) as u16
}
