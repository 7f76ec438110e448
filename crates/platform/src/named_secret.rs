//! Secrets as they are handed out: `<kind>-<uuid>.<secret>`. The uuid names the stream that holds the hash of the secret.

use crate::secrets;
use events::enrollment::SecretHash;
use uuid::Uuid;

/// What a secret is for. One is never taken for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An access token of an enrollment.
    Access,
    /// The token of a program that reads by the API.
    Api,
    /// The SCEP challenge of one serving of a profile, of an enrollment.
    Challenge,
    /// An authorization code of an enrollment.
    Code,
    /// The `CHALLENGE` of a Profile Service, of an enrollment.
    ProfileService,
    /// A refresh token of an enrollment.
    Refresh,
    /// The SCEP challenge of one renewal, of a device.
    Renewal,
    /// The link for the first administrator's account.
    SetUp,
}

impl Kind {
    fn prefix(self) -> &'static str {
        match self {
            Kind::Access => "access-",
            Kind::Api => "api-",
            Kind::Challenge => "challenge-",
            Kind::Code => "code-",
            Kind::ProfileService => "profile-service-",
            Kind::Refresh => "refresh-",
            Kind::Renewal => "renewal-",
            Kind::SetUp => "setup-",
        }
    }
}

pub fn text(kind: Kind, named: Uuid, secret: &str) -> String {
    format!("{}{named}.{secret}", kind.prefix())
}

/// What is named, and the hash of the secret. `None`: it is none of ours, or for something else.
pub fn parse(kind: Kind, text: &str) -> Option<(Uuid, SecretHash)> {
    let (id, secret) = text.strip_prefix(kind.prefix())?.split_once('.')?;
    let named = Uuid::parse_str(id).ok()?;
    // One spelling only, as everywhere: the name leads to the stream.
    (named.to_string() == id).then(|| (named, secrets::hash(secret)))
}

/// The token in an `Authorization` header (RFC 6750 section 2.1). The scheme's name has no case (RFC 9110 section 11.1).
pub fn bearer(authorization: &str) -> Option<&str> {
    let (scheme, token) = authorization.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_read_as_it_is_written_and_in_no_other_way() {
        let named = Uuid::from_u128(7);
        let token = text(Kind::Access, named, "secret");
        assert_eq!(parse(Kind::Access, &token), Some((named, secrets::hash("secret"))));
        assert_eq!((parse(Kind::Code, &token), parse(Kind::Refresh, &token)), (None, None));
        assert_eq!(parse(Kind::Access, &token.to_uppercase()), None);
        assert_eq!(parse(Kind::Access, &token.replace('-', "")), None);
        assert_eq!(parse(Kind::Access, &format!("access-{}.secret", named.simple())), None);
        assert_eq!(parse(Kind::Access, "access-7.secret"), None);
    }

    #[test]
    fn a_bearer_token_is_found_whatever_the_capitals_of_its_scheme() {
        assert_eq!(bearer("Bearer abc"), Some("abc"));
        assert_eq!(bearer("bearer  abc "), Some("abc"));
        assert_eq!(bearer("Basic abc"), None);
        assert_eq!(bearer("Bearer"), None);
    }
}
