//! A user name and a password, verified in the ways that are switched on: local accounts first, then directories.

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

/// Somebody tries to sign in with a name and a password.
pub struct Trying<'a> {
    pub place: Place,
    /// The ways that are switched on there.
    pub ways: &'a Ways,
    pub user_name: &'a str,
    pub password: &'a SecretString,
    pub source: IpAddr,
    /// The cookie that makes their browser known, if it has one.
    pub known_browser: Option<&'a str>,
    /// How many people share their source, if the settings say so.
    pub people: Option<u32>,
}

impl Trying<'_> {
    /// A new value of the cookie that makes this browser known: only after the password was right.
    pub fn remember_browser(&self, sign_in: &SignIn) -> String {
        known_browser::remember(sign_in, self.place, &typed_name(sign_in, self.user_name))
    }
}

// People type passwords there: it is kept as a digest alone.
pub(crate) fn typed_name(sign_in: &SignIn, user_name: &str) -> String {
    sign_in.platform.secrets.name("typed-name", &[&user_names::key(user_name)])
}

/// Somebody proved who they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    pub method: SignInMethodName,
    pub account: Account,
    /// The local account, where it is one, and what it may do.
    pub local: Option<(StaffId, BTreeSet<Privilege>)>,
}

impl Proof {
    /// The id of the `account-` stream that leads from the account to a person.
    pub fn account_name(&self, secrets: &Secrets) -> String {
        account_name(secrets, self.method, &self.account.issuer, &self.account.subject)
    }
}

/// What came of a user name and a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verified {
    Proven(Proof),
    Refused(Refused),
}

/// Somebody was not let in. `reason` is for the record; the answer must not depend on it, but for the waiting time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    pub method: SignInMethodName,
    pub reason: SignInRefusal,
    /// The local account, where there is one of that name.
    pub account: Option<StaffId>,
    /// Whether that account works at the console.
    pub staff: bool,
    /// Another account, where there is one of that name.
    pub known: Option<KnownAccount>,
    /// HMAC of the name as it was typed: people type passwords there.
    pub name: String,
    /// Throttled: how many seconds to wait.
    pub retry_after: Option<i64>,
    /// A directory that was asked, or would have been for another name, does not answer.
    pub unanswered: bool,
    /// To be waited for when all is written.
    pub beat: Beat,
}

/// An account of a directory, by the names of streams that lead from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownAccount {
    /// The id of its `account-` stream, which leads to a person.
    pub account: String,
    /// The id of its `username-` stream, which leads to somebody of the staff.
    pub staff: String,
}

/// What somebody reads who is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// The same for an unknown name, a wrong password and an account that may not.
    No,
    /// For so many seconds.
    Wait(i64),
    /// A directory does not answer, whatever the name.
    NotNow,
    /// The password was right, and the directory wants another: who knows it may know that.
    ChangePassword,
}

impl Refused {
    pub fn told(&self) -> Told {
        match (self.retry_after, self.reason) {
            (Some(seconds), _) => Told::Wait(seconds),
            (None, SignInRefusal::PasswordExpired | SignInRefusal::PasswordMustBeChanged) => Told::ChangePassword,
            (None, _) if self.unanswered => Told::NotNow,
            (None, _) => Told::No,
        }
    }

    /// Told to wait (429) without a password being judged. That charges nothing: it is counted.
    pub fn is_held_up(&self) -> bool {
        self.retry_after.is_some() && self.reason == SignInRefusal::Throttled
    }

    /// The id of the `account-` stream of whose name it is, where there is somebody.
    pub fn account_name(&self, secrets: &Secrets) -> Option<String> {
        let local = |id: StaffId| account_name(secrets, SignInMethodName::LocalAccount, LOCAL, &id.to_string());
        self.account.map(local).or_else(|| self.known.as_ref().map(|known| known.account.clone()))
    }
}

/// Verifies a name and a password in the ways that are switched on, throttled, always at the price of one local
/// password: local accounts first, then the directories for a name that is not a local account's. `entitled` says which
/// privileges of a local account suffice. Writes nothing down and does not wait for the beat of a refusal: that is the
/// caller's part.
///
/// # Errors
/// If the accounts cannot be read.
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
    // What cannot be judged is our fault, not theirs: it does not count.
    if answer.counts {
        throttle.failed(sign_in.platform.world.now(), attempt);
    } else {
        drop(attempt);
    }
    Ok(answer.verified)
}

type Known = (StaffId, BTreeSet<Privilege>);

// Reads as many streams for an account as for none.
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

/// An account that is nobody's; its stream is read in place of an unknown one's.
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

/// The id of the `account-` stream of an account: of the method, the issuer and the issuer's name for the person.
pub fn account_name(secrets: &Secrets, method: SignInMethodName, issuer: &str, subject: &str) -> String {
    secrets.name("account", &[method_name(method), issuer, subject])
}

/// The id of the `username-` stream that leads from an account of a directory or identity provider to who works at the
/// console with it.
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
