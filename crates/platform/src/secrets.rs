//! What is derived from the server's master key: names that tell nothing, cookies and links that cannot be made up.

use events::Timestamp;
use events::personal::keys::{self, MasterKey};

pub use events::personal::keys::same;

/// Keys for names, cookies and links. Every node of one installation derives the same ones.
#[derive(Clone)]
pub struct Secrets {
    names: [u8; 32],
    tokens: [u8; 32],
    throttles: [u8; 32],
}

impl Secrets {
    pub fn derive(master: &MasterKey) -> Secrets {
        let [names, tokens, throttles] = ["names", "tokens", "throttles"].map(|purpose| master.derive(purpose));
        Secrets { names, tokens, throttles }
    }

    /// What throttles remember is a digest under this.
    pub fn throttles(&self) -> [u8; 32] {
        self.throttles
    }

    /// The id of a stream that stands for `parts` without telling them: HMAC-SHA-256, hex. `kind` keeps apart what is
    /// named alike: `account`, `username`, `hardware`, `typed-name`.
    pub fn name(&self, kind: &str, parts: &[&str]) -> String {
        hex::encode(mac(&self.names, kind, parts))
    }

    /// Authenticates `parts` for `purpose`, such as `profile-link`: base64url without padding.
    pub fn tag(&self, purpose: &str, parts: &[&str]) -> String {
        use base64::Engine as _;
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(mac(&self.tokens, purpose, parts))
    }

    /// Whether `tag` was made by [`Secrets::tag`] of the same; in constant time.
    pub fn is_tag(&self, tag: &str, purpose: &str, parts: &[&str]) -> bool {
        same(tag.as_bytes(), self.tag(purpose, parts).as_bytes())
    }

    /// The token of a link that nobody can change: its parts, which have no dot, its end in seconds since 1970, and the tag of
    /// all of it.
    pub fn link(&self, purpose: &str, parts: &[&str], expires: i64) -> String {
        let expires = expires.to_string();
        let parts = [parts, &[&*expires]].concat();
        format!("{}.{}", parts.join("."), self.tag(purpose, &parts))
    }

    /// The parts and the end of such a token, if it was made here and has not come to its end.
    pub fn open_link<'t, const N: usize>(
        &self,
        token: &'t str,
        purpose: &str,
        now: Timestamp,
    ) -> Option<([&'t str; N], i64)> {
        let (told, tag) = token.rsplit_once('.')?;
        let told: Vec<&str> = told.split('.').collect();
        let (expires, parts) = told.split_last()?;
        let (parts, ends) = (<[&str; N]>::try_from(parts).ok()?, expires.parse().ok()?);
        (self.is_tag(tag, purpose, &told) && now.0 / 1_000_000 < ends).then_some((parts, ends))
    }
}

/// SHA-256 of a secret that is handed out, as it is stored.
pub fn hash(secret: &str) -> events::enrollment::SecretHash {
    events::enrollment::SecretHash(hex::encode(openssl::sha::sha256(secret.as_bytes())))
}

fn mac(key: &[u8; 32], purpose: &str, parts: &[&str]) -> [u8; 32] {
    let parts: Vec<&[u8]> = std::iter::once(&purpose).chain(parts).map(|part| part.as_bytes()).collect();
    keys::hmac(key, &parts)
}
