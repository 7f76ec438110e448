//! Sign-in at the real server with real directories and identity providers, and with hostile ones. Also tests the
//! numbered security requirements of sign-in and sessions.

#![expect(unreachable_pub, reason = "a test binary has no API: `pub` only leads out of a module")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod directory;
mod points;
mod saml;
mod sign_in_storm;
mod single_sign_on;
