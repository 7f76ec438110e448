//! Reads local accounts from their streams, for [`identity::local`].

use super::NOBODY;
use async_trait::async_trait;
use decisions::Aggregate;
use decisions::staff::{LocalAccount, UserName};
use events::log::Log;
use events::staff::StaffId;
use events::{Personal, StreamName};
use identity::ldap::Listed;
use identity::local::{Directory, Stored};
use identity::{Account, Identifier, Identifiers, LOCAL, Unavailable};
use platform::secrets::Secrets;
use platform::user_names;

pub(super) struct OwnStreams {
    pub log: Log,
    pub secrets: Secrets,
}

#[async_trait]
impl Directory for OwnStreams {
    async fn find(&self, user_name: &str) -> Result<Option<Stored>, Unavailable> {
        let mut reserved = None;
        for stream in user_names::streams(&self.secrets, user_name) {
            reserved = reserved.or(self.load::<UserName>(&stream).await?.account);
        }
        // An unknown name reads a stream too, so that it takes the same time.
        let id = reserved.unwrap_or(NOBODY);
        let account: LocalAccount = self.load(&id.stream()).await?;
        Ok(account.exists.then(|| stored(id.to_string(), user_name, account)))
    }
}

impl OwnStreams {
    async fn load<A: Aggregate>(&self, stream: &StreamName) -> Result<A, Unavailable> {
        let entries = self.log.read(stream).await.map_err(|error| Unavailable(error.to_string()))?;
        let events = entries.into_iter().filter_map(|entry| A::Event::try_from(entry.event).ok());
        Ok(events.fold(A::default(), |state, event| state.evolve(&event)))
    }
}

/// Returns a local account as directories list theirs.
pub fn local_account(id: StaffId, account: LocalAccount) -> Listed {
    let Stored { account, disabled, .. } = stored(id.to_string(), "", account);
    Listed { account, is_disabled: disabled }
}

fn stored(subject: String, typed: &str, account: LocalAccount) -> Stored {
    let text = |personal: Option<Personal<String>>| personal.and_then(|value| value.get().cloned());
    let mut identifiers = Identifiers::default();
    identifiers.add(Identifier::UserName, text(account.user_name.clone()));
    identifiers.add(Identifier::Mail, text(account.mail.clone()));
    Stored {
        // The password hash of an erased account is lost. No password matches the empty hash.
        password_hash: text(account.password).unwrap_or_default(),
        disabled: account.disabled,
        account: Account {
            provider: LOCAL.to_owned(),
            issuer: LOCAL.to_owned(),
            subject,
            // If the key of the stored name is lost, the typed name is used: it led to this account.
            user_name: text(account.user_name).unwrap_or_else(|| typed.trim().to_owned()),
            display_name: text(account.display_name),
            mail: text(account.mail),
            managed_apple_id: text(account.managed_apple_id),
            identifiers,
            ..Account::default()
        },
    }
}
