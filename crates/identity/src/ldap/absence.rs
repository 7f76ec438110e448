//! Whether an attribute that did not come is empty. LDAP leaves out empty attributes, and those that the searcher may not read, and those that
//! the directory does not know: who left and who may not be seen look alike.

use super::connection::Servers;
use super::search::{Query, Scope};
use super::trouble::Trouble;

/// Whether the directory itself says that the entry has no value of the attribute. A filter about an attribute that is unknown, or that the
/// searcher may not search, is Undefined, and so is its negation: then the entry is not found (RFC 4511 §4.5.1.7).
pub async fn is_certain(servers: &Servers, dn: &str, attribute: &str) -> Result<bool, Trouble> {
    let query = Query::of_entry(dn, &format!("(!({attribute}=*))"), &["1.1"]);
    Ok(!servers.search(&query).await?.entries.is_empty())
}

/// Whether some entry below `base` has the attribute: a directory may know it and fill it for nobody, as OpenLDAP does without the overlay
/// `memberof`.
pub async fn is_kept(servers: &Servers, base: &str, attribute: &str) -> Result<bool, Trouble> {
    let query = Query { scope: Scope::Subtree, ..Query::of_entry(base, &format!("({attribute}=*)"), &["1.1"]) };
    Ok(!servers.search(&query).await?.entries.is_empty())
}
