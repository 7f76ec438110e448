//! The Muster server. Modules in the order data flows:
//!
//! [`portal`], [`mdm`], [`admin`] take HTTP in and turn it into commands; [`enrollment`] decides (pure); [`app`] performs:
//! loads, decides, appends; [`reactions`] turn committed facts into effects and new commands. [`pki`], [`identity`] and
//! [`push`] are libraries at heart; [`world`] is the only time and chance; [`apple`] knows what Apple's schema permits.
//! [`web`] is what the surfaces for people share. [`simulator`] is a browser and a device of our own, which share no code with the server.

pub mod admin;
pub mod app;
pub mod apple;
pub mod cli;
pub mod config;
pub mod enrollment;
pub mod identity;
pub mod installation_files;
pub mod mdm;
pub mod names;
pub mod pki;
pub mod plural;
pub mod portal;
pub mod push;
pub mod reactions;
pub mod server;
pub mod simulator;
pub mod telemetry;
pub mod web;
pub mod world;

/// Says by name that a test is left out, and why: past the test runner, which keeps what tests print to itself.
#[cfg(test)]
pub(crate) fn left_out(why: &str) {
    use std::io::Write as _;
    let thread = std::thread::current();
    // In one piece: what other tests print at the same time must not come between.
    let line = format!("left out: {}: {why}\n", thread.name().unwrap_or("a test"));
    let _ = std::io::stderr().write_all(line.as_bytes());
}
