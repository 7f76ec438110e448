//! Format of issued secrets: `<kind>-<uuid>.<secret>`. The UUID names the stream that stores the hash of the secret.

use crate::secrets;
use events::enrollment::SecretHash;
use uuid::Uuid;

/// Purpose of a secret. A secret of one kind is not accepted as another kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Access token of an enrollment.
    Access,
    /// Token of an API client.
    Api,
    /// SCEP challenge of an enrollment; each served profile has its own.
    Challenge,
    /// Authorization code of an enrollment.
    Code,
    /// `CHALLENGE` of the Profile Service of an enrollment.
    ProfileService,
    /// Refresh token of an enrollment.
    Refresh,
    /// SCEP challenge of a device; each renewal has its own.
    Renewal,
    /// Link to create the first administrator's account.
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

/// Returns the secret in the issued format. `named` is the id of the stream that stores its hash.
pub fn text(kind: Kind, named: Uuid, secret: &str) -> String {
    format!("{}{named}.{secret}", kind.prefix())
}

/// Returns the id of the stream and the hash of the secret (SHA-256, hex), or `None` if the text is not a secret of
/// this kind.
pub fn parse(kind: Kind, text: &str) -> Option<(Uuid, SecretHash)> {
    let (id, secret) = text.strip_prefix(kind.prefix())?.split_once('.')?;
    let named = Uuid::parse_str(id).ok()?;
    // Only the canonical spelling of the UUID is accepted, because it becomes part of the stream's name.
    (named.to_string() == id).then(|| (named, secrets::hash(secret)))
}

/// Returns the token of an `Authorization` header (RFC 6750 section 2.1). The name of the scheme is case-insensitive
/// (RFC 9110 section 11.1).
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
