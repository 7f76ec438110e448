//! Converts a directory entry to an account, with the configured attribute names.

use super::Found;
use super::search::Entry;
use super::trouble::Trouble;
use crate::config::{Directory, Groups};
use crate::{Account, Identifier, Identifiers, Untold};
use names::folded;
use std::collections::{BTreeMap, BTreeSet};

/// Name of the claim for `department_attribute` in access rules.
pub(super) const DEPARTMENT: &str = "department";
pub(super) const MEMBER_OF: &str = "memberOf";
/// Attributes whose values are always binary.
const BINARY: [&str; 4] = ["objectGUID", "objectSid", "mS-DS-ConsistencyGuid", "GUID"];

const IDENTIFIERS: [Identifier; 4] =
    [Identifier::UserName, Identifier::UserPrincipalName, Identifier::Mail, Identifier::EmployeeNumber];

/// The configured attribute names.
pub(crate) struct Mapping {
    directory: String,
    unique: String,
    user_name: String,
    display_name: String,
    mail: String,
    managed_apple_id: Option<String>,
    user_principal_name: Option<String>,
    employee_number: Option<String>,
    department: Option<String>,
    member_of: bool,
}

impl Mapping {
    pub(crate) fn of(config: &Directory) -> Mapping {
        Mapping {
            directory: config.name.clone(),
            unique: config.unique_attribute.clone(),
            user_name: config.user_name_attribute.clone(),
            display_name: config.display_name_attribute.clone(),
            mail: config.mail_attribute.clone(),
            managed_apple_id: config.managed_apple_id_attribute.clone(),
            user_principal_name: config.user_principal_name_attribute.clone(),
            employee_number: config.employee_number_attribute.clone(),
            department: config.department_attribute.clone(),
            member_of: config.groups == Groups::MemberOf {},
        }
    }

    /// Attributes to request, and no others. Directories send operational attributes only if they are named.
    pub(crate) fn attributes(&self) -> Vec<String> {
        let always = [&self.unique, &self.user_name, &self.display_name, &self.mail];
        let optional = [&self.managed_apple_id, &self.user_principal_name, &self.employee_number, &self.department];
        let optional = optional.into_iter().flatten();
        let member_of = self.member_of.then(|| MEMBER_OF.to_owned());
        always.into_iter().chain(optional).cloned().chain(member_of).collect()
    }

    /// Returns the attribute for an identifier; `None` if none is configured.
    pub(crate) fn attribute(&self, identifier: Identifier) -> Option<&str> {
        match identifier {
            Identifier::UserName => Some(&self.user_name),
            Identifier::UserPrincipalName => self.user_principal_name.as_deref(),
            Identifier::Mail => Some(&self.mail),
            Identifier::EmployeeNumber => self.employee_number.as_deref(),
        }
    }

    fn identifiers(&self, entry: &Entry) -> Identifiers {
        let mut identifiers = Identifiers::default();
        for identifier in IDENTIFIERS {
            let values = self.attribute(identifier).map(|name| entry.texts(name)).unwrap_or_default();
            identifiers.add(identifier, values);
        }
        identifiers
    }

    /// Returns the account of an entry that matched the typed name.
    pub(crate) fn found(&self, typed: &str, entry: Entry) -> Result<Found, Trouble> {
        let one = |attribute: &String| entry.texts(attribute).into_iter().find(|value| !value.trim().is_empty());
        let department = self.department.as_ref().map(|attribute| entry.texts(attribute));
        let claims = department.filter(|values| !values.is_empty()).map(|values| (DEPARTMENT.into(), set(values)));
        let account = Account {
            provider: self.directory.clone(),
            issuer: self.directory.clone(),
            subject: self.subject(&entry)?,
            user_name: self.user_name(typed, &entry),
            display_name: one(&self.display_name),
            mail: one(&self.mail),
            managed_apple_id: self.managed_apple_id.as_ref().and_then(one),
            groups: BTreeSet::new(),
            claims: claims.into_iter().collect::<BTreeMap<_, _>>(),
            untold: Untold::default(),
            identifiers: self.identifiers(&entry),
        };
        let member_of = self.member_of.then(|| member_of(&entry)).transpose()?;
        // A bind to the empty DN would be anonymous.
        if entry.dn.is_empty() {
            return Err(Trouble::new("the entry has no DN", "choose a base below the root of the directory"));
        }
        Ok(Found { dn: entry.dn, account, member_of })
    }

    fn subject(&self, entry: &Entry) -> Result<String, Trouble> {
        let unique = &self.unique;
        let mend = "set unique_attribute to an attribute that identifies a person permanently (entryUUID; in Active Directory \
                    objectGUID), and let bind_dn read it";
        match entry.values(unique) {
            [value] if !value.is_empty() => Ok(lasting(unique, value)),
            [] | [_] => Err(Trouble::new(format!("an entry has no {unique}"), mend)),
            several => Err(Trouble::new(format!("an entry has {} values of {unique}", several.len()), mend)),
        }
    }

    // If the entry has several names, prefers the typed one, ignoring upper and lower case.
    fn user_name(&self, typed: &str, entry: &Entry) -> String {
        let names = entry.texts(&self.user_name);
        let same = names.iter().find(|name| folded(name) == folded(typed));
        same.or(names.first()).cloned().unwrap_or_else(|| typed.to_owned())
    }
}

fn lasting(attribute: &str, value: &[u8]) -> String {
    let binary = BINARY.iter().any(|name| name.eq_ignore_ascii_case(attribute));
    match std::str::from_utf8(value) {
        Ok(text) if !binary && !text.contains(char::is_control) => text.to_owned(),
        _ => hex::encode(value),
    }
}

fn member_of(entry: &Entry) -> Result<Vec<String>, Trouble> {
    if entry.is_partial(MEMBER_OF) {
        return Err(Trouble::new(
            "the directory returns only a part of memberOf",
            "find groups by active_directory_nested or walk",
        ));
    }
    Ok(entry.texts(MEMBER_OF))
}

fn set(values: Vec<String>) -> BTreeSet<String> {
    values.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_binary_unique_attribute_is_told_in_hex_whatever_it_looks_like() {
        assert_eq!(lasting("objectguid", b"sixteen letters!"), hex::encode("sixteen letters!"));
        assert_eq!(lasting("nsUniqueId", &[0xff, 0x01]), "ff01");
        assert_eq!(
            lasting("entryUUID", b"0b0f1c5e-0000-4000-8000-000000000000"),
            "0b0f1c5e-0000-4000-8000-000000000000"
        );
    }
}
