//! Programs that read by the API prove themselves with a token of which the log holds the hash.

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

/// What came of a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenVerdict {
    Client(StaffId),
    /// The answer is the same whatever is wrong; the log knows it.
    Refused,
    Throttled {
        seconds: i64,
    },
}

/// A new token of `client`, to be shown once, and its hash.
pub fn new_token(sign_in: &SignIn, client: StaffId) -> (String, SecretHash) {
    let secret = sign_in.platform.world.secret();
    let hash = hash(&secret);
    (named_secret::text(Kind::Api, client.0, &secret), hash)
}

/// Whose token this is. A token cannot be guessed, so one that is right is never held up by others' failures.
///
/// # Errors
/// If the log cannot be used.
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
