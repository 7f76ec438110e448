//! Finds the people whose entries have certain values, many values with one search.

use super::Ldap;
use super::search::{Entry, Extent, Query, Rows, Scope};
use super::trouble::Trouble;
use crate::{Account, Identifier, Unavailable};

/// The account of an entry, without groups.
#[derive(Debug, Clone)]
pub struct Listed {
    pub account: Account,
    /// The directory says that the account is disabled.
    pub is_disabled: bool,
}

/// Number of values in one search. A search of a directory without an index for the attribute reads all entries.
const VALUES: usize = 50;
/// Number of entries that one search may return for each value: two are enough to see that a value is ambiguous.
const ENTRIES: usize = 2;

/// Attributes that say that an account is disabled, of Active Directory, of OpenLDAP's password policy, of 389
/// Directory Server and of eDirectory. A directory ignores the names that it does not know (RFC 4511 §4.5.1.8).
const ACCOUNT_CONTROL: &str = "userAccountControl";
const LOCKED_TIME: &str = "pwdAccountLockedTime";
const LOCKS: [&str; 2] = ["nsAccountLock", "loginDisabled"];

/// The flag `ACCOUNTDISABLE` of `userAccountControl`.
const DISABLED: i64 = 2;
/// An account that an administrator locked for ever (draft-behera-ldap-password-policy, 5.3.3).
const FOR_EVER: &str = "000001010000Z";

impl Ldap {
    /// Returns whether an attribute is configured for this identifier.
    pub fn has(&self, identifier: Identifier) -> bool {
        self.mapping.attribute(identifier).is_some()
    }

    /// Returns the people who have one of these values, as the directory compares them. `user_filter` applies with any
    /// name. Without an attribute for the identifier, returns nobody.
    ///
    /// # Errors
    /// Returns an error if the directory cannot be asked, or an entry has no unique attribute.
    pub async fn holders(&self, identifier: Identifier, values: &[String]) -> Result<Vec<Listed>, Unavailable> {
        let Some(attribute) = self.mapping.attribute(identifier) else { return Ok(Vec::new()) };
        let mut all = Vec::new();
        for values in values.chunks(VALUES) {
            all.extend(self.some(attribute, values).await.map_err(|trouble| self.unavailable(&trouble))?);
        }
        Ok(all)
    }

    async fn some(&self, attribute: &str, values: &[String]) -> Result<Vec<Listed>, Trouble> {
        let Rows { entries, cut_short } = self.servers.search(&self.query_values(attribute, values)).await?;
        if !cut_short || (values.len() == 1 && entries.len() >= ENTRIES) {
            return entries.into_iter().map(|entry| self.listed(entry)).collect();
        }
        let [_, _, ..] = values else { return Err(Trouble::cut_short()) };
        let mut all = Vec::new();
        for value in values {
            all.extend(Box::pin(self.some(attribute, std::slice::from_ref(value))).await?);
        }
        Ok(all)
    }

    fn query_values(&self, attribute: &str, values: &[String]) -> Query {
        let equal = |value: &String| format!("({attribute}={})", ldap3::ldap_escape(value.trim()));
        let any: String = values.iter().map(equal).collect();
        let mut attributes = self.mapping.attributes();
        attributes.extend([ACCOUNT_CONTROL, LOCKED_TIME].into_iter().chain(LOCKS).map(str::to_owned));
        let limit = i32::try_from(values.len() * ENTRIES).unwrap_or(i32::MAX);
        Query {
            base: self.config.base.clone(),
            scope: Scope::Subtree,
            filter: format!("(&{}(|{any}))", self.config.user_filter.replace("{name}", "*")),
            attributes,
            extent: Extent::AtMost(limit),
        }
    }

    fn listed(&self, entry: Entry) -> Result<Listed, Trouble> {
        let is_disabled = is_disabled(&entry);
        let mut account = self.mapping.found("", entry)?.account;
        if account.user_name.is_empty() {
            account.user_name = account.mail.clone().unwrap_or_else(|| self.config.name.clone());
        }
        Ok(Listed { account, is_disabled })
    }
}

fn is_disabled(entry: &Entry) -> bool {
    let has = |attribute: &str, is: &dyn Fn(&str) -> bool| entry.texts(attribute).iter().any(|value| is(value));
    has(ACCOUNT_CONTROL, &|flags| flags.parse::<i64>().is_ok_and(|flags| flags & DISABLED != 0))
        || has(LOCKED_TIME, &|time| time == FOR_EVER)
        || LOCKS.iter().any(|lock| has(lock, &|value| value.eq_ignore_ascii_case("true")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disabled_account_is_recognized_in_each_kind_of_directory() {
        let says = |attribute: &str, value: &str| is_disabled(&Entry::of(attribute, value));
        assert!(says("useraccountcontrol", "514") && !says("useraccountcontrol", "512"));
        assert!(says("pwdaccountlockedtime", "000001010000Z"), "an administrator locked it");
        assert!(!says("pwdaccountlockedtime", "20260101000000Z"), "wrong passwords locked it for a while");
        assert!(says("nsaccountlock", "TRUE") && says("logindisabled", "true") && !says("nsaccountlock", "FALSE"));
        assert!(!says("mail", "true"));
    }
}
