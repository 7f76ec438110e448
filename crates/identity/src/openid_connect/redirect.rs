//! OpenID Connect as a redirect method.

use super::{Answer, Provider, Request};
use crate::config::OpenIdConnect;
use crate::redirect::{Back, Begun, RedirectConfig, RedirectMethod, RedirectSignIn, Trip};
use crate::{Account, Disbelief, Identifier};
use async_trait::async_trait;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use url::Url;
use world::Timestamp;

#[async_trait]
impl RedirectSignIn for Provider {
    async fn begin(&self, trip: &Trip<'_>) -> Result<Begun, Disbelief> {
        let state = trip.world.secret();
        let secrets = Secrets::of(trip, &state);
        let to = Provider::begin(self, secrets.request(trip, &state), trip.world.now()).await?;
        Ok(Begun { to, request: state })
    }

    async fn read_query(&self, trip: &Trip<'_>, state: &str, back: &Back) -> Result<Account, Disbelief> {
        let Back { code, iss: issuer, error, error_description, .. } = back.clone();
        let answer = Answer { code, issuer, error, error_description };
        let secrets = Secrets::of(trip, state);
        self.finish(secrets.request(trip, state), &answer, trip.world.now()).await
    }

    async fn sign_out(&self, back: &str, now: Timestamp) -> Option<Url> {
        Provider::sign_out(self, back, now).await
    }
}

impl RedirectConfig for OpenIdConnect {
    fn name(&self) -> &str {
        &self.name
    }

    fn title(&self) -> &str {
        &self.title
    }

    fn method(&self) -> RedirectMethod {
        RedirectMethod::OpenIdConnect
    }

    fn has(&self, identifier: Identifier) -> bool {
        match identifier {
            Identifier::UserName | Identifier::Mail => true,
            Identifier::UserPrincipalName => self.user_principal_name_claim.is_some(),
            Identifier::EmployeeNumber => self.employee_number_claim.is_some(),
        }
    }

    fn files(&self) -> Vec<PathBuf> {
        self.paths().into_iter().map(Path::to_owned).collect()
    }

    fn load(&self, _public_url: &str) -> Result<Arc<dyn RedirectSignIn>, String> {
        Ok(Arc::new(Provider::load(self)?))
    }
}

struct Secrets {
    nonce: String,
    verifier: String,
}

impl Secrets {
    fn of(trip: &Trip<'_>, state: &str) -> Secrets {
        Secrets { nonce: (trip.derive)("oidc-nonce", state), verifier: (trip.derive)("oidc-verifier", state) }
    }

    fn request<'a>(&'a self, trip: &Trip<'a>, state: &'a str) -> Request<'a> {
        Request { state, nonce: &self.nonce, verifier: &self.verifier, redirect_uri: trip.callback }
    }
}
