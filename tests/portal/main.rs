//! The portal of the real server: people walk through it in a simulated Safari and in real browsers; who may enroll what.

#![expect(unreachable_pub, reason = "a test binary has no API: `pub` only leads out of a module")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod access;
mod account;
mod browser;
mod enrollment;
mod pages;
mod security;
