//! Cookie of a browser that signed in before. It contains a random id and an expiry time, authenticated together with
//! the name that was typed. It is set only after the right password.
//!
//! Failed sign-ins of a known browser have their own budget instead of the budget of the source
//! ([`identity::throttle`]). The cookie is not a session, does not replace a second factor and does not raise a limit
//! of an account.

use crate::SignIn;
use crate::redirect::Place;

/// Lifetime of the cookie in days, from the right password.
pub const KNOWN_FOR_DAYS: u32 = 90;

/// Creates a value of the cookie after the right password. `name` is the digest of the typed name.
pub(super) fn remember(sign_in: &SignIn, place: Place, name: &str) -> String {
    let id = sign_in.platform.world.random_uuid().simple().to_string();
    let ends = sign_in.platform.world.now().0 / 1_000_000 + i64::from(KNOWN_FOR_DAYS) * 24 * 3_600;
    let tag = tag(sign_in, place, name, &id, &ends.to_string());
    format!("{id}.{ends}.{tag}")
}

/// Returns the id in the cookie if the cookie is authentic for this name and place and has not expired.
pub(super) fn known<'a>(sign_in: &SignIn, place: Place, name: &str, cookie: &'a str) -> Option<&'a str> {
    let mut parts = cookie.splitn(3, '.');
    let (id, ends, shown) = (parts.next()?, parts.next()?, parts.next()?);
    let is_tag = sign_in.platform.secrets.is_tag(shown, purpose(place), &[name, id, ends]);
    let in_time = ends.parse::<i64>().is_ok_and(|ends| sign_in.platform.world.now().0 / 1_000_000 < ends);
    (is_tag && in_time).then_some(id)
}

fn tag(sign_in: &SignIn, place: Place, name: &str, id: &str, ends: &str) -> String {
    sign_in.platform.secrets.tag(purpose(place), &[name, id, ends])
}

fn purpose(place: Place) -> &'static str {
    match place {
        Place::Portal => "known-browser-portal",
        Place::Console => "known-browser-console",
    }
}
