//! Sign-in with an authorization code (`apple-oauth2`): the sheet ends with a code, which the device redeems for
//! tokens. The device refreshes the tokens by itself.

use super::{AccountError, OAuth2, Sheet, SignedIn};
use crate::acts::Watcher;
use crate::chance;
use crate::device::{Device, DeviceError};
use crate::inspection::{self, Given};
use crate::walk::Walk;
use serde_json::Value;
use url::Url;

/// Tokens that a device sends with its messages, and the means to get others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tokens {
    pub access: String,
    pub refresh: Option<Refresh>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refresh {
    pub token: String,
    pub way: OAuth2,
}

impl Tokens {
    /// A token that cannot be refreshed.
    pub fn lasting(access: String) -> Tokens {
        Tokens { access, refresh: None }
    }
}

impl Walk {
    pub(super) async fn sign_in_by_code(
        &mut self,
        way: &OAuth2,
        identifier: Option<&str>,
        watcher: &mut dyn Watcher,
    ) -> Result<SignedIn, AccountError> {
        let (mut url, state) = (way.authorization_url.clone(), chance::uuid());
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &way.client_id)
            .append_pair("redirect_uri", &way.redirect_url)
            .append_pair("scope", &way.scope)
            .append_pair("state", &state)
            .append_pair("login_hint", identifier.unwrap_or_default());
        let back = match self.sheet(&url, watcher).await? {
            Sheet::Stopped(text) => return Ok(SignedIn::Stopped(text)),
            Sheet::Left(back) => back,
        };
        let code = code_of(&back, way, &state)?;
        self.device.redeem(way, &code).await.map(SignedIn::Token)
    }
}

fn code_of(back: &Url, way: &OAuth2, state: &str) -> Result<String, AccountError> {
    let elsewhere = || AccountError::Elsewhere(back.clone());
    let find = |wanted: &str| back.query_pairs().find(|(name, _)| name == wanted).map(|(_, value)| value.into_owned());
    let ours = back.as_str().starts_with(&format!("{}?", way.redirect_url)) && find("state").as_deref() == Some(state);
    find("code").filter(|_| ours).ok_or_else(elsewhere)
}

impl Device {
    /// Redeems a code.
    ///
    /// # Errors
    /// Returns an error if the server refuses it.
    pub async fn redeem(&self, way: &OAuth2, code: &str) -> Result<Tokens, AccountError> {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", way.redirect_url.as_str()),
            ("client_id", way.client_id.as_str()),
        ];
        let granted = self.granted(way, &form).await?;
        let text = |name: &str| granted[name].as_str().map(str::to_owned);
        let access = text("access_token").ok_or_else(|| AccountError::NotGranted("no access_token".into()))?;
        let refresh = text("refresh_token").map(|token| Refresh { token, way: way.clone() });
        Ok(Tokens { access, refresh })
    }

    /// Gets another access token without involving the person.
    ///
    /// # Errors
    /// Returns an error if there is no refresh token or the server refuses it.
    pub async fn refresh_access(&mut self) -> Result<(), AccountError> {
        let tokens =
            self.management().and_then(|management| management.tokens.clone()).ok_or(DeviceError::NotManaged)?;
        let nothing = || AccountError::NotGranted("there is no refresh token".into());
        let Refresh { token, way } = tokens.refresh.clone().ok_or_else(nothing)?;
        let form = [("grant_type", "refresh_token"), ("refresh_token", &token), ("client_id", &way.client_id)];
        let granted = self.granted(&way, &form).await?;
        let access = granted["access_token"].as_str().ok_or_else(nothing)?.to_owned();
        if let Some(management) = self.management_mut() {
            management.tokens = Some(Tokens { access, ..tokens });
        }
        Ok(())
    }

    async fn granted(&self, way: &OAuth2, form: &[(&str, &str)]) -> Result<Value, AccountError> {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let request = self.trust.client().map_err(DeviceError::from)?.post(way.token_url.clone());
        let request = request.header("Content-Type", "application/x-www-form-urlencoded").body(body);
        let answer = request.send().await?;
        let content_type = inspection::content_type(&answer);
        let (status, body) = (answer.status().as_u16(), answer.bytes().await?);
        let given = Given { to: &self.hardware, user_enrollment: None, content_type: &content_type, body: &body };
        inspection::show(&given);
        let said: Value = serde_json::from_slice(&body).unwrap_or_default();
        match status {
            200 if said["token_type"] == "Bearer" => Ok(said),
            _ => Err(AccountError::NotGranted(format!("status {status}, {}", said["error"]))),
        }
    }
}
