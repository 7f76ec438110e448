//! Invitations to enroll: issues them, makes their links and codes, opens them, and decides who may use them.
//!
//! `link` and `code` derive what a person shows from the id and the generation of an invitation, so neither is stored.
//! `recipient` finds out who is invited and `present` who it is by now, `issue` issues, renews and revokes, and `open`
//! reads a link or a code. `spend` uses the invitation after the sign-in, and `guesses` limits attempts to find a code.
//! `waves` has the invitations of many records.

mod again;
mod code;
mod error;
mod guesses;
mod issue;
mod keys;
mod link;
mod mail;
mod open;
mod present;
mod recipient;
mod spend;
#[cfg(test)]
mod tests;
mod waves;

pub use code::DeviceCode;
pub use error::{AgainError, ChangeError, InvitationError, IssueError, NotIssued, WaveError};
pub use guesses::Guess;
pub use issue::Request;
pub use open::{Opened, Seen, Typed};
pub use recipient::Invitee;
pub use spend::{Spender, Spent};
pub use waves::{MOST_REHEARSED, WaveRehearsal};

use guesses::Guesses;
use platform::Platform;
use platform::context::Context;
use sign_in::SignIn;
use std::sync::Arc;

/// The service of invitations.
pub struct Invitations {
    platform: Platform,
    /// Has the directories and identity providers.
    sign_in: Arc<SignIn>,
    guesses: Guesses,
}

impl Invitations {
    pub fn new(platform: Platform, sign_in: Arc<SignIn>) -> Invitations {
        Invitations { platform, sign_in, guesses: Guesses::default() }
    }
}

/// Returns the context of one step of a change. If the change is an effect, each stream needs an effect of its own.
fn step(context: &Context, name: &str) -> Context {
    let effect = context.effect.as_ref().map(|effect| format!("{effect} {name}").into());
    Context { effect, ..context.clone() }
}
