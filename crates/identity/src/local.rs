//! Local accounts: user names and passwords that Muster stores itself.

use super::password::{Memory, hash_password as hash};
use super::{Account, Denial, SignInMethod, Unavailable, Verdict};
use async_trait::async_trait;
use secrecy::SecretString;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Semaphore;
use world::World;

pub use super::password::{check_new_password, hash_password};

/// A local account as it is stored.
#[derive(Debug, Clone)]
pub struct Stored {
    pub account: Account,
    /// PHC string; empty for an erased account.
    pub password_hash: String,
    pub disabled: bool,
}

/// Source of the local accounts.
#[async_trait]
pub trait Directory: Send + Sync {
    /// Returns the account with this name, ignoring upper and lower case. Reads the same amount of data for an
    /// unknown name.
    ///
    /// # Errors
    /// Returns an error if the accounts cannot be read.
    async fn find(&self, user_name: &str) -> Result<Option<Stored>, Unavailable>;
}

/// Sign-in method for local accounts.
pub struct LocalAccounts {
    directory: Arc<dyn Directory>,
    /// Limits how many passwords are verified at the same time: each verification needs one core and 19 MiB.
    permits: Arc<Semaphore>,
    /// Memory for verifications, one for each that ran at the same time.
    memories: Arc<Mutex<Vec<Memory>>>,
    /// Hash that the password for an unknown name is verified against, so that the time does not reveal that the name
    /// is unknown.
    nobody: String,
}

impl LocalAccounts {
    pub fn new(directory: Arc<dyn Directory>, world: &World) -> LocalAccounts {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let nobody = hash(world, &SecretString::from(world.secret()));
        LocalAccounts { directory, permits: Arc::new(Semaphore::new(cores)), memories: Arc::default(), nobody }
    }

    async fn matches(&self, stored: String, password: &SecretString) -> Result<bool, Unavailable> {
        let unavailable = |error: &dyn std::error::Error| Unavailable(error.to_string());
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(|error| unavailable(&error))?;
        let (password, memories) = (password.clone(), Arc::clone(&self.memories));
        // The blocking task holds the permit, so a client that disconnects does not make room for another
        // verification.
        tokio::task::spawn_blocking(move || {
            let _permit = permit;
            let memory = memories.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let mut memory = memory.unwrap_or_default();
            let matches = memory.matches(&stored, &password);
            memories.lock().unwrap_or_else(PoisonError::into_inner).push(memory);
            matches
        })
        .await
        .map_err(|error| unavailable(&error))
    }
}

#[async_trait]
impl SignInMethod for LocalAccounts {
    async fn verify(&self, user_name: &str, password: &SecretString) -> Result<Verdict, Unavailable> {
        let found = self.directory.find(user_name).await?;
        // Always exactly one verification, also for unknown names. The hash of an erased account is empty.
        let stored = found.as_ref().map(|stored| &stored.password_hash).filter(|hash| !hash.is_empty());
        let against = stored.unwrap_or(&self.nobody).clone();
        let matches = self.matches(against, password).await?;
        Ok(match found {
            None => Verdict::Denied { denial: Denial::UnknownName, subject: None },
            Some(stored) if !matches => denied(Denial::WrongPassword, stored),
            Some(stored) if stored.disabled => denied(Denial::Disabled, stored),
            Some(stored) => Verdict::Proven(Box::new(stored.account)),
        })
    }
}

fn denied(denial: Denial, stored: Stored) -> Verdict {
    Verdict::Denied { denial, subject: Some(stored.account.subject) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    struct One(Stored);

    #[async_trait]
    impl Directory for One {
        async fn find(&self, user_name: &str) -> Result<Option<Stored>, Unavailable> {
            Ok((user_name == self.0.account.user_name).then(|| self.0.clone()))
        }
    }

    fn accounts(disabled: bool) -> LocalAccounts {
        let world = World::system();
        let account =
            Account { issuer: "local".into(), subject: "1".into(), user_name: "ada".into(), ..Account::default() };
        let password_hash = hash_password(&world, &SecretString::from("a good password"));
        LocalAccounts::new(Arc::new(One(Stored { account, password_hash, disabled })), &world)
    }

    async fn verdict(disabled: bool, name: &str, password: &str) -> Verdict {
        accounts(disabled).verify(name, &SecretString::from(password)).await.unwrap()
    }

    #[tokio::test]
    async fn the_right_password_proves_the_account() {
        assert!(
            matches!(verdict(false, "ada", "a good password").await, Verdict::Proven(account) if account.subject == "1")
        );
    }

    #[tokio::test]
    async fn unknown_names_wrong_passwords_and_disabled_accounts_are_denied() {
        let subject = || Some("1".to_owned());
        assert_eq!(
            verdict(false, "eve", "a good password").await,
            Verdict::Denied { denial: Denial::UnknownName, subject: None }
        );
        assert_eq!(
            verdict(false, "ada", "another password").await,
            Verdict::Denied { denial: Denial::WrongPassword, subject: subject() }
        );
        assert_eq!(
            verdict(true, "ada", "a good password").await,
            Verdict::Denied { denial: Denial::Disabled, subject: subject() }
        );
    }

    /// Compares the fastest run of each, because other work runs on the same machine, and takes the first of a few
    /// rounds that is not disturbed. If a verification were missing, no round would come close.
    #[tokio::test]
    async fn an_unknown_name_takes_as_long_as_a_wrong_password() {
        let accounts = accounts(false);
        let mut ratios = Vec::new();
        for _ in 0..10 {
            let ratio = quickest(&accounts, "eve").await / quickest(&accounts, "ada").await;
            ratios.push(ratio);
            if (0.5..2.0).contains(&ratio) {
                return;
            }
        }
        panic!("unknown / known = {ratios:.2?}");
    }

    async fn quickest(accounts: &LocalAccounts, name: &str) -> f64 {
        let mut quickest = f64::MAX;
        for _ in 0..5 {
            let start = Instant::now();
            accounts.verify(name, &SecretString::from("wrong")).await.unwrap();
            quickest = quickest.min(start.elapsed().as_secs_f64());
        }
        quickest
    }
}
