//! Verifies passwords with the directories, after the local accounts. The directories are asked in order, and a
//! directory verifies the password only if the earlier ones do not know the name. Muster stays below the number of
//! wrong passwords after which a directory locks an account.
//!
//! For every name, each directory gets one search and one bind. Differences in time remain: a directory with a slow
//! password hash computes it only for known names, and it records a wrong password. Refusals are therefore answered on
//! a beat ([`Beat`]). Each name causes a request to each directory, so the answer that a directory does not respond is
//! the same for all names.

use super::beat::Beat;
use super::outages::Outages;
use crate::SignIn;
use crate::verdict::{KnownAccount, Proof, Refused, Verified, account_name, reason, staff_account_name};
use events::enrollment::{SignInMethodName, SignInRefusal};
use events::settings::Ways;
use identity::config::Identity;
use identity::ldap::{Found, Ldap, Unanswered};
use identity::lockout::{Limits, Lockout};
use identity::throttle::RetryAfter;
use identity::{Account, Denial, Unavailable, Verdict};
use secrecy::SecretString;
use std::net::IpAddr;
use std::sync::Arc;
use telemetry::Alarm;

/// The directories of the configuration.
#[derive(Default)]
pub struct Directories {
    all: Vec<Arc<Ldap>>,
    lockout: Lockout,
    outages: Outages,
}

impl Directories {
    /// Loads the directories of the configuration.
    ///
    /// # Errors
    /// Returns the name of a directory whose configuration cannot be used, and the reason.
    pub fn load(config: &Identity) -> Result<Directories, String> {
        let load = |config| Ldap::load(config).map(Arc::new);
        let all: Result<_, _> = config
            .directory
            .iter()
            .map(|config| load(config).map_err(|why| format!("directory {}: {why}", config.name)))
            .collect();
        Ok(Directories { all: all?, lockout: Lockout::default(), outages: Outages::default() })
    }

    /// Returns the directory with this name.
    pub fn named(&self, name: &str) -> Option<&Arc<Ldap>> {
        self.all.iter().find(|directory| directory.name() == name)
    }

    /// Returns the names of all directories of the configuration.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.all.iter().map(|directory| directory.name())
    }

    /// Returns all directories of the configuration, for a service that looks up groups.
    pub fn shared(&self) -> Vec<Arc<Ldap>> {
        self.all.clone()
    }

    /// Returns the directories that the settings enable, in the order of the settings.
    ///
    /// # Errors
    /// Returns an error if the settings name a directory that is not in the configuration.
    pub fn switched_on(&self, ways: &Ways) -> Result<Vec<Arc<Ldap>>, Unavailable> {
        let missing = |name: &String| Unavailable(format!("directory {name}: not in the configuration"));
        ways.directories.iter().map(|name| self.named(name).cloned().ok_or_else(|| missing(name))).collect()
    }
}

/// A user name and password that did not sign in to a local account.
pub(super) struct Question<'a> {
    pub typed: &'a str,
    pub password: &'a SecretString,
    pub source: IpAddr,
    /// HMAC of the name that was typed.
    pub name: &'a str,
    /// Refusal of the local account with this name. If set, no directory verifies the password.
    pub local: Option<Refused>,
    pub beat: Beat,
}

/// Result of a [`Question`].
pub(super) struct Answer {
    pub verified: Verified,
    /// Whether a refusal counts as a failure of the source.
    pub counts: bool,
}

/// Answer of one directory.
enum Said {
    /// The directory does not know the name.
    Unknown,
    Proven(Box<Account>),
    /// Refused, with the account if there is one.
    No(SignInRefusal, Option<KnownAccount>),
    /// The password is right, but the directory requires a new password before it allows a sign-in.
    ChangePassword(SignInRefusal, KnownAccount),
    /// The directory does not answer.
    Nothing,
}

pub(super) async fn ask(sign_in: &SignIn, ways: &Ways, question: &Question<'_>) -> Answer {
    let directories = match sign_in.directories.switched_on(ways) {
        Ok(directories) => directories,
        Err(why) => {
            // `why` contains the name of the directory.
            alarm(sign_in, "of the settings", &why);
            return question.nothing();
        }
    };
    let lockout = &sign_in.directories.lockout;
    let limits = directories.iter().map(|directory| limits(directory)).reduce(Limits::and);
    let limits = limits.unwrap_or(Limits { of_name: u32::MAX, of_source: u32::MAX, window_seconds: 0 });
    let turn = match lockout.begin(&sign_in.platform.world, question.name, question.source, limits).await {
        Ok(turn) => turn,
        Err(RetryAfter(seconds)) => return question.wait(seconds),
    };
    let mut said = question.local.as_ref().map_or(Said::Unknown, |local| Said::No(local.reason, None));
    let mut unanswered = false;
    for directory in &directories {
        if matches!(said, Said::Unknown) {
            said = one(sign_in, directory, question).await;
            unanswered |= matches!(said, Said::Nothing);
        } else if let Err(why) = directory.pretend(&sign_in.platform.world).await {
            alarm(sign_in, directory.name(), &why);
            unanswered = true;
        }
        if let Said::Proven(account) = said {
            lockout.succeeded(turn);
            let proof = Proof { method: SignInMethodName::Directory, account: *account, local: None };
            return Answer { verified: Verified::Proven(proof), counts: false };
        }
    }
    // The account that was found has its own count. While a directory does not answer, a count by name would reveal
    // which names exist.
    if unanswered || matches!(said, Said::ChangePassword(..)) {
        drop(turn);
    } else {
        lockout.failed(sign_in.platform.world.now(), turn);
    }
    question.refused(said, unanswered)
}

async fn one(sign_in: &SignIn, directory: &Ldap, question: &Question<'_>) -> Said {
    let found = match directory.find(question.typed).await {
        Ok(Some(found)) => found,
        Ok(None) => {
            return match directory.prove_nobody(question.password).await {
                Ok(()) => Said::Unknown,
                Err(why) => nothing(sign_in, directory, &Unanswered { why, password_sent: false }),
            };
        }
        Err(why) => {
            let _ = directory.prove_nobody(question.password).await;
            return nothing(sign_in, directory, &Unanswered { why, password_sent: false });
        }
    };
    prove(sign_in, directory, question, &found).await
}

// One account can have several names (mail address, capital letters, other forms of a letter). The directory counts
// wrong passwords by account, so Muster counts them by account too. If this limit is reached, the answer is a plain
// refusal: a waiting time would reveal that two names belong to one account.
async fn prove(sign_in: &SignIn, directory: &Ldap, question: &Question<'_>, found: &Found) -> Said {
    let lockout = &sign_in.directories.lockout;
    let Account { issuer, subject, .. } = found.account();
    let known = KnownAccount {
        account: account_name(&sign_in.platform.secrets, SignInMethodName::Directory, issuer, subject),
        staff: staff_account_name(&sign_in.platform.secrets, SignInMethodName::Directory, issuer, subject),
    };
    let Ok(turn) = lockout.begin(&sign_in.platform.world, &known.account, question.source, limits(directory)).await
    else {
        let _ = directory.prove_nobody(question.password).await;
        return Said::No(SignInRefusal::Throttled, Some(known));
    };
    match directory.prove(found, question.password).await {
        Ok(Verdict::Proven(proven)) => {
            lockout.succeeded(turn);
            Said::Proven(proven)
        }
        Ok(Verdict::Denied { denial: denial @ (Denial::PasswordExpired | Denial::PasswordMustBeChanged), .. }) => {
            drop(turn);
            Said::ChangePassword(reason(denial), known)
        }
        Ok(Verdict::Denied { denial, .. }) => {
            lockout.failed(sign_in.platform.world.now(), turn);
            Said::No(reason(denial), Some(known))
        }
        Err(unanswered) => {
            if unanswered.password_sent {
                lockout.failed(sign_in.platform.world.now(), turn);
            }
            nothing(sign_in, directory, &unanswered)
        }
    }
}

fn nothing(sign_in: &SignIn, directory: &Ldap, unanswered: &Unanswered) -> Said {
    alarm(sign_in, directory.name(), &unanswered.why);
    Said::Nothing
}

pub(super) fn alarm(sign_in: &SignIn, directory: &str, why: &Unavailable) {
    if let Some(requests) = sign_in.directories.outages.count(directory, sign_in.platform.world.now()) {
        tracing::error!(directory, why = why.0, requests, "a directory cannot be queried: nobody can sign in with it");
    }
    sign_in.platform.metrics.alarm(Alarm::DirectoryUnavailable);
}

fn limits(directory: &Ldap) -> Limits {
    let config = directory.config();
    Limits::below(config.lockout_failures, config.lockout_minutes)
}

/// The parts of a refusal that do not come from the [`Question`].
struct Refusing {
    reason: SignInRefusal,
    known: Option<KnownAccount>,
    retry_after: Option<i64>,
    unanswered: bool,
}

impl Question<'_> {
    fn refused(&self, said: Said, unanswered: bool) -> Answer {
        // While a directory does not answer, every name counts as a failure. Otherwise the waiting time would reveal
        // which names exist.
        let counts = unanswered || !matches!(said, Said::ChangePassword(..));
        let (reason, known) = match said {
            Said::No(reason, known) => (reason, known),
            Said::ChangePassword(reason, known) => (reason, Some(known)),
            Said::Unknown | Said::Proven(_) => (SignInRefusal::UnknownName, None),
            Said::Nothing => (SignInRefusal::DirectoryUnavailable, None),
        };
        Answer { verified: self.verified(Refusing { reason, known, retry_after: None, unanswered }), counts }
    }

    fn nothing(&self) -> Answer {
        let said = match &self.local {
            Some(local) => Said::No(local.reason, None),
            None => Said::Nothing,
        };
        self.refused(said, true)
    }

    // The password of a local account was checked, so its reason is recorded. The person gets a waiting time as for any
    // other name.
    fn wait(&self, seconds: i64) -> Answer {
        let reason = self.local.as_ref().map_or(SignInRefusal::Throttled, |local| local.reason);
        let refusing = Refusing { reason, known: None, retry_after: Some(seconds), unanswered: false };
        Answer { verified: self.verified(refusing), counts: true }
    }

    fn verified(&self, refusing: Refusing) -> Verified {
        let Refusing { reason, known, retry_after, unanswered } = refusing;
        let of_directory = || Refused {
            method: SignInMethodName::Directory,
            reason,
            account: None,
            staff: false,
            known,
            name: self.name.to_owned(),
            retry_after,
            unanswered,
            beat: self.beat,
        };
        let of_local = |local: &Refused| Refused { reason, retry_after, unanswered, ..local.clone() };
        Verified::Refused(self.local.as_ref().map_or_else(of_directory, of_local))
    }
}
