//! The names that the server derives with the master key of the installation: of streams, and of keys of owners.
//! The derivations are those of `platform::secrets` and `sign_in::owner_keys`; a test compares them.

use events::StreamName;
use events::device::plain_identifier;
use events::enrollment::SignInMethodName;
use events::migration::MigrationId;
use events::personal::keys::{self, MasterKey};
use events::record::{NameKey, OwnerAttribute, OwnerKey};
use names::{owner_value, user_name_keys};
use uuid::{Builder, Uuid};

/// Provider of the people with local accounts.
pub(crate) const LOCAL: &str = "local";

/// Derives names.
#[derive(Clone)]
pub struct Secrets {
    names: [u8; 32],
}

impl Secrets {
    pub fn derive(master: &MasterKey) -> Secrets {
        Secrets { names: master.derive("names") }
    }

    /// Returns the id of the stream of an account: HMAC, lower-case hex.
    pub fn account(&self, method: SignInMethodName, issuer: &str, subject: &str) -> String {
        self.name("account", &[method.as_str(), issuer, subject])
    }

    /// Returns the key by which a record finds its owner at a provider.
    pub fn owner_key(&self, provider: &str, attribute: OwnerAttribute, value: &str) -> Option<OwnerKey> {
        let value = owner_value(provider == LOCAL && attribute == OwnerAttribute::UserName, value)?;
        let mut hmac = self.name("record-owner", &[provider, attribute.as_str(), &value]);
        hmac.truncate(32);
        Some(OwnerKey { provider: provider.to_owned(), attribute, hmac })
    }

    /// Returns the key of a value by which any record may name somebody.
    pub fn name_key(&self, value: &str) -> Option<NameKey> {
        let mut hmac = self.name("record-name", &[&owner_value(false, value)?]);
        hmac.truncate(16);
        Some(NameKey(hmac))
    }

    /// Returns the stream that reserves a user name.
    pub fn user_name(&self, typed: &str) -> StreamName {
        StreamName::of("username", self.name("username", &[&user_name_keys(typed).swap_remove(0)]))
    }

    /// Returns the stream of a piece of hardware.
    pub fn hardware(&self, udid: &str) -> StreamName {
        StreamName::of("hardware", self.name("hardware", &[&plain_identifier(udid)]))
    }

    pub fn migration(&self, source: &str) -> MigrationId {
        MigrationId(self.derived("migration", &[source]))
    }

    pub(crate) fn derived(&self, kind: &str, parts: &[&str]) -> Uuid {
        let digest = self.mac(kind, parts);
        let mut bytes = [0; 16];
        bytes.iter_mut().zip(digest).for_each(|(byte, of_digest)| *byte = of_digest);
        Builder::from_custom_bytes(bytes).into_uuid()
    }

    pub(crate) fn name(&self, kind: &str, parts: &[&str]) -> String {
        hex::encode(self.mac(kind, parts))
    }

    fn mac(&self, kind: &str, parts: &[&str]) -> [u8; 32] {
        let parts: Vec<&[u8]> = std::iter::once(&kind).chain(parts).map(|part| part.as_bytes()).collect();
        keys::hmac(&self.names, &parts)
    }
}
