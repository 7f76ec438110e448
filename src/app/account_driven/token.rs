//! The access token as the device carries it: `access-<enrollment>.<secret>`. The stream that it names holds its hash.

use crate::app::secrets;
use events::enrollment::{EnrollmentId, SecretHash};
use uuid::Uuid;

const PREFIX: &str = "access-";

pub fn text(enrollment: EnrollmentId, secret: &str) -> String {
    format!("{PREFIX}{enrollment}.{secret}")
}

/// The enrollment that a token names, and the hash of its secret. `None`: it is none of ours.
pub fn parse(token: &str) -> Option<(EnrollmentId, SecretHash)> {
    let (id, secret) = token.strip_prefix(PREFIX)?.split_once('.')?;
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
        let token = text(enrollment, "secret");
        assert_eq!(parse(&token), Some((enrollment, secrets::hash("secret"))));
        assert_eq!(parse(&token.to_uppercase()), None);
        assert_eq!(parse("access-7.secret"), None);
        assert_eq!(bearer("Bearer abc"), Some("abc"));
        assert_eq!(bearer("bearer  abc "), Some("abc"));
        assert_eq!(bearer("Basic abc"), None);
        assert_eq!(bearer("Bearer"), None);
    }
}
