//! Counts of all devices by their properties, kept in the fold.

use super::numbers::major;
use rusqlite::{Connection, OptionalExtension as _, params};

/// A property by which devices are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Facet {
    State,
    Kind,
    Ownership,
    /// `ProductName`.
    Model,
    /// Major version of the OS.
    OsMajor,
    Archived,
}

impl Facet {
    pub const ALL: [Facet; 6] =
        [Facet::State, Facet::Kind, Facet::Ownership, Facet::Model, Facet::OsMajor, Facet::Archived];

    pub(super) fn code(self) -> i64 {
        match self {
            Facet::State => 1,
            Facet::Kind => 2,
            Facet::Ownership => 3,
            Facet::Model => 4,
            Facet::OsMajor => 5,
            Facet::Archived => 6,
        }
    }
}

/// What one device contributes to the kept counts. Nothing before its first message.
#[derive(PartialEq, Eq)]
pub(super) struct Counted(Option<(bool, Vec<(Facet, String)>)>);

impl Counted {
    /// Returns whether the counts depend on a column.
    pub(super) fn depends_on(column: &str) -> bool {
        ["phase", "archived", "kind", "ownership", "product_name", "os"].contains(&column)
    }

    pub(super) fn of(rows: &Connection, n: i64) -> rusqlite::Result<Counted> {
        let select = "SELECT phase, kind, ownership, product_name, os, archived FROM devices_current WHERE n = ?1";
        rows.prepare_cached(select)?.query_row([n], |row| {
            let text =
                |column: usize| Ok::<_, rusqlite::Error>(row.get::<_, Option<String>>(column)?.unwrap_or_default());
            let Some(state) = row.get::<_, Option<String>>(0)? else { return Ok(Counted(None)) };
            let os = row.get::<_, Option<i64>>(4)?.map(|os| major(os).to_string()).unwrap_or_default();
            let is_archived = row.get::<_, Option<bool>>(5)?.unwrap_or(false);
            let of = vec![
                (Facet::State, state),
                (Facet::Kind, text(1)?),
                (Facet::Ownership, text(2)?),
                (Facet::Model, text(3)?),
                (Facet::OsMajor, os),
                (Facet::Archived, is_archived.to_string()),
            ];
            Ok(Counted(Some((is_archived, of))))
        })
    }

    /// Changes the kept counts from this contribution to another one.
    pub(super) fn becomes(&self, after: &Counted, rows: &Connection) -> rusqlite::Result<()> {
        let values = |counted: &Counted| -> Vec<(bool, Facet, String)> {
            let of = counted.0.iter();
            of.flat_map(|(archived, of)| of.iter().map(|(facet, value)| (*archived, *facet, value.clone()))).collect()
        };
        let (before, after) = (values(self), values(after));
        for gone in before.iter().filter(|value| !after.contains(value)) {
            add(rows, gone, -1)?;
        }
        for new in after.iter().filter(|value| !before.contains(value)) {
            add(rows, new, 1)?;
        }
        Ok(())
    }
}

fn add(rows: &Connection, (archived, facet, value): &(bool, Facet, String), by: i64) -> rusqlite::Result<()> {
    let upsert = "INSERT INTO devices_counts (facet, archived, value, count) VALUES (?1, ?2, ?3, ?4)
        ON CONFLICT (facet, archived, value) DO UPDATE SET count = count + excluded.count RETURNING count";
    let row = params![facet.code(), archived, value, by];
    let count: i64 = rows.prepare_cached(upsert)?.query_row(row, |row| row.get(0))?;
    if count == 0 {
        let delete = "DELETE FROM devices_counts WHERE facet = ?1 AND archived = ?2 AND value = ?3";
        rows.prepare_cached(delete)?.execute(params![facet.code(), archived, value])?;
    }
    Ok(())
}

/// Returns the kept number of devices with a value of a column.
pub(super) fn kept(rows: &Connection, column: &str, value: &str) -> rusqlite::Result<i64> {
    let facet = match column {
        "phase" => Facet::State,
        "kind" => Facet::Kind,
        _ => Facet::Ownership,
    };
    let select = "SELECT count FROM devices_counts WHERE facet = ?1 AND archived = ?2 AND value = ?3";
    let mut select = rows.prepare_cached(select)?;
    let mut count = 0;
    for archived in [false, true] {
        let of = params![facet.code(), archived, value];
        count += select.query_row(of, |row| row.get::<_, i64>(0)).optional()?.unwrap_or(0);
    }
    Ok(count)
}
