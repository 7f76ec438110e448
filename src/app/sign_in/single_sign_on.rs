//! Signing in at another site: the way there, the way back, and what is written down about both.
//!
//! At the portal everything that was known before the round trip is in the visit's stream, and nothing about it travels:
//! what goes to the provider and comes back is one random value, good once, in one browser, for 15 minutes.

mod fault;
mod flow;
mod portal;
mod providers;
pub mod saml;
pub mod staff;

pub use flow::{Back, REQUEST_SECONDS, sign_out};
pub use portal::{Departure, arrive, depart};
pub use providers::{Offer, Providers};

/// Where people sign in, and come back to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Portal,
    Console,
}

impl Place {
    fn path(self) -> &'static str {
        match self {
            Place::Portal => "/enroll/sso",
            Place::Console => "/console/sso",
        }
    }
}
