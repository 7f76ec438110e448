//! Signed, short-lived links to profiles. A link is bound to one enrollment, cannot be guessed, and works without a
//! cookie, because the part of iOS that downloads a profile does not always send Safari's cookies.

use events::enrollment::EnrollmentId;
use platform::secrets::Secrets;
use uuid::Uuid;
use world::World;

/// Lifetime of a link. The page makes a new link each time it is shown.
const SECONDS: i64 = 15 * 60;
const PURPOSE: &str = "profile-link";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Ca,
    Mdm,
}

impl Kind {
    fn as_str(self) -> &'static str {
        match self {
            Kind::Ca => "ca",
            Kind::Mdm => "mdm",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ProfileLink {
    pub kind: Kind,
    pub enrollment: EnrollmentId,
    /// Unix time in seconds.
    expires: i64,
}

impl ProfileLink {
    pub(crate) fn new(kind: Kind, enrollment: EnrollmentId, world: &World) -> ProfileLink {
        ProfileLink { kind, enrollment, expires: world.now().0 / 1_000_000 + SECONDS }
    }

    pub(crate) fn path(&self, secrets: &Secrets) -> String {
        let named = format!("{}-{}", self.kind.as_str(), self.enrollment);
        format!("/enroll/profile/{}.mobileconfig", secrets.link(PURPOSE, &[&named], self.expires))
    }

    /// Parses a token. Returns `None` if this server did not issue it or it has expired.
    pub(crate) fn parse(token: &str, secrets: &Secrets, world: &World) -> Option<ProfileLink> {
        let ([named], expires) = secrets.open_link(token, PURPOSE, world.now())?;
        let (kind, enrollment) = named.split_once('-')?;
        let kind = [Kind::Ca, Kind::Mdm].into_iter().find(|known| known.as_str() == kind)?;
        Some(ProfileLink { kind, enrollment: EnrollmentId(Uuid::parse_str(enrollment).ok()?), expires })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use events::Timestamp;
    use events::personal::keys::MasterKey;
    use std::sync::Arc;
    use world::ManualClock;

    fn token(path: &str) -> String {
        path.strip_prefix("/enroll/profile/").unwrap().strip_suffix(".mobileconfig").unwrap().to_owned()
    }

    #[test]
    fn a_link_works_for_a_quarter_of_an_hour_and_only_as_it_was_made() {
        let clock = Arc::new(ManualClock::at(Timestamp(1_700_000_000_000_000)));
        let world = World::at(clock.clone());
        let secrets = Secrets::derive(&MasterKey::from_bytes([7; 32]));
        let link = ProfileLink::new(Kind::Ca, EnrollmentId(world.uuid()), &world);
        let token = token(&link.path(&secrets));
        let parse = |token: &str| ProfileLink::parse(token, &secrets, &world);
        assert_eq!(parse(&token), Some(link));
        assert_eq!(parse(&token.replacen("ca-", "mdm-", 1)), None, "another profile");
        let another = EnrollmentId(world.uuid()).to_string();
        assert_eq!(parse(&token.replace(&link.enrollment.to_string(), &another)), None, "another enrollment");
        assert_eq!(parse(&token.replace(&link.expires.to_string(), "9999999999")), None, "another date");
        assert_eq!(parse(&format!("{token}.x")), None);
        assert_eq!(parse(""), None);
        let stranger = Secrets::derive(&MasterKey::from_bytes([8; 32]));
        assert_eq!(ProfileLink::parse(&token, &stranger, &world), None, "another server");
        clock.advance_seconds(SECONDS - 1);
        assert_eq!(parse(&token), Some(link));
        clock.advance_seconds(1);
        assert_eq!(parse(&token), None, "expired");
    }
}
