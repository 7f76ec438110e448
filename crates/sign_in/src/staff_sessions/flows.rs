//! Pending single sign-ons of staff. A row keeps the state from before the redirect to the identity provider until the
//! answer. The browser that began it has a secret in a separate cookie. The provider sees only the request.

use super::{SessionError, StaffSessions, hash};
use events::Timestamp;
use events::enrollment::SecretHash;
use identity::Account;
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use world::World;

/// Maximum duration of a round trip in seconds.
pub(crate) const FLOW_SECONDS: i64 = 15 * 60;

/// A round trip to an identity provider that has begun and not ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flow {
    /// Name of the identity provider in the configuration.
    pub provider: String,
    /// Hash of the value that identifies the request at the provider.
    pub request: SecretHash,
    /// Path of the page of the console that the sign-in leads to.
    pub next: String,
    /// The account that the provider reported. Set if the answer was verified in a request without the browser's
    /// cookies (SAML).
    pub account: Option<Account>,
}

impl StaffSessions {
    /// Begins a round trip. Returns its secret, which must be stored only in the cookie of the browser.
    ///
    /// # Errors
    /// Returns an error if the file cannot be written.
    pub async fn begin_flow(
        &self,
        world: &World,
        provider: &str,
        request: SecretHash,
        next: &str,
    ) -> Result<String, SessionError> {
        let (secret, now) = (world.secret(), world.now());
        let (key_hash, provider, next) = (hash(&secret).0, provider.to_owned(), next.to_owned());
        self.with(move |rows| {
            rows.execute("DELETE FROM flows WHERE began < ?1", [oldest(now)])?;
            rows.execute(
                "INSERT INTO flows (key_hash, request, provider, next, began) VALUES (?1, ?2, ?3, ?4, ?5)",
                params![key_hash, request.0, provider, next, now.0],
            )
        })
        .await?;
        Ok(secret)
    }

    /// Returns the round trip with this secret. `None` if there is none or it is older than 15 minutes.
    ///
    /// # Errors
    /// Returns an error if the file cannot be read.
    pub async fn flow(&self, now: Timestamp, secret: &str) -> Result<Option<Flow>, SessionError> {
        let key_hash = hash(secret).0;
        self.with(move |rows| select(rows, &key_hash, now)).await
    }

    /// Stores the account that the provider reported, for the browser that began the round trip. Returns `false` if
    /// there is no round trip with this request, or it has an answer already.
    ///
    /// # Errors
    /// Returns an error if the file cannot be written.
    pub async fn prove_flow(
        &self,
        now: Timestamp,
        request: &SecretHash,
        account: &Account,
    ) -> Result<bool, SessionError> {
        let account = serde_json::to_string(account).map_err(|error| SessionError(error.to_string()))?;
        let request = request.0.clone();
        self.with(move |rows| {
            let update = "UPDATE flows SET account = ?2 WHERE request = ?1 AND began >= ?3 AND account IS NULL";
            Ok(rows.execute(update, params![request, account, oldest(now)])? > 0)
        })
        .await
    }

    /// Ends a round trip and returns it, so that it is used only once. `None` as for [`StaffSessions::flow`].
    ///
    /// # Errors
    /// Returns an error if the file cannot be written.
    pub async fn take_flow(&self, now: Timestamp, secret: &str) -> Result<Option<Flow>, SessionError> {
        let key_hash = hash(secret).0;
        self.with(move |rows| {
            let found = select(rows, &key_hash, now)?;
            rows.execute("DELETE FROM flows WHERE key_hash = ?1", [key_hash])?;
            Ok(found)
        })
        .await
    }
}

fn oldest(now: Timestamp) -> i64 {
    now.plus_seconds(-FLOW_SECONDS).0
}

fn select(rows: &Connection, key_hash: &str, now: Timestamp) -> rusqlite::Result<Option<Flow>> {
    let select = "SELECT provider, request, next, account FROM flows WHERE key_hash = ?1 AND began >= ?2";
    rows.query_row(select, params![key_hash, oldest(now)], flow).optional()
}

fn flow(row: &Row<'_>) -> rusqlite::Result<Flow> {
    let account: Option<String> = row.get(3)?;
    let account = account.map(|text| serde_json::from_str(&text)).transpose();
    let account = account.map_err(|error| rusqlite::Error::FromSqlConversionFailure(3, Type::Text, error.into()))?;
    Ok(Flow { provider: row.get(0)?, request: SecretHash(row.get(1)?), next: row.get(2)?, account })
}
