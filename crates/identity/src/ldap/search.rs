//! One search: its entries and its final result, which says whether the entries are complete.

use super::trouble::{SIZE_LIMIT_EXCEEDED, SUCCESS, Trouble};
use ldap3::adapters::{Adapter, EntriesOnly, PagedResults};
use ldap3::{Ldap as Handle, LdapError, LdapResult, ResultEntry, SearchEntry, SearchOptions};
use std::time::Duration;

pub(crate) use ldap3::Scope;

/// A search request.
#[derive(Debug, Clone)]
pub(crate) struct Query {
    /// DN (RFC 4514).
    pub base: String,
    pub scope: Scope,
    /// Filter (RFC 4515); values in it are already escaped.
    pub filter: String,
    /// Names of the requested attributes.
    pub attributes: Vec<String>,
    pub extent: Extent,
}

impl Query {
    /// Reads one entry by its DN, if the filter matches it. The attribute `1.1` requests no attributes (RFC 4511
    /// §4.5.1.8).
    pub(crate) fn of_entry(dn: &str, filter: &str, attributes: &[&str]) -> Query {
        Query {
            base: dn.to_owned(),
            scope: Scope::Base,
            filter: filter.to_owned(),
            attributes: attributes.iter().map(|name| (*name).to_owned()).collect(),
            extent: Extent::AtMost(1),
        }
    }
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Extent {
    /// The directory need not send more than this number of entries.
    AtMost(i32),
    /// All entries, read in pages. An incomplete result is an error.
    All,
}

/// Entries per page. Active Directory returns at most 1,000.
const PAGE: i32 = 500;
/// Time limit for all pages, in multiples of the time limit for one operation.
const PATIENCE: u32 = 6;

/// The entries that were found. Referrals are ignored: following them would send names and passwords to unknown
/// servers.
#[derive(Debug)]
pub(crate) struct Rows {
    pub entries: Vec<Entry>,
    /// There are more entries than these.
    pub cut_short: bool,
}

/// An entry. Attribute names are stored in lower case, because directories differ in how they write them.
#[derive(Debug)]
pub(crate) struct Entry {
    /// DN as the directory writes it.
    pub dn: String,
    attributes: Vec<(String, Vec<Vec<u8>>)>,
}

impl Entry {
    #[cfg(test)]
    pub(crate) fn of(attribute: &str, value: &str) -> Entry {
        Entry { dn: "cn=test".into(), attributes: vec![(attribute.to_lowercase(), vec![value.into()])] }
    }

    /// Returns the values of an attribute, or none if the entry does not have it.
    pub(crate) fn values(&self, attribute: &str) -> &[Vec<u8>] {
        let name = attribute.to_lowercase();
        self.attributes.iter().find(|(key, _)| *key == name).map_or(&[], |(_, values)| values.as_slice())
    }

    /// Returns the values that are valid UTF-8.
    pub(crate) fn texts(&self, attribute: &str) -> Vec<String> {
        self.values(attribute).iter().filter_map(|value| String::from_utf8(value.clone()).ok()).collect()
    }

    /// Returns whether the entry contains only a part of the values. Active Directory does this with very long lists:
    /// `memberOf;range=0-1499`.
    pub(crate) fn is_partial(&self, attribute: &str) -> bool {
        let prefix = format!("{};range=", attribute.to_lowercase());
        self.attributes.iter().any(|(key, _)| key.starts_with(&prefix))
    }
}

impl From<ResultEntry> for Entry {
    fn from(row: ResultEntry) -> Entry {
        let SearchEntry { dn, attrs, bin_attrs } = SearchEntry::construct(row);
        let texts = attrs.into_iter().map(|(key, values)| (key, values.into_iter().map(String::into_bytes).collect()));
        let attributes = texts.chain(bin_attrs).map(|(key, values): (String, Vec<_>)| (key.to_lowercase(), values));
        Entry { dn, attributes: attributes.collect() }
    }
}

/// Searches on this connection. `timeout` applies to each operation.
pub(crate) async fn search(handle: &mut Handle, query: &Query, timeout: Duration) -> Result<Rows, Trouble> {
    let (found, patience) = match query.extent {
        Extent::AtMost(limit) => (tokio::time::timeout(timeout, few(handle, query, limit, timeout)).await, timeout),
        Extent::All => {
            let patience = timeout * PATIENCE;
            (tokio::time::timeout(patience, all(handle, query, timeout)).await, patience)
        }
    };
    let (rows, result) =
        found.map_err(|_| Trouble::timeout(patience))?.map_err(|error| Trouble::of_error(error, timeout))?;
    let cut_short = result.rc == SIZE_LIMIT_EXCEEDED && matches!(query.extent, Extent::AtMost(_));
    if result.rc != SUCCESS && !cut_short {
        return Err(if result.rc == SIZE_LIMIT_EXCEEDED { Trouble::cut_short() } else { Trouble::of_result(&result) });
    }
    // A row that is not an entry is a referral or an intermediate response.
    let entries = rows.into_iter().filter(|row| !row.is_ref() && !row.is_intermediate()).map(Entry::from).collect();
    Ok(Rows { entries, cut_short })
}

async fn few(
    handle: &mut Handle,
    query: &Query,
    limit: i32,
    timeout: Duration,
) -> Result<(Vec<ResultEntry>, LdapResult), LdapError> {
    let options = SearchOptions::new().sizelimit(limit);
    handle.with_timeout(timeout).with_search_options(options);
    let found = handle.search(&query.base, query.scope, &query.filter, query.attributes.clone()).await?;
    Ok((found.0, found.1))
}

async fn all(
    handle: &mut Handle,
    query: &Query,
    timeout: Duration,
) -> Result<(Vec<ResultEntry>, LdapResult), LdapError> {
    let adapters: Vec<Box<dyn Adapter<'_, String, Vec<String>>>> =
        vec![Box::new(EntriesOnly::new()), Box::new(PagedResults::new(PAGE))];
    let attributes = query.attributes.clone();
    let mut stream = handle
        .with_timeout(timeout)
        .streaming_search_with(adapters, &query.base, query.scope, &query.filter, attributes)
        .await?;
    let mut rows = Vec::new();
    while let Some(row) = stream.next().await? {
        rows.push(row);
    }
    // If the directory stops early, the stream ends without an error. Only the final result shows it.
    Ok((rows, stream.finish().await))
}
