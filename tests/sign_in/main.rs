//! Signing in at the real server with real directories and identity providers, and with hostile ones; the checkable
//! points of signing in and of sessions.

#![expect(unreachable_pub, reason = "a test binary has no API: `pub` only leads out of a module")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod directory;
mod points;
mod saml;
mod sign_in_storm;
mod single_sign_on;
