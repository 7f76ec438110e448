//! Starts single sign-on at a provider and reads its answer, for people who enroll and for staff.

use super::providers::IdentityProvider;
use crate::SignIn;
use identity::redirect::{Back, Begun, Place, RedirectSignIn, Trip};
use identity::{Account, Disbelief, Fault};
use telemetry::Alarm;
use url::Url;

/// Maximum time in seconds between a request and its answer. People need time to find a password and the phone with the
/// second factor.
pub const REQUEST_SECONDS: i64 = 15 * 60;

/// Begins a request to `provider`.
///
/// # Errors
/// Returns `ProviderUnavailable` if the configuration of the provider cannot be used or the provider does not answer.
pub async fn begin(sign_in: &SignIn, provider: &IdentityProvider, place: Place) -> Result<Begun, Disbelief> {
    let protocol = provider.protocol()?;
    let (callback, derive) = (callback(sign_in, provider, place), derive(sign_in));
    protocol.begin(&Trip { place, callback: &callback, world: &sign_in.platform.world, derive: &derive }).await
}

/// Returns the account that the answer to the request `state` proves. The caller checks that this browser sent the
/// request.
///
/// # Errors
/// Returns the fault if the answer is not valid.
pub async fn finish(
    sign_in: &SignIn,
    provider: &IdentityProvider,
    place: Place,
    state: &str,
    back: &Back,
) -> Result<Account, Disbelief> {
    let protocol = provider.protocol()?;
    let (callback, derive) = (callback(sign_in, provider, place), derive(sign_in));
    let trip = Trip { place, callback: &callback, world: &sign_in.platform.world, derive: &derive };
    protocol.read_query(&trip, state, back).await
}

/// Returns the value of the field in which this protocol posts its answers. `None` if it posts none, or the form has no
/// such field.
pub fn posted_field<'a>(protocol: &dyn RedirectSignIn, fields: &'a [(String, String)]) -> Option<&'a str> {
    let wanted = protocol.post_field()?;
    fields.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str())
}

/// Returns the URL that signs a person out at `provider` and then redirects to the path `back` of this server. `None`
/// if the provider is no longer configured or has no such URL.
pub async fn sign_out(sign_in: &SignIn, provider: &str, back: &str) -> Option<Url> {
    let here = &sign_in.platform.public_url;
    let protocol = sign_in.providers.find(provider)?.protocol().ok()?;
    protocol.sign_out(&format!("{here}{back}"), sign_in.platform.world.now()).await
}

/// Returns this server's metadata document for the provider with this name. If `place` is set, it contains only the
/// URLs of that place. `None` if no provider with this name uses such a document.
pub fn metadata(sign_in: &SignIn, name: &str, place: Option<Place>) -> Option<String> {
    let places = place.map_or_else(|| vec![Place::Portal, Place::Console], |place| vec![place]);
    sign_in.providers.find(name)?.protocol().ok()?.metadata(&places)
}

/// Raises the alarm if the provider does not answer or its configuration cannot be used. An invalid answer raises none.
pub fn alarm(sign_in: &SignIn, why: &Disbelief) {
    if why.fault == Fault::ProviderUnavailable {
        sign_in.platform.metrics.alarm(Alarm::ProviderUnavailable);
    }
}

/// Creates the fault for an answer to no open request. `detail` is for the log.
pub fn unsolicited(detail: &str) -> Disbelief {
    Disbelief::new(Fault::Unsolicited, detail)
}

fn callback(sign_in: &SignIn, provider: &IdentityProvider, place: Place) -> String {
    format!("{}{}/{}/callback", sign_in.platform.public_url, place.path(), provider.name)
}

fn derive(sign_in: &SignIn) -> impl Fn(&str, &str) -> String + Sync {
    let secrets = sign_in.platform.secrets.clone();
    move |purpose, request| secrets.tag(purpose, &[request])
}
