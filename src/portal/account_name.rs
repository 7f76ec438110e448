//! Validates Managed Apple IDs.

use std::collections::BTreeSet;

/// Maximum length of the local part in bytes (RFC 5321 §4.5.3.1.1).
const LOCAL: usize = 64;
/// Maximum length of the domain in bytes: what DNS permits in text form (RFC 1035 §2.3.4). RFC 5321 §4.5.3.1.2 permits
/// 255.
const DOMAIN: usize = 253;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Problem {
    Invalid,
    /// The domain is not one of those that the settings allow.
    Domain,
}

/// Returns the typed Managed Apple ID, trimmed and with its domain in lower case.
///
/// # Errors
/// Returns [`Problem::Invalid`] if the syntax is wrong, [`Problem::Domain`] if the domain is not allowed. An empty set
/// of domains allows every domain.
pub(crate) fn check(typed: &str, domains: &BTreeSet<String>) -> Result<String, Problem> {
    // Splits at the last @, because a quoted local part may contain one.
    let (local, domain) = typed.trim().rsplit_once('@').ok_or(Problem::Invalid)?;
    let domain = domain.to_lowercase();
    let well_formed = (1..=LOCAL).contains(&local.len())
        && !local.chars().any(|c| c.is_whitespace() || c.is_control())
        && is_domain(&domain);
    if !well_formed {
        return Err(Problem::Invalid);
    }
    let allowed = domains.is_empty() || domains.iter().any(|allowed| allowed.to_lowercase() == domain);
    if allowed { Ok(format!("{local}@{domain}")) } else { Err(Problem::Domain) }
}

fn is_domain(domain: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.chars().all(|c| c.is_alphanumeric() || c == '-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    domain.len() <= DOMAIN && domain.contains('.') && domain.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn any() -> BTreeSet<String> {
        BTreeSet::new()
    }

    #[test]
    fn addresses_are_taken_and_tidied() {
        assert_eq!(check(" Ada@Example.COM ", &any()).as_deref(), Ok("Ada@example.com"));
        assert_eq!(check("a@appleid.my-company.co.uk", &any()).as_deref(), Ok("a@appleid.my-company.co.uk"));
        assert_eq!(check("odd@local@example.com", &any()).as_deref(), Ok("odd@local@example.com"));
    }

    #[test]
    fn what_is_no_address_is_refused() {
        let long = format!("{}@example.com", "a".repeat(65));
        let long_domain = format!("a@{}com", "b.".repeat(130));
        let wrong = ["", "ada", "@example.com", "ada@", "ada@localhost", "ada@-x.com", "ada@x..com", "a b@example.com"];
        for wrong in wrong.into_iter().chain(["ada@ex ample.com", &long, &long_domain]) {
            assert_eq!(check(wrong, &any()), Err(Problem::Invalid), "{wrong}");
        }
    }

    #[test]
    fn only_allowed_domains_are_taken_where_there_are_any() {
        let allowed = BTreeSet::from(["Example.com".to_owned()]);
        assert_eq!(check("ada@example.com", &allowed).as_deref(), Ok("ada@example.com"));
        assert_eq!(check("ada@sub.example.com", &allowed), Err(Problem::Domain));
        assert_eq!(check("ada@evil.com", &allowed), Err(Problem::Domain));
    }
}
