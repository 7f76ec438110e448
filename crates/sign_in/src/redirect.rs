//! Signing in at another site, an identity provider: the way there and the way back.
//!
//! Nothing that was known before the round trip travels: what goes to the provider and comes back is one random value, good once, in one
//! browser, for 15 minutes.

pub mod assertion;
mod fault;
mod flow;
mod providers;

pub use fault::recorded;
pub use flow::{REQUEST_SECONDS, alarm, answered, metadata, send, sign_out, unsolicited};
pub use identity::redirect::{Back, Place};
pub use providers::{IdentityProvider, Offer, Providers};
