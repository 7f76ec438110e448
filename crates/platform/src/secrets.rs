//! Secrets derived from the server's master key: for stream names that reveal nothing, and for cookies and links that
//! cannot be forged.

use events::Timestamp;
use events::migration::MigrationId;
use events::personal::keys::{self, MasterKey};

pub use events::personal::keys::same;

/// Keys for names, cookies and links. All nodes of an installation derive the same keys.
#[derive(Clone)]
pub struct Secrets {
    names: [u8; 32],
    tokens: [u8; 32],
    throttles: [u8; 32],
    states: [u8; 32],
}

impl Secrets {
    pub fn derive(master: &MasterKey) -> Secrets {
        let derived = ["names", "tokens", "throttles", "states"].map(|purpose| master.derive(purpose));
        let [names, tokens, throttles, states] = derived;
        Secrets { names, tokens, throttles, states }
    }

    /// Returns the key of the digests that throttles store.
    pub fn throttles(&self) -> [u8; 32] {
        self.throttles
    }

    /// Returns the key of the tags that authenticate stored states.
    pub fn states(&self) -> [u8; 32] {
        self.states
    }

    /// Returns a stream id that identifies `parts` without revealing them: HMAC-SHA-256, hex. `kind` separates equal
    /// `parts` with different meanings: `account`, `username`, `hardware`, `typed-name`.
    pub fn name(&self, kind: &str, parts: &[&str]) -> String {
        hex::encode(mac(&self.names, kind, parts))
    }

    /// Returns the id of the migration of a source.
    pub fn migration(&self, source: &str) -> MigrationId {
        let digest = mac(&self.names, "migration", &[source]);
        let mut bytes = [0; 16];
        bytes.iter_mut().zip(digest).for_each(|(byte, of_digest)| *byte = of_digest);
        MigrationId(uuid::Builder::from_custom_bytes(bytes).into_uuid())
    }

    /// Returns a tag (MAC) that authenticates `parts` for `purpose`, such as `profile-link`: base64url without padding.
    pub fn tag(&self, purpose: &str, parts: &[&str]) -> String {
        use base64::Engine as _;
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(mac(&self.tokens, purpose, parts))
    }

    /// Returns whether [`Secrets::tag`] issued `tag` for the same purpose and parts. Compares in constant time.
    pub fn is_tag(&self, tag: &str, purpose: &str, parts: &[&str]) -> bool {
        same(tag.as_bytes(), self.tag(purpose, parts).as_bytes())
    }

    /// Returns a tamper-proof token for a link: `parts`, the time of expiry and a tag of all of them, separated by
    /// dots. `parts` must not contain dots. `expires` is in seconds since 1970.
    pub fn link(&self, purpose: &str, parts: &[&str], expires: i64) -> String {
        let expires = expires.to_string();
        let parts = [parts, &[&*expires]].concat();
        format!("{}.{}", parts.join("."), self.tag(purpose, &parts))
    }

    /// Verifies a token of [`Secrets::link`]. Returns its parts and its time of expiry, or `None` if the token was not
    /// issued by this installation or has expired.
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

/// Returns the hash of an issued secret as it is stored: SHA-256, hex.
pub fn hash(secret: &str) -> events::enrollment::SecretHash {
    events::enrollment::SecretHash(hex::encode(openssl::sha::sha256(secret.as_bytes())))
}

fn mac(key: &[u8; 32], purpose: &str, parts: &[&str]) -> [u8; 32] {
    let parts: Vec<&[u8]> = std::iter::once(&purpose).chain(parts).map(|part| part.as_bytes()).collect();
    keys::hmac(key, &parts)
}
