//! Tokens as the device carries them: `access-<enrollment>.<secret>`, and `code-` and `refresh-` likewise. The stream that one
//! names holds its hash.

use crate::app::secrets;
use events::enrollment::{EnrollmentId, SecretHash};
use uuid::Uuid;

/// What a token is for. One is never taken for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Access,
    /// An authorization code.
    Code,
    Refresh,
}

impl Kind {
    fn prefix(self) -> &'static str {
        match self {
            Kind::Access => "access-",
            Kind::Code => "code-",
            Kind::Refresh => "refresh-",
        }
    }
}

pub fn text(kind: Kind, enrollment: EnrollmentId, secret: &str) -> String {
    format!("{}{enrollment}.{secret}", kind.prefix())
}

/// The enrollment that a token names, and the hash of its secret. `None`: it is none of ours, or for something else.
pub fn parse(kind: Kind, token: &str) -> Option<(EnrollmentId, SecretHash)> {
    let (id, secret) = token.strip_prefix(kind.prefix())?.split_once('.')?;
    let uuid = Uuid::parse_str(id).ok()?;
    // One spelling only, as everywhere: the name leads to the stream.
    (uuid.to_string() == id).then(|| (EnrollmentId(uuid), secrets::hash(secret)))
}

/// The token in an `Authorization` header (RFC 6750 section 2.1); the scheme's name is told apart by no capitals.
pub fn bearer(authorization: &str) -> Option<&str> {
    let (scheme, token) = authorization.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_as_it_is_written_and_in_no_other_way() {
        let enrollment = EnrollmentId(Uuid::from_u128(7));
        let token = text(Kind::Access, enrollment, "secret");
        assert_eq!(parse(Kind::Access, &token), Some((enrollment, secrets::hash("secret"))));
        assert_eq!((parse(Kind::Code, &token), parse(Kind::Refresh, &token)), (None, None));
        assert_eq!(parse(Kind::Access, &token.to_uppercase()), None);
        assert_eq!(parse(Kind::Access, "access-7.secret"), None);
        assert_eq!(bearer("Bearer abc"), Some("abc"));
        assert_eq!(bearer("bearer  abc "), Some("abc"));
        assert_eq!(bearer("Basic abc"), None);
        assert_eq!(bearer("Bearer"), None);
    }
}
