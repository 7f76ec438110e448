//! Devices at the real server: identities, check-ins, commands, pushes, renewals; every version by every way it has.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod checkin;
mod claims;
mod commands;
mod matrix;
mod mutual_tls;
mod picky;
mod profile_service;
mod push;
mod renewal;
mod scep;
mod strangers;
