//! Maps a verified assertion to an account.

use super::{Mapping, Saml};
use crate::config::Absent;
use crate::{Absence, Account, Disbelief, Fault, Identifier, Identifiers, Untold, unnamed};
use gamlastan::core::assertion::attribute::{Attribute, AttributeValue};
use gamlastan::core::assertion::name_id::{NameId, NameIdOrEncryptedId};
use gamlastan::core::assertion::types::Assertion;
use std::collections::BTreeSet;

const TRANSIENT: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient";
/// Formats of NameIDs that people recognize (SAML Core 8.3.2 to 8.3.5).
const NAMES: [&str; 4] =
    [":emailAddress", ":X509SubjectName", ":WindowsDomainQualifiedName", ":nameid-format:kerberos"];
/// Maximum length in bytes. SAML Core 8.3.7 allows 256 characters in a persistent NameID; names and addresses are
/// shorter.
const LONGEST: usize = 1024;

pub(crate) fn of(saml: &Saml, assertion: &Assertion) -> Result<Account, Disbelief> {
    let mapping = &saml.mapping;
    let subject = subject(saml, assertion)?;
    let first = |name: &str| values(assertion, name).into_iter().next();
    let values_of = |name: &str, absent| values_of(assertion, name, absent);
    let (groups, mut groups_untold) = values_of(&mapping.groups, mapping.absent_groups);
    if points_elsewhere(assertion) {
        groups_untold = Some(Absence::Elsewhere);
    }
    let mut untold = Untold { groups: groups_untold, ..Untold::default() };
    let claims = untold.claims(&mapping.claims, |name| values_of(name, mapping.absent_claims));
    let mut identifiers = Identifiers::default();
    let named = [
        (Identifier::UserName, mapping.user_name.as_deref()),
        (Identifier::UserPrincipalName, mapping.user_principal_name.as_deref()),
        (Identifier::Mail, Some(mapping.mail.as_str())),
        (Identifier::EmployeeNumber, mapping.employee_number.as_deref()),
    ];
    for (identifier, name) in named.into_iter().filter_map(|(identifier, name)| Some((identifier, name?))) {
        identifiers.add(identifier, values(assertion, name));
    }
    Ok(Account {
        identifiers,
        provider: saml.name.clone(),
        issuer: assertion.issuer.value.clone(),
        user_name: user_name(saml, assertion),
        subject,
        display_name: first(&mapping.display_name),
        mail: first(&mapping.mail),
        managed_apple_id: mapping.managed_apple_id.as_deref().and_then(first),
        groups,
        claims,
        untold,
    })
}

// Returns the name that pages show. A NameID is used only if its format is a name: a persistent one is opaque (SAML
// Core 8.3.7).
fn user_name(saml: &Saml, assertion: &Assertion) -> String {
    let mapping = &saml.mapping;
    let first = |name: &str| values(assertion, name).into_iter().next();
    let name_id = assertion.subject.as_ref().and_then(|subject| match subject.name_id.as_ref()? {
        NameIdOrEncryptedId::NameId(name_id) => Some(name_id),
        NameIdOrEncryptedId::EncryptedId(_) => None,
    });
    let named = name_id.filter(|name_id| {
        name_id.format.as_deref().is_some_and(|format| NAMES.iter().any(|name| format.ends_with(name)))
    });
    let configured = mapping.user_name.as_deref().and_then(first);
    configured
        .or_else(|| first(&mapping.mail))
        .or_else(|| named.map(|name_id| name_id.value.trim().to_owned()).filter(|name| !name.is_empty()))
        .or_else(|| first(&mapping.display_name))
        .unwrap_or_else(|| unnamed(saml.name.as_str(), "user_name_attribute"))
}

fn missing(detail: impl Into<String>) -> Disbelief {
    Disbelief::new(Fault::SubjectMissing, detail)
}

// Returns the permanent identifier of the person. A transient NameID changes at each sign-in, so the person's
// devices, acceptances and limits would belong to a new person each time. Such a provider needs an attribute that
// does not change.
fn subject(saml: &Saml, assertion: &Assertion) -> Result<String, Disbelief> {
    if let Some(name) = &saml.mapping.subject {
        return match &values(assertion, name)[..] {
            [one] => Ok(one.clone()),
            found => Err(missing(format!("the attribute {name} has {} values instead of one", found.len()))),
        };
    }
    let name_id = assertion.subject.as_ref().and_then(|subject| subject.name_id.as_ref());
    let name_id = match name_id {
        Some(NameIdOrEncryptedId::NameId(name_id)) => name_id,
        Some(NameIdOrEncryptedId::EncryptedId(_)) => {
            return Err(missing("the NameID is encrypted; let the provider encrypt the whole assertion or nothing"));
        }
        None => {
            return Err(missing("the assertion has no NameID; add one at the provider, or set subject_attribute"));
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
            "the NameID is transient, so it changes at each sign-in: let the provider send a persistent one, or set subject_attribute to an attribute that does not change",
        ));
    }
    // The same value under another qualifier is another person (SAML Core 8.3.7).
    let ours = |qualifier: &Option<String>, own: &str| qualifier.as_deref().is_none_or(|given| given == own);
    if !ours(&name_id.name_qualifier, &saml.provider.entity_id) || !ours(&name_id.sp_name_qualifier, &saml.entity_id) {
        return Err(missing("the NameID is qualified for another party; set subject_attribute instead"));
    }
    Ok(name_id.value.clone())
}

/// Returns the values of the attributes with this name or, if there are none, with this friendly name.
fn values(assertion: &Assertion, name: &str) -> Vec<String> {
    let found = attributes(assertion, name);
    found.into_iter().flat_map(|attribute| &attribute.values).filter_map(text).filter(|text| !text.is_empty()).collect()
}

fn attributes<'a>(assertion: &'a Assertion, name: &str) -> Vec<&'a Attribute> {
    let named: Vec<&Attribute> = all(assertion).filter(|attribute| attribute.name == name).collect();
    if !named.is_empty() {
        return named;
    }
    all(assertion).filter(|attribute| attribute.friendly_name.as_deref() == Some(name)).collect()
}

fn all(assertion: &Assertion) -> impl Iterator<Item = &Attribute> {
    assertion.attribute_statements.iter().flat_map(|statement| &statement.attributes)
}

// Returns the values of an attribute and, if there may be more, the reason why they are missing. An attribute without
// values is empty (SAML Core §2.7.3.1).
fn values_of(assertion: &Assertion, name: &str, absent: Absent) -> (BTreeSet<String>, Option<Absence>) {
    let found = attributes(assertion, name);
    let unread = found.iter().flat_map(|attribute| &attribute.values).any(is_unread);
    let silent = unread || (found.is_empty() && absent == Absent::Unknown);
    (values(assertion, name).into_iter().collect(), silent.then_some(Absence::Silent))
}

// If there are too many groups for one assertion, Entra ID sends `http://schemas.microsoft.com/claims/groups.link`
// instead.
fn points_elsewhere(assertion: &Assertion) -> bool {
    all(assertion).any(|attribute| attribute.name.ends_with("/claims/groups.link"))
}

fn is_unread(value: &AttributeValue) -> bool {
    !matches!(value, AttributeValue::Null) && text(value).is_none()
}

fn text(value: &AttributeValue) -> Option<String> {
    let text = match value {
        AttributeValue::String(text) | AttributeValue::DateTime(text) => Some(text.clone()),
        AttributeValue::Integer(number) => Some(number.to_string()),
        AttributeValue::Boolean(truth) => Some(truth.to_string()),
        AttributeValue::NameId(name_id) => Some(name_id.value.clone()),
        AttributeValue::Base64(bytes) => String::from_utf8(bytes.clone()).ok(),
        AttributeValue::Xml(_) | AttributeValue::Null => None,
    };
    text.map(|text| text.trim().to_owned()).filter(|text| text.len() <= LONGEST)
}

impl From<&crate::config::Saml> for Mapping {
    fn from(config: &crate::config::Saml) -> Mapping {
        Mapping {
            subject: config.subject_attribute.clone(),
            user_name: config.user_name_attribute.clone(),
            display_name: config.display_name_attribute.clone(),
            mail: config.mail_attribute.clone(),
            groups: config.groups_attribute.clone(),
            managed_apple_id: config.managed_apple_id_attribute.clone(),
            user_principal_name: config.user_principal_name_attribute.clone(),
            employee_number: config.employee_number_attribute.clone(),
            claims: config.claims.clone(),
            absent_groups: config.absent_groups,
            absent_claims: config.absent_claims,
        }
    }
}
