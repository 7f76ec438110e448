//! Whom a verified assertion is about.

use super::{Mapping, Saml};
use crate::identity::{Account, Disbelief, Fault};
use gamlastan::core::assertion::attribute::{Attribute, AttributeValue};
use gamlastan::core::assertion::name_id::{NameId, NameIdOrEncryptedId};
use gamlastan::core::assertion::types::Assertion;
use std::collections::{BTreeMap, BTreeSet};

const TRANSIENT: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient";
/// SAML Core 8.3.7 allows 256 characters in a persistent one; names and addresses are shorter.
const LONGEST: usize = 1024;

pub fn of(saml: &Saml, assertion: &Assertion) -> Result<Account, Disbelief> {
    let mapping = &saml.mapping;
    let subject = subject(saml, assertion)?;
    let first = |name: &str| values(assertion, name).into_iter().next();
    let claims: BTreeMap<String, BTreeSet<String>> = mapping
        .claims
        .iter()
        .map(|name| (name.clone(), values(assertion, name).into_iter().collect::<BTreeSet<_>>()))
        .filter(|(_, values)| !values.is_empty())
        .collect();
    Ok(Account {
        provider: saml.name.clone(),
        issuer: assertion.issuer.value.clone(),
        user_name: mapping.user_name.as_deref().and_then(first).unwrap_or_else(|| subject.clone()),
        subject,
        display_name: first(&mapping.display_name),
        mail: first(&mapping.mail),
        managed_apple_id: mapping.managed_apple_id.as_deref().and_then(first),
        groups: values(assertion, &mapping.groups).into_iter().collect(),
        claims,
    })
}

fn missing(detail: impl Into<String>) -> Disbelief {
    Disbelief::new(Fault::SubjectMissing, detail)
}

// What the person is known by from now on. A transient NameID is another one each time: their devices, acceptances and
// limits would belong to somebody new at every sign-in, so it takes an attribute that stays.
fn subject(saml: &Saml, assertion: &Assertion) -> Result<String, Disbelief> {
    if let Some(name) = &saml.mapping.subject {
        return match &values(assertion, name)[..] {
            [one] => Ok(one.clone()),
            found => Err(missing(format!("the attribute {name} has {} values, not one", found.len()))),
        };
    }
    let name_id = assertion.subject.as_ref().and_then(|subject| subject.name_id.as_ref());
    let name_id = match name_id {
        Some(NameIdOrEncryptedId::NameId(name_id)) => name_id,
        Some(NameIdOrEncryptedId::EncryptedId(_)) => {
            return Err(missing("the NameID is encrypted; let the provider encrypt whole assertions, or nothing"));
        }
        None => {
            return Err(missing("the assertion has no NameID; configure one at the provider, or subject_attribute"));
        }
    };
    lasting(saml, name_id)
}

fn lasting(saml: &Saml, name_id: &NameId) -> Result<String, Disbelief> {
    if name_id.value.trim().is_empty() || name_id.value.len() > LONGEST {
        return Err(missing("the NameID is empty or too long"));
    }
    if name_id.format.as_deref() == Some(TRANSIENT) {
        return Err(missing(
            "the NameID is transient, another one each time: let the provider send a persistent one, or name a lasting attribute as subject_attribute",
        ));
    }
    // The same value under another qualifier is another person (SAML Core 8.3.7).
    let ours = |qualifier: &Option<String>, own: &str| qualifier.as_deref().is_none_or(|given| given == own);
    if !ours(&name_id.name_qualifier, &saml.provider.entity_id) || !ours(&name_id.sp_name_qualifier, &saml.entity_id) {
        return Err(missing("the NameID is qualified for others; name a lasting attribute as subject_attribute"));
    }
    Ok(name_id.value.clone())
}

/// Values of the attribute with this name or, where there is none, with this friendly name.
fn values(assertion: &Assertion, name: &str) -> Vec<String> {
    let attributes = || assertion.attribute_statements.iter().flat_map(|statement| &statement.attributes);
    let mut found: Vec<&Attribute> = attributes().filter(|attribute| attribute.name == name).collect();
    if found.is_empty() {
        found = attributes().filter(|attribute| attribute.friendly_name.as_deref() == Some(name)).collect();
    }
    let texts = found.into_iter().flat_map(|attribute| &attribute.values).filter_map(text);
    texts.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty() && text.len() <= LONGEST).collect()
}

fn text(value: &AttributeValue) -> Option<String> {
    match value {
        AttributeValue::String(text) | AttributeValue::DateTime(text) => Some(text.clone()),
        AttributeValue::Integer(number) => Some(number.to_string()),
        AttributeValue::Boolean(truth) => Some(truth.to_string()),
        AttributeValue::NameId(name_id) => Some(name_id.value.clone()),
        AttributeValue::Base64(bytes) => String::from_utf8(bytes.clone()).ok(),
        AttributeValue::Xml(_) | AttributeValue::Null => None,
    }
}

impl From<&crate::config::identity::Saml> for Mapping {
    fn from(config: &crate::config::identity::Saml) -> Mapping {
        Mapping {
            subject: config.subject_attribute.clone(),
            user_name: config.user_name_attribute.clone(),
            display_name: config.display_name_attribute.clone(),
            mail: config.mail_attribute.clone(),
            groups: config.groups_attribute.clone(),
            managed_apple_id: config.managed_apple_id_attribute.clone(),
            claims: config.claims.clone(),
        }
    }
}
