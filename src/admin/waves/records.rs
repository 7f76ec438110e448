//! The records of a wave that is about to begin, frozen between its pages: what was rehearsed is what is begun.

use crate::admin::session::{Invites, May};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use events::record::RecordId;
use openssl::sha::sha256;
use std::collections::BTreeSet;
use uuid::Uuid;

/// Maximum number of records of one form. A larger wave is begun as several.
pub(crate) const MOST: usize = 20_000;
/// Lifetime of a list in seconds; afterwards the wave must be rehearsed again.
const GOOD_FOR_SECONDS: i64 = 15 * 60;
const PURPOSE: &str = "wave-records";
/// Bytes of a record's id.
const ID: usize = 16;

/// Records in the order in which their owners are invited, each once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Records(pub(super) Vec<RecordId>);

impl Records {
    /// Reads ids that are separated by white space, commas or semicolons.
    pub(super) fn typed(text: &str) -> Result<Records, String> {
        let separated = |c: char| c.is_whitespace() || c == ',' || c == ';';
        let mut seen = BTreeSet::new();
        let mut records = Vec::new();
        for word in text.split(separated).filter(|word| !word.is_empty()) {
            let shown: String = word.chars().take(40).collect();
            let id = Uuid::parse_str(word).map_err(|_| format!("“{shown}” is not the id of a record."))?;
            if seen.insert(id) {
                records.push(RecordId(id));
            }
        }
        Records(records).within()
    }

    /// Takes records that another page has chosen, each once.
    pub(super) fn chosen(mut records: Vec<RecordId>) -> Result<Records, String> {
        let mut seen = BTreeSet::new();
        records.retain(|record| seen.insert(*record));
        Records(records).within()
    }

    /// Reads what [`Records::written`] wrote.
    pub(super) fn read(text: &str) -> Option<Records> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (ids, rest) = bytes.as_chunks::<ID>();
        let records = rest.is_empty().then(|| ids.iter().map(|id| RecordId(Uuid::from_bytes(*id))).collect())?;
        Records(records).within().ok()
    }

    fn within(self) -> Result<Records, String> {
        match self.0.len() {
            0 => Err("Choose at least one record.".to_owned()),
            1..=MOST => Ok(self),
            _ => Err("These are too many records. One form accepts at most 20,000: begin several waves.".to_owned()),
        }
    }

    pub(super) fn written(&self) -> String {
        let bytes: Vec<u8> = self.0.iter().flat_map(|record| *record.0.as_bytes()).collect();
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Returns the list as a token that is valid only for this staff member, form and plan.
    pub(super) fn sealed(&self, staff: &May<Invites>, request: Uuid, plan: &str) -> String {
        let [session, request, plan] = bound(staff, request, plan);
        let expires = staff.now().0 / 1_000_000 + GOOD_FOR_SECONDS;
        staff.app().platform.secrets.link(PURPOSE, &[&self.written(), &session, &request, &plan], expires)
    }

    /// Returns the list of a form; `None` if the token belongs to something else or has expired.
    pub(super) fn open(sealed: &str, staff: &May<Invites>, request: Uuid, plan: &str) -> Option<Records> {
        let secrets = &staff.app().platform.secrets;
        let ([list, of @ ..], _) = secrets.open_link::<4>(sealed, PURPOSE, staff.now())?;
        let is_bound = of == bound(staff, request, plan).each_ref().map(String::as_str);
        Records::read(list).filter(|_| is_bound)
    }
}

fn bound(staff: &May<Invites>, request: Uuid, plan: &str) -> [String; 3] {
    [staff.session.id.to_string(), request.to_string(), hex::encode(sha256(plan.as_bytes()))]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typed_ids_are_read_once_each_in_their_order() {
        let [one, two] = [1, 2].map(|nth| Uuid::from_u128(nth).to_string());
        let read = Records::typed(&format!("{two},\n{one}; {two}")).unwrap();
        assert_eq!(read.0, [2, 1].map(|nth| RecordId(Uuid::from_u128(nth))));
        assert_eq!(Records::read(&read.written()), Some(read));
        for wrong in ["", " ,;", "x", &format!("{one} y")] {
            assert!(Records::typed(wrong).is_err(), "{wrong:?}");
        }
        for wrong in ["", "AA", "=", "****"] {
            assert_eq!(Records::read(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn a_list_that_is_too_long_is_refused() {
        let ids = |count: usize| Records((0..count).map(|nth| RecordId(Uuid::from_u128(nth as u128))).collect());
        assert!(Records::read(&ids(MOST).written()).is_some());
        assert!(Records::read(&ids(MOST + 1).written()).is_none());
    }
}
