//! Rules by which the owner of a record is found.

use crate::field::Field;
use serde::Deserialize;
use std::fmt;
use std::str::FromStr;

/// A field of the record that equals an attribute of its owner at a provider.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnerRule {
    pub field: OwnerField,
    /// `local`, or the name of a directory or identity provider in the configuration of the server.
    pub provider: String,
    pub attribute: Attribute,
}

/// A field that can identify the owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OwnerField {
    UserName,
    Mail,
    EmployeeNumber,
}

impl OwnerField {
    pub const ALL: [OwnerField; 3] = [OwnerField::UserName, OwnerField::Mail, OwnerField::EmployeeNumber];

    pub fn field(self) -> Field {
        match self {
            OwnerField::UserName => Field::UserName,
            OwnerField::Mail => Field::Mail,
            OwnerField::EmployeeNumber => Field::EmployeeNumber,
        }
    }
}

/// An attribute of a person at a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Attribute {
    UserName,
    UserPrincipalName,
    Mail,
    EmployeeNumber,
}

impl Attribute {
    pub const ALL: [Attribute; 4] =
        [Attribute::UserName, Attribute::UserPrincipalName, Attribute::Mail, Attribute::EmployeeNumber];

    /// Returns the name of the attribute in a mapping.
    pub fn name(self) -> &'static str {
        match self {
            Attribute::UserName => "user_name",
            Attribute::UserPrincipalName => "user_principal_name",
            Attribute::Mail => "mail",
            Attribute::EmployeeNumber => "employee_number",
        }
    }
}

/// Why a text is no rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text} is no owner rule: write FIELD=PROVIDER:ATTRIBUTE, such as mail=main:mail. FIELD is user_name, mail or \
     employee_number; PROVIDER is local, or the name of a directory or identity provider; ATTRIBUTE is user_name, \
     user_principal_name, mail or employee_number"
)]
pub struct NoOwnerRule {
    text: String,
}

impl FromStr for OwnerRule {
    type Err = NoOwnerRule;

    /// Parses `FIELD=PROVIDER:ATTRIBUTE`.
    fn from_str(text: &str) -> Result<OwnerRule, NoOwnerRule> {
        let parsed = || {
            let (field, rest) = text.split_once('=')?;
            let (provider, attribute) = rest.rsplit_once(':')?;
            let provider = provider.trim();
            Some(OwnerRule {
                field: OwnerField::ALL.into_iter().find(|known| known.field().name() == field.trim())?,
                provider: (!provider.is_empty()).then(|| provider.to_owned())?,
                attribute: Attribute::ALL.into_iter().find(|known| known.name() == attribute.trim())?,
            })
        };
        parsed().ok_or_else(|| NoOwnerRule { text: names::quoted(text) })
    }
}

impl fmt::Display for OwnerRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}:{}", self.field.field(), self.provider, self.attribute.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::Mapping;

    #[test]
    fn a_rule_is_the_same_in_a_mapping_and_as_a_text() {
        for (text, field, attribute) in [
            ("user_name=main:user_principal_name", "user_name", "user_principal_name"),
            ("mail=local:mail", "mail", "mail"),
            ("employee_number=main:employee_number", "employee_number", "employee_number"),
            ("mail=main:user_name", "mail", "user_name"),
        ] {
            let rule: OwnerRule = text.parse().unwrap();
            assert_eq!(rule.to_string(), text);
            let toml = format!(
                "[[owner]]\nfield = \"{field}\"\nprovider = \"{}\"\nattribute = \"{attribute}\"",
                rule.provider
            );
            assert_eq!(toml::from_str::<Mapping>(&toml).unwrap().owner, [rule]);
        }
    }

    #[test]
    fn a_text_that_is_no_rule_is_refused_with_the_form_of_one() {
        for text in ["", "mail", "mail=main", "mail=:mail", "site=main:mail", "mail=main:phone", "mail:main=mail"] {
            let why = text.parse::<OwnerRule>().unwrap_err().to_string();
            assert!(why.contains("FIELD=PROVIDER:ATTRIBUTE"), "{why}");
        }
        for toml in [
            "[[owner]]\nfield = \"site\"\nprovider = \"main\"\nattribute = \"mail\"",
            "[[owner]]\nfield = \"mail\"\nattribute = \"mail\"",
            "[[owner]]\nfield = \"mail\"\nprovider = \"main\"\nattribute = \"mail\"\ntrust = true",
        ] {
            assert!(toml::from_str::<Mapping>(toml).is_err(), "{toml}");
        }
    }
}
