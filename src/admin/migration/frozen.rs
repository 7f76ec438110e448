//! The list of records that a rehearsal showed, frozen for the action. The list is in the page as an authenticated
//! token, so that the action applies to exactly the records that the staff member saw
//! (docs/decisions/25-a-bulk-command-acts-on-the-list-that-its-page-carries.md).

use crate::admin::session::{May, Writes};
use events::record::RecordId;
use openssl::sha::sha256;
use projections::migration::BoardRow;
use uuid::Uuid;

/// Lifetime of a list; afterwards the staff member must rehearse again.
const GOOD_FOR_SECONDS: i64 = 15 * 60;
const PURPOSE: &str = "migration-list";

/// Maximum number of records in one list: each is checked against its own stream.
pub(super) const AT_MOST: usize = 500;

/// Context of a list, which is valid only for the same session and action. `what`: the action with its parameters.
pub(super) struct Frozen<'a, P> {
    pub(super) staff: &'a May<P>,
    pub(super) what: &'a str,
}

/// A record of the list, with a hash of what was shown of it.
pub(super) struct Shown {
    pub(super) record: RecordId,
    looks: String,
}

impl<P: Writes> Frozen<'_, P> {
    /// Returns the list as a token for the page's form.
    pub(super) fn seal<'r>(&self, rows: impl IntoIterator<Item = &'r BoardRow>) -> String {
        let list: Vec<String> = rows.into_iter().map(|row| format!("{}:{}", row.record, looks(row))).collect();
        let expires = self.staff.now().0 / 1_000_000 + GOOD_FOR_SECONDS;
        let session = self.staff.session.id.to_string();
        self.staff.app().platform.secrets.link(PURPOSE, &[&list.join(","), &session, self.what], expires)
    }

    /// Returns the list of a form, or `None` if the token belongs to another context or has expired.
    pub(super) fn open(&self, sealed: &str) -> Option<Vec<Shown>> {
        let secrets = &self.staff.app().platform.secrets;
        let ([list, session, what], _) = secrets.open_link::<3>(sealed, PURPOSE, self.staff.now())?;
        if session != self.staff.session.id.to_string() || what != self.what {
            return None;
        }
        list.split(',').filter(|one| !one.is_empty()).map(Shown::parse).collect()
    }
}

impl Shown {
    fn parse(text: &str) -> Option<Shown> {
        let (record, looks) = text.split_once(':')?;
        Some(Shown { record: RecordId(Uuid::parse_str(record).ok()?), looks: looks.to_owned() })
    }

    /// Returns whether the record still is what was shown: same state, exception, owner and device.
    pub(super) fn still_is(&self, row: &BoardRow) -> bool {
        looks(row) == self.looks
    }
}

fn looks(row: &BoardRow) -> String {
    let BoardRow { state, exception, owner, device_name, successor, .. } = row;
    let shown = format!("{:?}", (state, exception, owner, device_name, successor));
    hex::encode(&sha256(shown.as_bytes())[..8])
}
