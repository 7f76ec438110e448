//! Local accounts as their streams tell them, for [`identity::local`].

use super::NOBODY;
use async_trait::async_trait;
use decisions::Aggregate;
use decisions::staff::{LocalAccount, UserName};
use events::log::Log;
use events::{Personal, StreamName};
use identity::local::{Directory, Stored};
use identity::{Account, LOCAL, Unavailable};
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
        // A stream is read for an unknown name as well, so that it takes as long.
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

fn stored(subject: String, typed: &str, account: LocalAccount) -> Stored {
    let text = |personal: Option<Personal<String>>| personal.and_then(|value| value.get().cloned());
    Stored {
        // The hash of an erased account is gone: nothing matches it.
        password_hash: text(account.password).unwrap_or_default(),
        disabled: account.disabled,
        account: Account {
            provider: LOCAL.to_owned(),
            issuer: LOCAL.to_owned(),
            subject,
            // The name that was typed led here: where the key of the kept one is lost, it is as good.
            user_name: text(account.user_name).unwrap_or_else(|| typed.trim().to_owned()),
            display_name: text(account.display_name),
            mail: text(account.mail),
            managed_apple_id: text(account.managed_apple_id),
            ..Account::default()
        },
    }
}
