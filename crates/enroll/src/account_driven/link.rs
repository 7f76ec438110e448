//! The URL at which the person of a device signs in. Its path contains the id of the enrollment and all state that the
//! server needs at the sign-in. It is authenticated, so it cannot be changed, and it uses no query parameters.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use events::enrollment::{DeviceFamily, EnrollmentId, EnrollmentMode};
use platform::secrets::Secrets;
use uuid::Uuid;
use world::World;

/// Lifetime in seconds of a link for an enrollment, until the first sign-in. The device opens it at once.
const SECONDS: i64 = 30 * 60;

/// Lifetime in seconds of a link for signing in again. The device shows a notification, and the person may follow it
/// much later. Apple does not document whether the device requests a new link then. The link is useful only to the same
/// person.
const SECONDS_TO_SIGN_IN_AGAIN: i64 = 7 * 24 * 60 * 60;
const PURPOSE: &str = "account-link";

/// The purpose of the sign-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To enroll a device of this family.
    Enroll { mode: EnrollmentMode, family: DeviceFamily },
    /// To continue the management of an enrolled device.
    SignInAgain,
}

impl Purpose {
    const ALL: [Purpose; 5] = {
        use DeviceFamily::{IPad, IPhone};
        use EnrollmentMode::{Adde, Byod};
        [
            Purpose::Enroll { mode: Byod, family: IPhone },
            Purpose::Enroll { mode: Byod, family: IPad },
            Purpose::Enroll { mode: Adde, family: IPhone },
            Purpose::Enroll { mode: Adde, family: IPad },
            Purpose::SignInAgain,
        ]
    };

    fn as_str(self) -> &'static str {
        match self {
            Purpose::Enroll { mode: EnrollmentMode::Byod, family: DeviceFamily::IPhone } => "byod-iphone",
            Purpose::Enroll { mode: EnrollmentMode::Byod, family: DeviceFamily::IPad } => "byod-ipad",
            Purpose::Enroll { mode: EnrollmentMode::Adde, family: DeviceFamily::IPhone } => "adde-iphone",
            Purpose::Enroll { mode: EnrollmentMode::Adde, family: DeviceFamily::IPad } => "adde-ipad",
            Purpose::SignInAgain => "again",
        }
    }

    fn waits(self) -> i64 {
        match self {
            Purpose::Enroll { .. } => SECONDS,
            Purpose::SignInAgain => SECONDS_TO_SIGN_IN_AGAIN,
        }
    }
}

/// The content of a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountLink {
    pub enrollment: EnrollmentId,
    pub purpose: Purpose,
    /// The OAuth 2 `state` of the device, if it opened the link with one. The device expects a code then.
    pub state: Option<String>,
    /// Seconds since 1970.
    expires: i64,
}

impl AccountLink {
    pub fn new(enrollment: EnrollmentId, purpose: Purpose, world: &World) -> AccountLink {
        AccountLink { enrollment, purpose, state: None, expires: world.now().0 / 1_000_000 + purpose.waits() }
    }

    /// Returns the link as a token for a URL or a form.
    pub fn token(&self, secrets: &Secrets) -> String {
        let state = URL_SAFE_NO_PAD.encode(self.state.as_deref().unwrap_or_default());
        secrets.link(PURPOSE, &[&self.enrollment.to_string(), self.purpose.as_str(), &state], self.expires)
    }

    /// Parses a token. `None` if this server did not create it or it has expired.
    pub fn parse(token: &str, secrets: &Secrets, world: &World) -> Option<AccountLink> {
        let ([enrollment, purpose, state], expires) = secrets.open_link(token, PURPOSE, world.now())?;
        let purpose = Purpose::ALL.into_iter().find(|known| known.as_str() == purpose)?;
        let enrollment = EnrollmentId(Uuid::parse_str(enrollment).ok()?);
        let state = String::from_utf8(URL_SAFE_NO_PAD.decode(state).ok()?).ok()?;
        let state = Some(state).filter(|state| !state.is_empty());
        Some(AccountLink { enrollment, purpose, state, expires })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use events::Timestamp;
    use events::personal::keys::MasterKey;
    use std::sync::Arc;
    use world::ManualClock;

    #[test]
    fn a_link_holds_for_half_an_hour_to_sign_in_again_for_a_week_and_only_as_it_was_made() {
        let clock = Arc::new(ManualClock::at(Timestamp(1_700_000_000_000_000)));
        let world = World::at(clock.clone());
        let secrets = Secrets::derive(&MasterKey::from_bytes([7; 32]));
        for purpose in Purpose::ALL {
            let link = AccountLink::new(EnrollmentId(world.uuid()), purpose, &world);
            let with_state = AccountLink { state: Some("a.b/ü".into()), ..link.clone() };
            for link in [link, with_state] {
                assert_eq!(AccountLink::parse(&link.token(&secrets), &secrets, &world), Some(link));
            }
        }
        let purpose = Purpose::Enroll { mode: EnrollmentMode::Byod, family: DeviceFamily::IPhone };
        let token = AccountLink::new(EnrollmentId(world.uuid()), purpose, &world).token(&secrets);
        let parse = |token: &str| AccountLink::parse(token, &secrets, &world);
        assert_eq!(parse(&token.replace("byod", "adde")), None, "the mode cannot be changed");
        assert_eq!(parse(&token.replace("byod-iphone", "again")), None);
        assert_eq!(parse(&format!("{token}.x")), None);
        assert_eq!(parse(""), None);
        let again = AccountLink::new(EnrollmentId(world.uuid()), Purpose::SignInAgain, &world).token(&secrets);
        clock.advance_seconds(SECONDS);
        assert_eq!(parse(&token), None, "expired");
        clock.advance_seconds(SECONDS_TO_SIGN_IN_AGAIN - SECONDS - 1);
        assert!(parse(&again).is_some());
        clock.advance_seconds(1);
        assert_eq!(parse(&again), None, "expired");
    }
}
