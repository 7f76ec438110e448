//! Tests of devices with a real server: identities, check-ins, commands, pushes, renewals; every version with every
//! type of enrollment that it supports.

#![expect(unreachable_pub, reason = "a test binary has no API: `pub` only leads out of a module")]
#![expect(clippy::unwrap_used, reason = "a test that cannot continue has failed")]

mod checkin;
mod claims;
mod commands;
mod links;
mod matrix;
mod mutual_tls;
mod picky;
mod profile_service;
mod push;
mod renewal;
mod scep;
mod snapshots;
mod strangers;
