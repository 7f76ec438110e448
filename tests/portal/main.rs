//! Tests of the portal of a real server, with a simulated Safari and with real browsers, and of the rules that decide
//! who may enroll.

#![expect(unreachable_pub, reason = "a test binary has no API: `pub` only leads out of a module")]
#![expect(clippy::unwrap_used, reason = "a test that cannot continue has failed")]

mod access;
mod account;
mod browser;
mod enrollment;
mod invitations;
mod pages;
mod previous;
mod security;
mod snapshots;
