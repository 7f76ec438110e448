//! Authenticates API clients by bearer token. The log contains only the hash of the token.

use super::SignInError;
use super::refusal_budget::About;
use super::refusals::{granted, granted_about, record as record_unknown, refuse_staff};
use crate::SignIn;
use decisions::staff::{Command, LocalAccount};
use events::enrollment::SecretHash;
use events::staff::{ApiRefusal, Privilege, StaffId};
use events::system::RefusalEvent;
use identity::throttle::{Asked, RetryAfter};
use platform::named_secret::{self, Kind};
use platform::secrets::{hash, same};
use std::net::IpAddr;

/// Result of checking an API token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenVerdict {
    Client(StaffId),
    /// The client gets the same answer for every reason. The log contains the reason.
    Refused,
    /// The client must wait this many seconds.
    Throttled {
        seconds: i64,
    },
}

/// Creates a token for `client`. Returns its text, which is shown once, and its hash.
pub fn new_token(sign_in: &SignIn, client: StaffId) -> (String, SecretHash) {
    let secret = sign_in.platform.world.secret();
    let hash = hash(&secret);
    (named_secret::text(Kind::Api, client.0, &secret), hash)
}

/// Resolves a token to its API client. A token cannot be guessed, so a valid token is never throttled because of
/// failures of other clients.
///
/// # Errors
/// Returns an error if the log cannot be read or written.
pub async fn by_token(sign_in: &SignIn, token: &str, source: IpAddr) -> Result<TokenVerdict, SignInError> {
    let reason = match named_secret::parse(Kind::Api, token) {
        Some((id, hash)) => {
            let id = StaffId(id);
            let (account, _) = sign_in.platform.load::<LocalAccount>(&id.stream()).await?;
            match refusal(&account, &hash) {
                None => return Ok(TokenVerdict::Client(id)),
                Some(reason) => account.api_token.is_some().then_some((id, reason)),
            }
        }
        None => None,
    };
    let name = reason.map_or_else(|| "nobody".to_owned(), |(id, _)| id.to_string());
    let name = sign_in.platform.secrets.name("api-client", &[&name]);
    match sign_in.tokens.begin(&sign_in.platform.world, Asked::of(&name, source)).await {
        Err(RetryAfter(seconds)) => Ok(TokenVerdict::Throttled { seconds }),
        Ok(attempt) => {
            sign_in.tokens.failed(sign_in.platform.world.now(), attempt);
            record(sign_in, reason, source).await?;
            Ok(TokenVerdict::Refused)
        }
    }
}

fn refusal(account: &LocalAccount, shown: &SecretHash) -> Option<ApiRefusal> {
    let right = account.api_token.as_ref().is_some_and(|token| same(token.0.as_bytes(), shown.0.as_bytes()));
    if !right {
        Some(ApiRefusal::WrongToken)
    } else if account.disabled {
        Some(ApiRefusal::AccountDisabled)
    } else if !account.privileges.contains(&Privilege::ApiClient) {
        Some(ApiRefusal::NotEntitled)
    } else {
        None
    }
}

async fn record(sign_in: &SignIn, refused: Option<(StaffId, ApiRefusal)>, source: IpAddr) -> Result<(), SignInError> {
    match refused {
        Some((id, reason)) if granted_about(sign_in, &About::Staff(id), source) => {
            Ok(refuse_staff(sign_in, id, Command::RefuseApiToken { reason }, source).await?)
        }
        None if granted(sign_in, source) => {
            Ok(record_unknown(sign_in, RefusalEvent::UnknownApiTokenRefused {}, Some(source)).await?)
        }
        Some(_) | None => Ok(()),
    }
}
