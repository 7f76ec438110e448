//! The token endpoint of `apple-oauth2` (RFC 6749 sections 4.1.3 and 6): exchanges codes for tokens and refreshes
//! tokens. Devices are public clients without a secret, and Apple's devices do not use PKCE (RFC 7636). Therefore a
//! code is valid for only a few minutes and once, and it reaches the device by a URL that only Settings handles.

use super::discovery::{CLIENT_ID, REDIRECT_URL, SCOPE};
use crate::Enroll;
use crate::entitled::may_go_on;
use decisions::device::Phase;
use decisions::enrollment::{Command, Enrollment};
use devices::ByDeviceError;
use events::enrollment::{EnrollmentId, SecretHash};
use events::system::{DeviceRequestRefusal, RefusalEvent};
use events::{Actor, ActorKind};
use platform::PerformError;
use platform::context::Context;
use platform::named_secret::{self, Kind};
use platform::secrets::hash;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use std::sync::Arc;

/// Form fields of a token request.
#[derive(Deserialize)]
pub struct Wanted {
    pub grant_type: Option<String>,
    pub code: Option<String>,
    pub refresh_token: Option<String>,
    pub redirect_uri: Option<String>,
    pub client_id: Option<String>,
}

/// Response to a successful token request (RFC 6749 section 5.1).
#[derive(Serialize)]
pub struct Granted {
    token_type: &'static str,
    scope: &'static str,
    access_token: String,
    expires_in: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
}

/// Why a token request fails.
#[derive(Debug, thiserror::Error)]
pub enum GrantError {
    #[error("{}", .0.as_str())]
    Refused(Denied),
    /// Nothing is decided. The device may try again.
    #[error("{0}")]
    Unavailable(String),
}

/// `error` of RFC 6749 section 5.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denied {
    InvalidRequest,
    InvalidClient,
    InvalidGrant,
    UnsupportedGrantType,
}

impl Denied {
    pub fn as_str(self) -> &'static str {
        match self {
            Denied::InvalidRequest => "invalid_request",
            Denied::InvalidClient => "invalid_client",
            Denied::InvalidGrant => "invalid_grant",
            Denied::UnsupportedGrantType => "unsupported_grant_type",
        }
    }

    fn recorded(self) -> DeviceRequestRefusal {
        match self {
            Denied::InvalidRequest | Denied::UnsupportedGrantType => DeviceRequestRefusal::NotUnderstood,
            Denied::InvalidClient => DeviceRequestRefusal::ClientUnknown,
            Denied::InvalidGrant => DeviceRequestRefusal::GrantInvalid,
        }
    }
}

fn unavailable(error: impl std::fmt::Display) -> GrantError {
    GrantError::Unavailable(error.to_string())
}

const INVALID_REQUEST: GrantError = GrantError::Refused(Denied::InvalidRequest);
const INVALID_GRANT: GrantError = GrantError::Refused(Denied::InvalidGrant);

impl Enroll {
    /// Exchanges a code or refreshes a token, if the person may still enroll. `wanted` is `None` if the body is not a
    /// form, which is an invalid request (RFC 6749 section 5.2). A refusal is recorded before it is answered.
    ///
    /// # Errors
    /// Returns `Refused` with the error code of the standard, or `Unavailable` if the log cannot be read or written or
    /// the device has used up its budget of events.
    pub async fn grant(&self, wanted: Option<&Wanted>, source: Option<IpAddr>) -> Result<Granted, GrantError> {
        let granted = match wanted {
            Some(wanted) => self.decide_grant(wanted, source).await,
            None => Err(INVALID_REQUEST),
        };
        if let Err(GrantError::Refused(denied)) = &granted {
            let event = RefusalEvent::DeviceRequestRefused { why: denied.recorded(), device: None };
            self.sign_in.record_refusal_of_stranger(event, source).await.map_err(unavailable)?;
        }
        granted
    }

    async fn decide_grant(&self, wanted: &Wanted, source: Option<IpAddr>) -> Result<Granted, GrantError> {
        if wanted.client_id.as_deref().is_some_and(|client| client != CLIENT_ID) {
            return Err(GrantError::Refused(Denied::InvalidClient));
        }
        match wanted.grant_type.as_deref() {
            Some("authorization_code") => self.redeem(wanted, source).await,
            Some("refresh_token") => self.refresh(wanted, source).await,
            None => Err(INVALID_REQUEST),
            Some(_) => Err(GrantError::Refused(Denied::UnsupportedGrantType)),
        }
    }

    async fn redeem(&self, wanted: &Wanted, source: Option<IpAddr>) -> Result<Granted, GrantError> {
        // RFC 6749 section 4.1.3: a client without a secret must send its client id and the redirect URI of the code.
        match (&wanted.client_id, wanted.redirect_uri.as_deref()) {
            (None, _) | (_, None) => return Err(INVALID_REQUEST),
            (_, Some(address)) if address != REDIRECT_URL => return Err(INVALID_GRANT),
            _ => {}
        }
        let (id, code) = named(Kind::Code, wanted.code.as_deref())?;
        let (access, refresh) = (self.platform.world.secret(), self.platform.world.secret());
        let (token, refresh_token, now) = (hash(&access), hash(&refresh), self.platform.world.now());
        let command = Command::RedeemCode { code, token, refresh_token, now };
        let enrollment = self.grant_by(id, &command, source).await?;
        self.granted(id, &enrollment, &access, Some(&refresh)).await
    }

    async fn refresh(&self, wanted: &Wanted, source: Option<IpAddr>) -> Result<Granted, GrantError> {
        let (id, refresh_token) = named(Kind::Refresh, wanted.refresh_token.as_deref())?;
        // Only an enrolled device may refresh. Before and after that, the person must sign in.
        let device = self.platform.device(id.device()).await.map_err(unavailable)?;
        if device.phase != Phase::Enrolled {
            return Err(INVALID_GRANT);
        }
        let access = self.platform.world.secret();
        let last_for_days = self.settings.current().await.map_err(unavailable)?.account_driven.sign_in_again_after_days;
        let (token, now) = (hash(&access), self.platform.world.now());
        let command = Command::RefreshAccess { refresh_token, token, now, last_for_days };
        let enrollment = self.grant_by(id, &command, source).await?;
        self.granted(id, &enrollment, &access, None).await
    }

    async fn grant_by(
        &self,
        id: EnrollmentId,
        command: &Command,
        source: Option<IpAddr>,
    ) -> Result<Arc<Enrollment>, GrantError> {
        let stream = id.stream();
        let loaded = self.platform.load::<Enrollment>(&stream).await.map_err(unavailable)?;
        let enrollment = loaded.0.clone();
        let Some(owner) = enrollment.owner() else { return Err(INVALID_GRANT) };
        if !may_go_on(self, &enrollment).await.map_err(unavailable)? {
            return Err(INVALID_GRANT);
        }
        let source = source.map(|source| (source, owner.person.key()));
        let context = Context::of(Actor::new(ActorKind::Device, id.device()), source, id.0);
        match self.devices.perform_by_device::<Enrollment>(id.device(), &stream, loaded, command, &context).await {
            Ok(performed) => Ok(performed.state),
            Err(ByDeviceError::Perform(PerformError::Refused(_))) => Err(INVALID_GRANT),
            Err(unusable) => Err(unavailable(unusable)),
        }
    }

    async fn granted(
        &self,
        id: EnrollmentId,
        enrollment: &Enrollment,
        access: &str,
        refresh: Option<&str>,
    ) -> Result<Granted, GrantError> {
        let last_for_days = self.settings.current().await.map_err(unavailable)?.account_driven.sign_in_again_after_days;
        Ok(Granted {
            token_type: "Bearer",
            scope: SCOPE,
            access_token: named_secret::text(Kind::Access, id.0, access),
            expires_in: enrollment.tokens.lasts(last_for_days, self.platform.world.now()),
            refresh_token: refresh.map(|refresh| named_secret::text(Kind::Refresh, id.0, refresh)),
        })
    }
}

fn named(kind: Kind, token: Option<&str>) -> Result<(EnrollmentId, SecretHash), GrantError> {
    let token = token.ok_or(INVALID_REQUEST)?;
    let (id, hash) = named_secret::parse(kind, token).ok_or(INVALID_GRANT)?;
    Ok((EnrollmentId(id), hash))
}
