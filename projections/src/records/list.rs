//! The list of previous records, with its filters.

use super::query::{COLUMNS, RecordRow, record_of};
use crate::{ProjectionError, Projections, like};
use events::record::{ImportId, PreviousKind, RecordId};
use rusqlite::{Connection, ToSql};

/// What is known about the owner of a record, as a filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnerOutcome {
    Unique,
    Account,
    Unknown,
    Several,
    Left,
    Unresolved,
}

impl OwnerOutcome {
    pub const ALL: [OwnerOutcome; 6] = [
        OwnerOutcome::Unique,
        OwnerOutcome::Account,
        OwnerOutcome::Unknown,
        OwnerOutcome::Several,
        OwnerOutcome::Left,
        OwnerOutcome::Unresolved,
    ];

    /// Returns the word of [`events::record::RecordOwner`], or `unresolved`.
    pub fn as_str(self) -> &'static str {
        match self {
            OwnerOutcome::Unique => "unique",
            OwnerOutcome::Account => "account",
            OwnerOutcome::Unknown => "unknown",
            OwnerOutcome::Several => "several",
            OwnerOutcome::Left => "left",
            OwnerOutcome::Unresolved => "unresolved",
        }
    }

    /// Parses the word of [`OwnerOutcome::as_str`]; `None` for any other text.
    pub fn parse(word: &str) -> Option<OwnerOutcome> {
        OwnerOutcome::ALL.into_iter().find(|outcome| outcome.as_str() == word)
    }
}

/// Which records are listed, by whether their device has enrolled again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retired {
    /// No link of the record is confirmed.
    No,
    /// A link is confirmed.
    Yes,
    /// A link is confirmed, and it is proven that the record may be retired.
    Proven,
}

impl Retired {
    fn as_str(self) -> &'static str {
        match self {
            Retired::No => "no",
            Retired::Yes => "yes",
            Retired::Proven => "proven",
        }
    }
}

/// Filter for previous records. All given values must match.
#[derive(Debug, Clone, Default)]
pub struct RecordFilter {
    /// Found in a name, an identifier, the mail address or the model.
    pub text: Option<String>,
    pub source: Option<String>,
    pub kind: Option<PreviousKind>,
    pub owner: Option<OwnerOutcome>,
    /// Whether the source no longer has the record.
    pub missing: Option<bool>,
    pub retired: Option<Retired>,
    /// Created, changed or missed by this import.
    pub import: Option<ImportId>,
    /// Continue after this record.
    pub after: Option<RecordId>,
}

/// A page of the list.
#[derive(Debug, Clone)]
pub struct Listed {
    pub records: Vec<RecordRow>,
    /// Pass this as [`RecordFilter::after`] to get the next page.
    pub next: Option<RecordId>,
}

const CONDITION: &str = "(:source IS NULL OR source = :source) AND (:kind IS NULL OR kind = :kind)
    AND (:owner IS NULL OR coalesce(owner, 'unresolved') = :owner)
    AND (:missing IS NULL OR (missing IS NOT NULL) = :missing)
    AND (:retired IS NULL OR (:retired <> 'no') = EXISTS (SELECT 1 FROM records_retired x
        WHERE x.record = records_current.record AND (x.proven OR :retired <> 'proven')))
    AND (:import IS NULL OR EXISTS (
        SELECT 1 FROM records_touched t WHERE t.import = :import AND t.record = records_current.record))
    AND (:text IS NULL OR lower(coalesce(user_name, '') || char(10) || coalesce(serial_number, '') || char(10)
        || coalesce(device_name, '') || char(10) || coalesce(full_name, '') || char(10) || coalesce(mail, '') || char(10)
        || coalesce(asset_tag, '') || char(10) || coalesce(model_name, '') || char(10) || coalesce(product_name, '')
        || char(10) || coalesce(udid, '') || char(10) || coalesce(source_id, '') || char(10) || record)
        LIKE :text ESCAPE '\\')";

const LATEST_FIRST: &str = "(:after IS NULL OR (coalesce(last_contact, 0), record)
        < (SELECT coalesce(o.last_contact, 0), o.record FROM records_current o WHERE o.record = :after))
    ORDER BY coalesce(last_contact, 0) DESC, record DESC LIMIT :limit";

const BY_ID: &str = "(:after IS NULL OR record > :after) ORDER BY record LIMIT :limit";

/// Returns up to `limit` records that match, the one with the latest contact first.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn list(projections: &Projections, filter: RecordFilter, limit: usize) -> Result<Listed, ProjectionError> {
    projections.read_of("records", move |rows| list_in(rows, &filter, LATEST_FIRST, limit)).await
}

/// Returns up to `limit` records that match, in order of their ids. Unlike the order of [`list`], this one does not
/// change while an import runs: somebody who reads all pages reads each record once.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn by_id(projections: &Projections, filter: RecordFilter, limit: usize) -> Result<Listed, ProjectionError> {
    projections.read_of("records", move |rows| list_in(rows, &filter, BY_ID, limit)).await
}

/// Returns the number of records that match.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn count(projections: &Projections, filter: RecordFilter) -> Result<u64, ProjectionError> {
    projections
        .read_of("records", move |rows| {
            let select = format!("SELECT count(*) FROM records_current WHERE {CONDITION}");
            let bound = Bound::of(&filter);
            rows.prepare_cached(&select)?.query_row(&bound.named()[..], |row| row.get(0))
        })
        .await
}

/// The values of a filter as the condition compares them.
struct Bound<'a> {
    source: Option<&'a str>,
    kind: Option<&'static str>,
    owner: Option<&'static str>,
    missing: Option<bool>,
    retired: Option<&'static str>,
    import: Option<String>,
    text: Option<String>,
}

impl Bound<'_> {
    fn of(filter: &RecordFilter) -> Bound<'_> {
        Bound {
            source: filter.source.as_deref(),
            kind: filter.kind.map(PreviousKind::as_str),
            owner: filter.owner.map(OwnerOutcome::as_str),
            missing: filter.missing,
            retired: filter.retired.map(Retired::as_str),
            import: filter.import.map(|import| import.to_string()),
            text: filter.text.as_deref().map(like),
        }
    }

    fn named(&self) -> [(&'static str, &dyn ToSql); 7] {
        [
            (":source", &self.source),
            (":kind", &self.kind),
            (":owner", &self.owner),
            (":missing", &self.missing),
            (":retired", &self.retired),
            (":import", &self.import),
            (":text", &self.text),
        ]
    }
}

fn list_in(rows: &Connection, filter: &RecordFilter, order: &str, limit: usize) -> rusqlite::Result<Listed> {
    let bound = Bound::of(filter);
    let after = filter.after.map(|after| after.to_string());
    // One row more than requested shows whether there is another page.
    let fetch = i64::try_from(limit.saturating_add(1)).unwrap_or(i64::MAX);
    let page: [(&str, &dyn ToSql); 2] = [(":after", &after), (":limit", &fetch)];
    let select = format!("SELECT {COLUMNS} FROM records_current WHERE {CONDITION} AND {order}");
    let mut statement = rows.prepare_cached(&select)?;
    let mut records =
        statement.query_map(&[&bound.named()[..], &page].concat()[..], record_of)?.collect::<Result<Vec<_>, _>>()?;
    let next = if records.len() > limit {
        records.truncate(limit);
        records.last().map(|record| record.record)
    } else {
        None
    };
    Ok(Listed { records, next })
}

/// Returns whether there is a record with this id.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn is_known(projections: &Projections, record: RecordId) -> Result<bool, ProjectionError> {
    projections
        .read_of("records", move |rows| {
            let select = "SELECT EXISTS (SELECT 1 FROM records_current WHERE record = ?1)";
            rows.prepare_cached(select)?.query_row([record.to_string()], |row| row.get(0))
        })
        .await
}

/// Returns the names of the sources of imports that are not undone.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn live_sources(projections: &Projections) -> Result<Vec<String>, ProjectionError> {
    projections
        .read_of("records", |rows| {
            let select = "SELECT DISTINCT source FROM records_imports WHERE undone = 0";
            rows.prepare_cached(select)?.query_map([], |row| row.get(0))?.collect()
        })
        .await
}

/// Returns the names of all sources of imports, sorted.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn sources(projections: &Projections) -> Result<Vec<String>, ProjectionError> {
    projections
        .read_of("records", |rows| {
            let select = "SELECT DISTINCT source FROM records_imports ORDER BY source";
            rows.prepare_cached(select)?.query_map([], |row| row.get(0))?.collect()
        })
        .await
}
