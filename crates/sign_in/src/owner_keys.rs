//! Keys by which previous records and people find each other: HMACs of the values that a provider states.

use events::record::{NameKey, OwnerAttribute, OwnerKey};
use identity::{Account, Identifier, LOCAL};
use platform::secrets::Secrets;
use std::collections::BTreeSet;

/// Length of the HMAC in an [`OwnerKey`], in hexadecimal digits.
const DIGITS: usize = 32;
/// Length of the HMAC in a [`NameKey`].
const NAME_DIGITS: usize = 16;

/// Returns the key of a value. `None`: the value has no visible character, so it equals nothing.
pub fn owner_key(secrets: &Secrets, provider: &str, attribute: OwnerAttribute, value: &str) -> Option<OwnerKey> {
    let value = names::owner_value(provider == LOCAL && attribute == OwnerAttribute::UserName, value)?;
    let mut hmac = secrets.name("record-owner", &[provider, attribute.as_str(), &value]);
    hmac.truncate(DIGITS);
    Some(OwnerKey { provider: provider.to_owned(), attribute, hmac })
}

/// Returns the keys of an account.
pub fn owner_keys(secrets: &Secrets, account: &Account) -> Vec<OwnerKey> {
    let key = |(identifier, value)| owner_key(secrets, &account.provider, attribute_of(identifier), value);
    account.identifiers.iter().filter_map(key).collect()
}

/// Returns the key of a value by which any record may name somebody. `None`: the value has no visible character.
pub fn name_key(secrets: &Secrets, value: &str) -> Option<NameKey> {
    let mut hmac = secrets.name("record-name", &[&names::owner_value(false, value)?]);
    hmac.truncate(NAME_DIGITS);
    Some(NameKey(hmac))
}

/// Returns the keys of the values that the provider of an account states, whatever their attributes: a record may have
/// an employee number as its user name.
pub(crate) fn name_keys(secrets: &Secrets, account: &Account) -> Vec<NameKey> {
    let keys: BTreeSet<_> = account.identifiers.iter().filter_map(|(_, value)| name_key(secrets, value)).collect();
    keys.into_iter().collect()
}

/// Returns the form of an identifier in events.
pub fn attribute_of(identifier: Identifier) -> OwnerAttribute {
    match identifier {
        Identifier::UserName => OwnerAttribute::UserName,
        Identifier::UserPrincipalName => OwnerAttribute::UserPrincipalName,
        Identifier::Mail => OwnerAttribute::Mail,
        Identifier::EmployeeNumber => OwnerAttribute::EmployeeNumber,
    }
}

/// The inverse of [`attribute_of`].
pub fn identifier_of(attribute: OwnerAttribute) -> Identifier {
    match attribute {
        OwnerAttribute::UserName => Identifier::UserName,
        OwnerAttribute::UserPrincipalName => Identifier::UserPrincipalName,
        OwnerAttribute::Mail => Identifier::Mail,
        OwnerAttribute::EmployeeNumber => Identifier::EmployeeNumber,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use events::personal::keys::MasterKey;

    #[test]
    fn a_name_depends_on_the_folded_value_and_on_the_installation_alone() {
        let secrets = Secrets::derive(&MasterKey::from_bytes([7; 32]));
        let name = |value| name_key(&secrets, value);
        assert_eq!(name("Ada@example.org").unwrap().0.len(), NAME_DIGITS);
        assert_eq!(name("Ada@example.org"), name(" ada@EXAMPLE.org"));
        assert_ne!(name("ada@example.org"), name("ada@example.com"));
        assert_ne!(name("ada"), name_key(&Secrets::derive(&MasterKey::from_bytes([8; 32])), "ada"));
        assert_eq!(name(" \u{200B}"), None);
    }

    #[test]
    fn a_key_depends_on_provider_attribute_and_folded_value_and_on_the_installation() {
        let secrets = Secrets::derive(&MasterKey::from_bytes([7; 32]));
        let key = |provider, attribute, value| owner_key(&secrets, provider, attribute, value).unwrap();
        let ada = key("main", OwnerAttribute::Mail, "ada@example.org");
        assert_eq!((ada.hmac.len(), ada.provider.as_str()), (DIGITS, "main"));
        assert!(ada.hmac.chars().all(|digit| matches!(digit, '0'..='9' | 'a'..='f')));
        assert_eq!(key("main", OwnerAttribute::Mail, " ADA@example.org"), ada);
        assert_ne!(key("other", OwnerAttribute::Mail, "ada@example.org").hmac, ada.hmac);
        assert_ne!(key("main", OwnerAttribute::UserPrincipalName, "ada@example.org").hmac, ada.hmac);
        let other = Secrets::derive(&MasterKey::from_bytes([8; 32]));
        assert_ne!(owner_key(&other, "main", OwnerAttribute::Mail, "ada@example.org").unwrap().hmac, ada.hmac);
        assert_eq!(owner_key(&secrets, "main", OwnerAttribute::Mail, " \t"), None);
    }
}
