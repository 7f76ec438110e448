//! Sign-in and group look-up in an LDAP directory. Muster binds as `bind_dn` to search for the person's entry, then
//! binds as that entry to verify the password.
//!
//! Only this module uses the crate `ldap3`, whose maintenance is slow, so the crate can be replaced here. Errors
//! contain no name or DN of a person; the log may contain them.

mod absence;
mod connection;
mod denial;
mod groups;
mod holders;
mod live;
mod person;
mod search;
mod trouble;

pub use holders::Listed;
pub use live::Step;
pub use trouble::Trouble;

use super::{Absence, Account, Denial, SignInMethod, Unavailable, Verdict};
use crate::config::{Absent, Directory, Groups};
use async_trait::async_trait;
use connection::{Bound, Servers, Unproven};
use names::folded;
use person::{DEPARTMENT, MEMBER_OF, Mapping};
use search::{Extent, Query, Rows, Scope};
use secrecy::{ExposeSecret, SecretString};
use std::sync::atomic::{AtomicBool, Ordering};
use world::World;

/// One configured directory.
pub struct Ldap {
    config: Directory,
    servers: Servers,
    mapping: Mapping,
    /// DN of an entry that does not exist. Muster binds to it for an unknown name, so that the answer takes as long
    /// as for a known one.
    nobody: String,
    /// Whether an entry of the directory is known to have a value of `memberOf`.
    keeps_member_of: AtomicBool,
}

/// An entry that matches the typed name. Its password is not verified yet.
#[derive(Debug, Clone)]
pub struct Found {
    dn: String,
    account: Account,
    member_of: Option<Vec<String>>,
}

/// How many entries match a name.
enum Hits {
    None,
    One(Box<Found>),
    Several,
}

impl Found {
    /// Returns the account of the entry, without groups.
    pub fn account(&self) -> &Account {
        &self.account
    }
}

/// The directory gave no answer about an account. `password_sent` says whether a password had been sent to it before.
#[derive(Debug, Clone)]
pub struct Unanswered {
    pub why: Unavailable,
    pub password_sent: bool,
}

impl Ldap {
    /// Loads the configuration of a directory and its files. Does not connect.
    ///
    /// # Errors
    /// Returns an error that names the configuration key that cannot be used.
    pub fn load(config: &Directory) -> Result<Ldap, String> {
        let mut random = [0; 16];
        World::fill(&mut random);
        Ok(Ldap {
            servers: Servers::load(config)?,
            mapping: Mapping::of(config),
            keeps_member_of: AtomicBool::new(false),
            nobody: format!("cn=nobody-{},{}", hex::encode(random), config.base),
            config: config.clone(),
        })
    }

    /// Returns the name of the directory in the configuration.
    pub fn name(&self) -> &str {
        &self.config.name
    }

    pub fn config(&self) -> &Directory {
        &self.config
    }

    /// Returns the entry for this name. If several entries match, returns `None`, because choosing one would be a
    /// guess.
    ///
    /// # Errors
    /// Returns an error if the directory cannot be asked, or if the entry has no unique attribute.
    pub async fn find(&self, user_name: &str) -> Result<Option<Found>, Unavailable> {
        match self.find_entry(user_name).await {
            Ok(Hits::One(found)) => Ok(Some(*found)),
            Ok(Hits::None) => Ok(None),
            Ok(Hits::Several) => {
                tracing::warn!(
                    directory = self.name(),
                    "several entries match a user name, so nobody can sign in with it: make user_filter more specific"
                );
                Ok(None)
            }
            Err(trouble) => Err(self.unavailable(&trouble)),
        }
    }

    /// Verifies the password of an entry with a bind on a separate connection. An empty password is always wrong: a
    /// bind with an empty password is anonymous and succeeds (RFC 4513, 5.1.2).
    ///
    /// # Errors
    /// Returns an error if the directory neither accepts nor rejects the password.
    pub async fn prove(&self, found: &Found, password: &SecretString) -> Result<Verdict, Unanswered> {
        let subject = Some(found.account.subject.clone());
        if password.expose_secret().is_empty() {
            return Ok(Verdict::Denied { denial: Denial::WrongPassword, subject });
        }
        match self.servers.bind(&found.dn, password).await {
            Ok(Bound::Proven) => {}
            Ok(Bound::Denied(denial)) => return Ok(Verdict::Denied { denial, subject }),
            Err(Unproven { trouble, sent }) => return Err(self.unanswered(&trouble, sent)),
        }
        let account = self.complete(found).await.map_err(|trouble| self.unanswered(&trouble, false))?;
        Ok(Verdict::Proven(Box::new(account)))
    }

    /// Does the same as [`Ldap::prove`] for an entry that does not exist: an unknown name must take as long as a
    /// wrong password.
    ///
    /// # Errors
    /// Returns an error if the directory does not answer.
    pub async fn prove_nobody(&self, password: &SecretString) -> Result<(), Unavailable> {
        if password.expose_secret().is_empty() {
            return Ok(());
        }
        let bound = self.servers.bind(&self.nobody, password).await;
        bound.map(drop).map_err(|unproven| self.unavailable(&unproven.trouble))
    }

    /// Does the same as [`Ldap::find`] and [`Ldap::prove`] with a random name and password. Used for a name that this
    /// directory must not be asked about.
    ///
    /// # Errors
    /// Returns an error if the directory does not answer.
    pub async fn pretend(&self, world: &World) -> Result<(), Unavailable> {
        let found = self.find(&world.secret()).await.map(drop);
        let proven = self.prove_nobody(&SecretString::from(world.secret())).await;
        found.and(proven)
    }

    /// Returns the account with this name, including groups, without verifying a password.
    ///
    /// # Errors
    /// Returns an error if the directory cannot be asked.
    pub async fn look_up(&self, user_name: &str) -> Result<Option<Account>, Unavailable> {
        let Some(found) = self.find(user_name).await? else { return Ok(None) };
        self.complete(&found).await.map(Some).map_err(|trouble| self.unavailable(&trouble))
    }

    /// Returns whether there is an entry with this DN that `bind_dn` may see.
    ///
    /// # Errors
    /// Returns an error if the directory cannot be asked.
    pub async fn has_entry(&self, dn: &str) -> Result<bool, Unavailable> {
        match self.servers.search(&Query::of_entry(dn, "(objectClass=*)", &["1.1"])).await {
            Ok(Rows { entries, .. }) => Ok(!entries.is_empty()),
            Err(trouble) if matches!(trouble.code, Some(trouble::NO_SUCH_OBJECT | trouble::INVALID_DN)) => Ok(false),
            Err(trouble) => Err(self.unavailable(&trouble)),
        }
    }

    /// Tries every server: a bind as `bind_dn`, a search and a group look-up, on separate connections. Describes each
    /// result. With a `name`, looks that person up.
    pub async fn live_check(&self, name: Option<&str>) -> Vec<Step> {
        live::check(self, name).await
    }

    // Adds everything that access rules may use, and marks what is unknown.
    async fn complete(&self, found: &Found) -> Result<Account, Trouble> {
        let config = &self.config;
        let mut account = found.account.clone();
        account.groups = groups::of(&self.servers, &config.groups, found).await?;
        let by_member_of = config.groups == Groups::MemberOf {} && config.absent_groups == Absent::Unknown;
        if by_member_of
            && account.groups.is_empty()
            && !(absence::is_certain(&self.servers, &found.dn, MEMBER_OF).await? && self.keeps_member_of().await?)
        {
            account.untold.groups = Some(Absence::Silent);
        }
        if let Some(attribute) = &config.department_attribute
            && config.absent_claims == Absent::Unknown
            && !account.claims.contains_key(DEPARTMENT)
            && !absence::is_certain(&self.servers, &found.dn, attribute).await?
        {
            account.untold.claims.insert(DEPARTMENT.to_owned(), Absence::Silent);
        }
        Ok(account)
    }

    // Searches until some entry has memberOf, and remembers that one had it. If the overlay is switched off later,
    // all people count as being in no group.
    async fn keeps_member_of(&self) -> Result<bool, Trouble> {
        if !self.keeps_member_of.load(Ordering::Relaxed)
            && absence::is_kept(&self.servers, &self.config.base, MEMBER_OF).await?
        {
            self.keeps_member_of.store(true, Ordering::Relaxed);
        }
        Ok(self.keeps_member_of.load(Ordering::Relaxed))
    }

    async fn find_entry(&self, user_name: &str) -> Result<Hits, Trouble> {
        let typed = self.without_domain(user_name.trim());
        if typed.is_empty() {
            return Ok(Hits::None);
        }
        let Rows { mut entries, cut_short } = self.servers.search(&self.query(typed)).await?;
        if entries.len() > 1 {
            return Ok(Hits::Several);
        }
        if cut_short {
            return Err(Trouble::cut_short());
        }
        let Some(entry) = entries.pop() else { return Ok(Hits::None) };
        self.mapping.found(typed, entry).map(|found| Hits::One(Box::new(found)))
    }

    // Removes the domain of `EXAMPLE\ada`, as people type it on Windows. A name with another domain stays unchanged
    // and matches no entry.
    fn without_domain<'a>(&self, typed: &'a str) -> &'a str {
        let (Some(domain), Some((before, after))) = (&self.config.windows_domain, typed.split_once('\\')) else {
            return typed;
        };
        if folded(before) == folded(domain) { after } else { typed }
    }

    fn query(&self, typed: &str) -> Query {
        Query {
            base: self.config.base.clone(),
            scope: Scope::Subtree,
            filter: self.config.user_filter.replace("{name}", &ldap3::ldap_escape(typed)),
            attributes: self.mapping.attributes(),
            // Two entries are enough to detect that the name is ambiguous.
            extent: Extent::AtMost(2),
        }
    }

    fn unavailable(&self, trouble: &Trouble) -> Unavailable {
        Unavailable(format!("directory {}: {trouble}", self.name()))
    }

    fn unanswered(&self, trouble: &Trouble, password_sent: bool) -> Unanswered {
        Unanswered { why: self.unavailable(trouble), password_sent }
    }
}

#[async_trait]
impl SignInMethod for Ldap {
    async fn verify(&self, user_name: &str, password: &SecretString) -> Result<Verdict, Unavailable> {
        match self.find(user_name).await? {
            Some(found) => self.prove(&found, password).await.map_err(|unanswered| unanswered.why),
            None => {
                self.prove_nobody(password).await?;
                Ok(Verdict::Denied { denial: Denial::UnknownName, subject: None })
            }
        }
    }
}
