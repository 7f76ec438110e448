//! Single sign-on with an identity provider: the redirect to the provider and its answer.
//!
//! No state of the enrollment or session is sent to the provider. The request carries one random value, which is valid
//! once, in one browser, for 15 minutes.

pub mod assertion;
mod fault;
mod flow;
mod providers;

pub use fault::recorded;
pub use flow::{REQUEST_SECONDS, alarm, begin, finish, metadata, posted_field, sign_out, unsolicited};
pub use identity::redirect::{Back, Place};
pub use providers::{IdentityProvider, Offer, Providers};
