//! Verifies a user name and a password with the sign-in methods that the settings enable: local accounts first, then
//! directories.

use crate::SignIn;
use crate::beat::Beat;
use crate::directories::{self, Answer, Question};
use crate::known_browser;
use crate::redirect::Place;
use crate::verdict::{Proof, Refused, Verified, reason};
use decisions::staff::{LocalAccount, works_at_console};
use events::enrollment::{SignInMethodName, SignInRefusal};
use events::settings::Ways;
use events::staff::{Privilege, StaffId};
use identity::throttle::{Asked, RetryAfter};
use identity::{SignInMethod as _, Unavailable, Verdict};
use platform::user_names;
use secrecy::SecretString;
use std::collections::BTreeSet;
use std::net::IpAddr;
use tokio::time::Instant;
use uuid::Uuid;

/// An attempt to sign in with a name and a password.
pub struct Trying<'a> {
    pub place: Place,
    /// The sign-in methods that the settings enable at this place.
    pub ways: &'a Ways,
    pub user_name: &'a str,
    pub password: &'a SecretString,
    pub source: IpAddr,
    /// Value of the known-browser cookie, if the browser sent one.
    pub known_browser: Option<&'a str>,
    /// Number of people who share the source, if the settings contain it.
    pub people: Option<u32>,
}

impl Trying<'_> {
    /// Creates a value of the known-browser cookie. Call it only after the right password.
    pub fn remember_browser(&self, sign_in: &SignIn) -> String {
        known_browser::remember(sign_in, self.place, &typed_name(sign_in, self.user_name))
    }
}

// People sometimes type their password in the name field, so only a digest of the name is stored.
pub(crate) fn typed_name(sign_in: &SignIn, user_name: &str) -> String {
    sign_in.platform.secrets.name("typed-name", &[&user_names::key(user_name)])
}

/// Verifies a name and a password with the sign-in methods that the settings enable: local accounts first, then the
/// directories, unless an enabled local account has the name. Attempts are throttled. Every attempt that is not
/// throttled computes one local password hash, so that all names take the same time. `entitled` decides whether the
/// privileges of a local account are sufficient. The caller records the result and waits for the beat of a refusal.
///
/// # Errors
/// Returns an error if the local accounts cannot be read.
pub async fn verify(
    sign_in: &SignIn,
    trying: &Trying<'_>,
    entitled: impl Fn(&BTreeSet<Privilege>) -> bool,
) -> Result<Verified, Unavailable> {
    let Trying { place, ways, user_name, password, source, known_browser, people } = *trying;
    let name = typed_name(sign_in, user_name);
    let known = known_browser.and_then(|cookie| known_browser::known(sign_in, place, &name, cookie));
    let (throttle, asked) = (sign_in.throttle(place), Asked { name: &name, source, known, people });
    let method = SignInMethodName::LocalAccount;
    let refused = |reason, local: Option<&Known>, retry_after, beat| Refused {
        method,
        reason,
        account: local.map(|(id, _)| *id),
        staff: local.is_some_and(|(_, privileges)| works_at_console(privileges)),
        known: None,
        name: name.clone(),
        retry_after,
        unanswered: false,
        beat,
    };
    let beat = Beat::since(Instant::now());
    let attempt = match throttle.begin(&sign_in.platform.world, asked).await {
        Ok(attempt) => attempt,
        Err(RetryAfter(seconds)) => {
            return Ok(Verified::Refused(refused(SignInRefusal::Throttled, None, Some(seconds), Beat::none())));
        }
    };
    let (reason, known) = match judge(sign_in, user_name, password).await? {
        (Verdict::Proven(account), Some((id, privileges))) if ways.local_accounts && entitled(&privileges) => {
            return Ok(Verified::Proven(Proof { method, account: *account, local: Some((id, privileges)) }));
        }
        (Verdict::Proven(_), known) => (SignInRefusal::NotEntitled, known),
        (Verdict::Denied { denial, .. }, known) => (reason(denial), known),
    };
    let answer = if ways.directories.is_empty() {
        Answer { verified: Verified::Refused(refused(reason, known.as_ref(), None, beat)), counts: true }
    } else {
        // If local accounts are disabled, a local account does not shadow an account of a directory.
        let local = known.filter(|_| ways.local_accounts);
        let local = local.map(|local| refused(reason, Some(&local), None, beat));
        directories::ask(sign_in, ways, &Question { typed: user_name, password, source, name: &name, local, beat })
            .await
    };
    // A right password is not a failed guess, even if the directory requires a new one.
    if answer.counts {
        throttle.failed(sign_in.platform.world.now(), attempt);
    } else {
        drop(attempt);
    }
    Ok(answer.verified)
}

type Known = (StaffId, BTreeSet<Privilege>);

// Reads the same number of streams for unknown names, so that timing reveals nothing.
async fn judge(
    sign_in: &SignIn,
    user_name: &str,
    password: &SecretString,
) -> Result<(Verdict, Option<Known>), Unavailable> {
    let verdict = sign_in.local.verify(user_name, password).await?;
    let subject = match &verdict {
        Verdict::Proven(account) => Some(account.subject.as_str()),
        Verdict::Denied { subject, .. } => subject.as_deref(),
    };
    let id = subject.and_then(|subject| Uuid::parse_str(subject).ok()).map(StaffId);
    let stream = id.unwrap_or(NOBODY).stream();
    // From the log and not from memory, where only accounts that exist have a state: the time would say which do.
    let (state, _) = platform::load::<LocalAccount>(&sign_in.platform.log, &stream)
        .await
        .map_err(|error| Unavailable(error.to_string()))?;
    Ok((verdict, id.map(|id| (id, state.privileges.clone()))))
}

/// The id of no account. Its stream is read if the account is unknown.
pub const NOBODY: StaffId = StaffId(Uuid::nil());
