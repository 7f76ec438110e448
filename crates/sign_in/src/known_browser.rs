//! What makes a browser known that somebody signed in with before: a cookie with a random id and an end, authenticated
//! together with the name that was typed. It is set after a right password alone. It gives failed sign-ins a budget of their own
//! beside that of their source ([`identity::throttle`]); it is no session, replaces no second factor and lifts no limit of
//! an account.

use crate::SignIn;
use crate::redirect::Place;

/// A browser is known for so long after a right password.
pub const KNOWN_FOR_DAYS: u32 = 90;

/// A new value of the cookie, after the right password of the name with this digest.
pub(super) fn remember(sign_in: &SignIn, place: Place, name: &str) -> String {
    let id = sign_in.platform.world.random_uuid().simple().to_string();
    let ends = sign_in.platform.world.now().0 / 1_000_000 + i64::from(KNOWN_FOR_DAYS) * 24 * 3_600;
    let tag = tag(sign_in, place, name, &id, &ends.to_string());
    format!("{id}.{ends}.{tag}")
}

/// The id in the cookie, if it was given after a right password of this name at this place, and has not come to its end.
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
