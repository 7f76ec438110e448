//! SAML as a redirect method.

use super::{Refused, Saml, Verified};
use crate::config;
use crate::redirect::{Begun, Place, PostRefused, PostedAnswer, RedirectConfig, RedirectMethod, RedirectSignIn, Trip};
use crate::{Disbelief, Fault, Identifier};
use async_trait::async_trait;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use url::Url;
use world::Timestamp;

#[async_trait]
impl RedirectSignIn for Saml {
    async fn begin(&self, trip: &Trip<'_>) -> Result<Begun, Disbelief> {
        let unavailable = |why: String| Disbelief::new(Fault::ProviderUnavailable, why);
        let begun = Saml::begin(self, trip.world, self.consumer(trip.place)).map_err(unavailable)?;
        let to = Url::parse(&begun.url).map_err(|error| unavailable(error.to_string()))?;
        Ok(Begun { to, request: begun.request_id })
    }

    // SAML Bindings §3.5.4.
    fn post_field(&self) -> Option<&'static str> {
        Some("SAMLResponse")
    }

    fn read_post(&self, place: Place, field: &str, now: Timestamp) -> Option<Result<PostedAnswer, PostRefused>> {
        Some(match self.verify(field, self.consumer(place), now) {
            Ok(Verified { in_response_to, assertion_id, issuer, account, .. }) => {
                Ok(PostedAnswer { in_response_to, answer_id: assertion_id, issuer, account })
            }
            Err(Refused { disbelief, in_response_to }) => Err(PostRefused { disbelief, in_response_to }),
        })
    }

    fn metadata(&self, places: &[Place]) -> Option<String> {
        let consumers: Vec<&str> = places.iter().map(|place| self.consumer(*place)).collect();
        Some(Saml::metadata(self, &consumers))
    }
}

impl RedirectConfig for config::Saml {
    fn name(&self) -> &str {
        &self.name
    }

    fn title(&self) -> &str {
        &self.title
    }

    fn method(&self) -> RedirectMethod {
        RedirectMethod::Saml
    }

    fn has(&self, identifier: Identifier) -> bool {
        match identifier {
            Identifier::UserName => self.user_name_attribute.is_some(),
            Identifier::UserPrincipalName => self.user_principal_name_attribute.is_some(),
            Identifier::Mail => true,
            Identifier::EmployeeNumber => self.employee_number_attribute.is_some(),
        }
    }

    fn files(&self) -> Vec<PathBuf> {
        self.paths().into_iter().map(Path::to_owned).collect()
    }

    fn load(&self, public_url: &str) -> Result<Arc<dyn RedirectSignIn>, String> {
        let saml = Saml::load(self, public_url)?;
        for why in saml.passed_over() {
            tracing::warn!(provider = self.name, why, "a signing certificate in the provider's metadata is ignored");
        }
        Ok(Arc::new(saml))
    }
}
