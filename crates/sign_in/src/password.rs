//! Verifies a user name and a password with the sign-in methods that the settings enable: local accounts first, then
//! directories.

use crate::SignIn;
use crate::beat::Beat;
use crate::directories::{self, Answer, Question};
use crate::known_browser;
use crate::redirect::Place;
use decisions::staff::{LocalAccount, works_at_console};
use events::enrollment::{SignInMethodName, SignInRefusal};
use events::settings::Ways;
use events::staff::{Privilege, StaffId};
use identity::throttle::{Asked, RetryAfter};
use identity::{Account, Denial, LOCAL, SignInMethod as _, Unavailable, Verdict};
use platform::secrets::Secrets;
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

/// A successful authentication.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    pub method: SignInMethodName,
    pub account: Account,
    /// For a local account: its id and its privileges.
    pub local: Option<(StaffId, BTreeSet<Privilege>)>,
}

impl Proof {
    /// Returns the id of the `account-` stream that maps the account to a person.
    pub fn account_name(&self, secrets: &Secrets) -> String {
        account_name(secrets, self.method, &self.account.issuer, &self.account.subject)
    }
}

/// Result of verifying a user name and a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verified {
    Proven(Proof),
    Refused(Refused),
}

/// A rejected sign-in. `reason` is recorded. The answer to the person must be [`Refused::told`], which hides most
/// reasons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    pub method: SignInMethodName,
    pub reason: SignInRefusal,
    /// The local account with that name, if there is one.
    pub account: Option<StaffId>,
    /// Whether that local account has a privilege for the console.
    pub staff: bool,
    /// The directory account with that name, if there is one.
    pub known: Option<KnownAccount>,
    /// HMAC of the name that was typed, because people sometimes type their password there.
    pub name: String,
    /// If throttled, the seconds to wait.
    pub retry_after: Option<i64>,
    /// A directory that was asked, or would have been asked for another name, does not answer.
    pub unanswered: bool,
    /// The caller waits for it after all events are written.
    pub beat: Beat,
}

/// An account of a directory, identified by its streams.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownAccount {
    /// Id of its `account-` stream, which maps it to a person.
    pub account: String,
    /// Id of its `username-` stream, which maps it to a member of the staff.
    pub staff: String,
}

/// The answer to a person whose sign-in is rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// The same for an unknown name, a wrong password and an account that is not permitted to sign in.
    No,
    /// The person must wait this many seconds.
    Wait(i64),
    /// A directory does not answer. The same for every name.
    NotNow,
    /// The password was right, but the directory requires a new one. This reveals nothing to anyone who does not know
    /// the password.
    ChangePassword,
}

impl Refused {
    /// Returns the answer to the person.
    pub fn told(&self) -> Told {
        match (self.retry_after, self.reason) {
            (Some(seconds), _) => Told::Wait(seconds),
            (None, SignInRefusal::PasswordExpired | SignInRefusal::PasswordMustBeChanged) => Told::ChangePassword,
            (None, _) if self.unanswered => Told::NotNow,
            (None, _) => Told::No,
        }
    }

    /// Returns whether the person must wait (429) and the password was not checked. Such refusals are counted instead
    /// of written, so they use no budget.
    pub fn is_held_up(&self) -> bool {
        self.retry_after.is_some() && self.reason == SignInRefusal::Throttled
    }

    /// Returns the id of the `account-` stream of the account with this name, if there is one.
    pub fn account_name(&self, secrets: &Secrets) -> Option<String> {
        let local = |id: StaffId| account_name(secrets, SignInMethodName::LocalAccount, LOCAL, &id.to_string());
        self.account.map(local).or_else(|| self.known.as_ref().map(|known| known.account.clone()))
    }
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
    let (state, _) =
        sign_in.platform.load::<LocalAccount>(&stream).await.map_err(|error| Unavailable(error.to_string()))?;
    Ok((verdict, id.map(|id| (id, state.privileges))))
}

/// The id of no account. Its stream is read if the account is unknown.
pub const NOBODY: StaffId = StaffId(Uuid::nil());

pub(crate) fn reason(denial: Denial) -> SignInRefusal {
    match denial {
        Denial::UnknownName => SignInRefusal::UnknownName,
        Denial::WrongPassword => SignInRefusal::WrongPassword,
        Denial::Disabled => SignInRefusal::AccountDisabled,
        Denial::Locked => SignInRefusal::AccountLocked,
        Denial::Expired => SignInRefusal::AccountExpired,
        Denial::PasswordExpired => SignInRefusal::PasswordExpired,
        Denial::PasswordMustBeChanged => SignInRefusal::PasswordMustBeChanged,
        Denial::OutsideHours => SignInRefusal::OutsideLogonHours,
        Denial::ElsewhereOnly => SignInRefusal::WorkstationNotPermitted,
    }
}

/// Returns the id of the `account-` stream of an account. `subject` is the issuer's identifier of the person.
pub fn account_name(secrets: &Secrets, method: SignInMethodName, issuer: &str, subject: &str) -> String {
    secrets.name("account", &[method_name(method), issuer, subject])
}

/// Returns the id of the `username-` stream that maps an account of a directory or identity provider to a member of the
/// staff.
pub fn staff_account_name(secrets: &Secrets, method: SignInMethodName, issuer: &str, subject: &str) -> String {
    secrets.name("staff-account", &[method_name(method), issuer, subject])
}

fn method_name(method: SignInMethodName) -> &'static str {
    match method {
        SignInMethodName::LocalAccount => "local_account",
        SignInMethodName::Directory => "directory",
        SignInMethodName::OpenIdConnect => "open_id_connect",
        SignInMethodName::Saml => "saml",
    }
}
