//! A record as a row of the board.

use super::words;
use crate::admin::devices::href as device_href;
use crate::admin::lineage;
use crate::admin::links;
use crate::admin::query::Query;
use crate::admin::records;
use crate::admin::session::{SeesInventory, Staff, is_permitted};
use crate::admin::words::{Chip, Day, NONE, capital, model};
use events::record::RecordId;
use names::visible;
use projections::migration::{BoardRow, MigrationState};
use projections::records::OwnerOutcome;
use serde::Serialize;

#[derive(Serialize)]
pub(super) struct Line {
    pub(super) id: String,
    pub(super) href: Option<String>,
    pub(super) label: String,
    pub(super) model: Option<String>,
    pub(super) source: String,
    pub(super) site: Option<String>,
    pub(super) owner: String,
    /// Only if the owner is not one known person.
    pub(super) outcome: Option<Chip>,
    pub(super) person_href: Option<String>,
    pub(super) contact: Option<Day>,
    pub(super) wave: Option<String>,
    pub(super) state: Chip,
    pub(super) since: Day,
    pub(super) reason: Option<String>,
    /// Page of the proposal or of the device, with its label.
    pub(super) next_href: Option<String>,
    pub(super) next: &'static str,
}

// Two contents: a page has many of them, and with every content of each, the tests of pages would be slow.
#[cfg(test)]
impl crate::web::content::Content for Line {
    fn count() -> usize {
        2
    }

    fn nth(nth: usize) -> Line {
        let text = || String::nth(0);
        let perhaps = || (nth == 0).then(text);
        Line {
            id: text(),
            href: perhaps(),
            label: text(),
            model: perhaps(),
            source: text(),
            site: perhaps(),
            owner: text(),
            outcome: (nth == 0).then(|| Chip::nth(0)),
            person_href: perhaps(),
            contact: (nth == 0).then(|| Day::nth(0)),
            wave: perhaps(),
            state: Chip::nth(0),
            since: Day::nth(0),
            reason: perhaps(),
            next_href: perhaps(),
            next: "Device",
        }
    }
}

pub(super) fn line(row: &BoardRow, staff: &Staff) -> Line {
    let now = staff.now();
    let models = [row.model_name.as_deref(), row.product_name.as_deref()];
    let label = records::words::label(row.device_name.as_deref(), models, row.record);
    let known = model(row.product_name.as_deref()).or_else(|| row.model_name.clone());
    let (next, next_href) = next(row, staff);
    let is_one = matches!(row.owner.outcome, OwnerOutcome::Unique);
    Line {
        id: row.record.to_string(),
        href: href(row.record, staff),
        model: visible::name(known.as_deref()).filter(|name| *name != label),
        label,
        source: row.source.clone(),
        site: row.site.clone(),
        owner: owner(row),
        outcome: (!is_one).then(|| records::words::owner(row.owner.outcome)),
        person_href: row.owner.person.map(|person| lineage::person_href(person, None)),
        contact: row.last_contact.map(|at| Day::of(at, now)),
        wave: row.wave_name.clone(),
        state: words::chip(row.state),
        since: Day::of(row.since, now),
        reason: row.exception.filter(|_| row.state == MigrationState::Exception).map(|why| capital(why.name())),
        next_href,
        next,
    }
}

pub(super) fn href(record: RecordId, staff: &Staff) -> Option<String> {
    match record.is_imported() {
        true => Some(records::href(record)),
        false => lineage::href(record.device(), staff, None),
    }
}

pub(super) fn owner(row: &BoardRow) -> String {
    let names = [row.owner.name.as_deref(), row.owner.user_name.as_deref()];
    let unknown = if row.owner.is_erased { "(erased)" } else { NONE };
    names.into_iter().find_map(visible::name).unwrap_or_else(|| unknown.to_owned())
}

// What a staff member does next with the record, or the device that it became.
fn next(row: &BoardRow, staff: &Staff) -> (&'static str, Option<String>) {
    if row.state == MigrationState::ToConfirm {
        let query = Query::default().with("record", Some(&row.record.to_string()));
        return ("Decide", Some(query.href(links::PATH)));
    }
    let device = row.successor.filter(|_| is_permitted::<SeesInventory>(&staff.roles));
    ("Device", device.map(|device| device_href(device, None)))
}
