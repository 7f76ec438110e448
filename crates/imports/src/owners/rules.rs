//! The rules of a mapping, and the values of a record that they name.

use events::record::{NameKey, OwnerAttribute, OwnerKey, PersonalDetails};
use identity::{Identifier, LOCAL};
use platform::secrets::Secrets;
use records::{Attribute, OwnerField, OwnerRule};
use sign_in::{SignIn, attribute_of, name_key, owner_key};
use std::collections::BTreeSet;

/// Why a rule cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WrongRule {
    #[error(
        "the owner rule {rule} names {provider}, which is no directory and no identity provider of this server: use one of \
         {known}"
    )]
    UnknownProvider { rule: String, provider: String, known: String },
    #[error(
        "the owner rule {rule} can find nobody, since {provider} states no {attribute}: name it in the configuration of \
         {provider} ({setting})"
    )]
    NotStated { rule: String, provider: String, attribute: &'static str, setting: &'static str },
}

/// Checked rules.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rules(Vec<OwnerRule>);

/// A value by which a record names its owner.
#[derive(Debug, Clone)]
pub(crate) struct Value {
    pub(crate) key: OwnerKey,
    /// As the record has it.
    pub(crate) text: String,
}

impl Rules {
    pub(crate) fn check(rules: &[OwnerRule], sign_in: &SignIn) -> Result<Rules, WrongRule> {
        for rule in rules {
            check(rule, sign_in)?;
        }
        Ok(Rules(rules.to_vec()))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the values of a record that the rules name, each once.
    pub(crate) fn values(&self, secrets: &Secrets, details: &PersonalDetails) -> Vec<Value> {
        let mut values: Vec<Value> = Vec::new();
        for rule in &self.0 {
            let Some(text) = text(details, rule.field) else { continue };
            let key = owner_key(secrets, &rule.provider, attribute_of(identifier(rule.attribute)), text);
            let Some(key) = key.filter(|key| values.iter().all(|value| value.key != *key)) else { continue };
            values.push(Value { key, text: text.to_owned() });
        }
        values
    }
}

/// Returns the keys of all values by which a record names its owner, whether a rule is about them or not.
pub(crate) fn names(secrets: &Secrets, details: &PersonalDetails) -> BTreeSet<NameKey> {
    OwnerField::ALL.into_iter().filter_map(|field| name_key(secrets, text(details, field)?)).collect()
}

/// Returns the values of a record whose keys these are. A key whose value the record does not have is left out.
pub(crate) fn values_of(secrets: &Secrets, details: &PersonalDetails, keys: &BTreeSet<OwnerKey>) -> Vec<Value> {
    let value = |key: &OwnerKey| {
        let texts = OwnerField::ALL.into_iter().filter_map(|field| text(details, field));
        let mut texts =
            texts.filter(|text| owner_key(secrets, &key.provider, key.attribute, text).as_ref() == Some(key));
        Some(Value { key: key.clone(), text: texts.next()?.to_owned() })
    };
    keys.iter().filter_map(value).collect()
}

fn text(details: &PersonalDetails, field: OwnerField) -> Option<&str> {
    match field {
        OwnerField::UserName => details.user_name.as_deref(),
        OwnerField::Mail => details.mail.as_deref(),
        OwnerField::EmployeeNumber => details.employee_number.as_deref(),
    }
}

fn identifier(attribute: Attribute) -> Identifier {
    match attribute {
        Attribute::UserName => Identifier::UserName,
        Attribute::UserPrincipalName => Identifier::UserPrincipalName,
        Attribute::Mail => Identifier::Mail,
        Attribute::EmployeeNumber => Identifier::EmployeeNumber,
    }
}

fn check(rule: &OwnerRule, sign_in: &SignIn) -> Result<(), WrongRule> {
    let (provider, identifier) = (rule.provider.as_str(), identifier(rule.attribute));
    let states = if provider == LOCAL {
        matches!(identifier, Identifier::UserName | Identifier::Mail)
    } else if let Some(directory) = sign_in.directories.named(provider) {
        directory.has(identifier)
    } else if let Some(known) = sign_in.providers.find(provider) {
        known.has(identifier)
    } else {
        let names = [LOCAL].into_iter().chain(sign_in.directories.names()).chain(sign_in.providers.names());
        return Err(WrongRule::UnknownProvider {
            rule: rule.to_string(),
            provider: provider.to_owned(),
            known: names.collect::<Vec<_>>().join(", "),
        });
    };
    if states {
        return Ok(());
    }
    let (attribute, setting) = match attribute_of(identifier) {
        OwnerAttribute::UserName => ("user name", "user_name_attribute or user_name_claim"),
        OwnerAttribute::UserPrincipalName => {
            ("user principal name", "user_principal_name_attribute or user_principal_name_claim")
        }
        OwnerAttribute::Mail => ("mail address", "mail_attribute"),
        OwnerAttribute::EmployeeNumber => ("employee number", "employee_number_attribute or employee_number_claim"),
    };
    Err(WrongRule::NotStated { rule: rule.to_string(), provider: provider.to_owned(), attribute, setting })
}

#[cfg(test)]
mod tests {
    use super::*;
    use events::personal::keys::MasterKey;

    fn details() -> PersonalDetails {
        PersonalDetails { mail: Some("Ada@x".into()), user_name: Some("ada".into()), ..PersonalDetails::default() }
    }

    fn rules(texts: &[&str]) -> Rules {
        Rules(texts.iter().map(|text| text.parse().unwrap()).collect())
    }

    #[test]
    fn a_rule_without_a_value_gives_no_key_and_two_equal_keys_count_once() {
        let secrets = Secrets::derive(&MasterKey::from_bytes([7; 32]));
        let all =
            ["mail=main:mail", "employee_number=main:employee_number", "mail=main:mail", "user_name=main:user_name"];
        let values = rules(&all).values(&secrets, &details());
        let texts: Vec<&str> = values.iter().map(|value| value.text.as_str()).collect();
        assert_eq!(texts, ["Ada@x", "ada"]);
        assert_eq!(rules(&[]).values(&secrets, &details()).len(), 0);
    }

    #[test]
    fn each_value_that_names_the_owner_is_a_name_and_two_equal_ones_are_one() {
        let secrets = Secrets::derive(&MasterKey::from_bytes([7; 32]));
        let name = |text| name_key(&secrets, text).unwrap();
        assert_eq!(names(&secrets, &details()), [name("ada@x"), name("ada")].into());
        let number = PersonalDetails { employee_number: Some(" ADA ".into()), ..details() };
        assert_eq!(names(&secrets, &number).len(), 2);
        assert!(names(&secrets, &PersonalDetails::default()).is_empty());
    }

    #[test]
    fn the_value_of_a_key_is_found_again_in_the_record() {
        let secrets = Secrets::derive(&MasterKey::from_bytes([7; 32]));
        let values = rules(&["mail=main:user_principal_name"]).values(&secrets, &details());
        let mut keys: BTreeSet<OwnerKey> = values.iter().map(|value| value.key.clone()).collect();
        let earlier = owner_key(&secrets, "main", OwnerAttribute::Mail, "byron@x").unwrap();
        keys.insert(earlier);
        let found = values_of(&secrets, &details(), &keys);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].key.clone(), found[0].text.as_str()), (values[0].key.clone(), "Ada@x"));
    }
}
