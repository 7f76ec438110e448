//! Whether an attribute that is missing in an entry is empty. LDAP omits empty attributes, attributes that the client
//! may not read and attributes that the directory does not know. All three look the same in the answer.

use super::connection::Servers;
use super::search::{Query, Scope};
use super::trouble::Trouble;

/// Returns whether the directory confirms that the entry has no value of the attribute. A filter on an attribute that
/// is unknown, or that `bind_dn` may not search, evaluates to Undefined, and so does its negation. The entry is then
/// not found (RFC 4511 §4.5.1.7).
pub(crate) async fn is_certain(servers: &Servers, dn: &str, attribute: &str) -> Result<bool, Trouble> {
    let query = Query::of_entry(dn, &format!("(!({attribute}=*))"), &["1.1"]);
    Ok(!servers.search(&query).await?.entries.is_empty())
}

/// Returns whether some entry below `base` has the attribute. A directory may know the attribute and never fill it,
/// as OpenLDAP does without the overlay `memberof`.
pub(crate) async fn is_kept(servers: &Servers, base: &str, attribute: &str) -> Result<bool, Trouble> {
    let query = Query { scope: Scope::Subtree, ..Query::of_entry(base, &format!("({attribute}=*)"), &["1.1"]) };
    Ok(!servers.search(&query).await?.entries.is_empty())
}
