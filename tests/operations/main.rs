//! The real server from the operator's perspective: the command line, faults and losses, limits, certificates.

#![expect(unreachable_pub, reason = "a test binary has no API: `pub` only leads out of a module")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod budgets;
mod command_line;
mod connections;
mod crash;
mod faults;
mod imports;
mod kept;
mod mail;
mod operator;
mod perform;
mod public_url;
mod push_certificate;
mod reactions;
mod secrets;
mod snapshots;
mod tls;
mod waves;
