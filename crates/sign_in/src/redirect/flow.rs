//! The round trip to a provider, the same for people who enroll and for staff.

use super::providers::IdentityProvider;
use crate::SignIn;
use identity::redirect::{Back, Begun, Place, Trip};
use identity::{Account, Disbelief, Fault};
use telemetry::Alarm;
use url::Url;

/// Seconds for which a request waits for its answer: people look up a password, and the phone with the second factor.
pub const REQUEST_SECONDS: i64 = 15 * 60;

/// Begins a request to `provider`.
///
/// # Errors
/// Returns `ProviderUnavailable` if the provider cannot be used or asked.
pub async fn send(sign_in: &SignIn, provider: &IdentityProvider, place: Place) -> Result<Begun, Disbelief> {
    let protocol = provider.protocol()?;
    let (callback, derive) = (callback(sign_in, provider, place), derive(sign_in));
    protocol.begin(&Trip { place, callback: &callback, world: &sign_in.platform.world, derive: &derive }).await
}

/// The account that the answer to the request `state` proves. The caller checks that the request is this browser's.
///
/// # Errors
/// Returns why the answer is not believed.
pub async fn answered(
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

/// The address at which a person who signs out here signs out at `provider` too and returns to the path `back`. `None` if the provider is
/// no longer configured or has no such address.
pub async fn sign_out(sign_in: &SignIn, provider: &str, back: &str) -> Option<Url> {
    let here = &sign_in.platform.public_url;
    let protocol = sign_in.providers.find(provider)?.protocol().ok()?;
    protocol.sign_out(&format!("{here}{back}"), sign_in.platform.world.now()).await
}

/// Our metadata document for the provider of this name. `place`: with the addresses of that place alone. `None` if there is no provider of
/// this name that takes such a document.
pub fn metadata(sign_in: &SignIn, name: &str, place: Option<Place>) -> Option<String> {
    let places = place.map_or_else(|| vec![Place::Portal, Place::Console], |place| vec![place]);
    sign_in.providers.find(name)?.protocol().ok()?.metadata(&places)
}

/// Raises the alarm if the provider cannot be asked; not if its answer is not believed.
pub fn alarm(sign_in: &SignIn, why: &Disbelief) {
    if why.fault == Fault::ProviderUnavailable {
        sign_in.platform.metrics.alarm(Alarm::ProviderUnavailable);
    }
}

/// An answer that nobody here waits for.
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
