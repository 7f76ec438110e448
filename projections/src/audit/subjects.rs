//! Finds subjects by what a person types, and the lists with the rows of a subject.

use super::ids::key_of;
use super::list::{Column, List};
use super::search::MOST_LISTS;
use rusqlite::{Connection, Row, params};

pub(super) const OWNED: &str = "SELECT id, typeof(key) = 'text' FROM audit_subjects WHERE owner = ?1 LIMIT ?2";

/// Returns the lists that contain each row of a person: rows that name them, and those of their devices and accounts.
pub(super) fn lists_of_person(rows: &Connection, person: i64) -> rusqlite::Result<Vec<List>> {
    let mut lists = vec![List::of(Column::Person, person)];
    let mut owned = rows.prepare_cached(OWNED)?;
    // An account has a name, a device an id.
    let list = |row: &Row<'_>| {
        let column = if row.get(1)? { Column::Account } else { Column::Device };
        Ok(List::of(column, row.get(0)?))
    };
    for owned in owned.query_map(params![person, MOST_LISTS], list)? {
        lists.push(owned?);
    }
    Ok(lists)
}

/// Returns the lists that contain each row of a subject: of which it is the device, the actor or the person, or whose
/// stream is its own.
pub(super) fn lists_about(rows: &Connection, subject: i64) -> rusqlite::Result<Vec<List>> {
    let columns = [Column::Device, Column::Actor, Column::Account, Column::Stream];
    let mut lists: Vec<List> = columns.map(|column| List::of(column, subject)).into();
    lists.extend(lists_of_person(rows, subject)?);
    Ok(lists)
}

/// Returns the number of a help code in the form of `short_code`.
pub(super) fn number(code: &str) -> Option<i64> {
    const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let value = |digit: u8| DIGITS.iter().position(|known| *known == digit);
    let digits = code.bytes().filter(|digit| *digit != b'-');
    digits.map(value).try_fold(0_i64, |number, digit| Some(number * 32 + i64::try_from(digit?).ok()?))
}

/// Number of subjects that the end of an id finds at most.
const MOST_ENDS: usize = 50;

/// Returns the devices and other subjects whose ids have this help code.
pub(super) fn with_code(rows: &Connection, code: &str) -> rusqlite::Result<Vec<i64>> {
    let Some(number) = number(code) else { return Ok(Vec::new()) };
    let [low, second, third, fourth, ..] = number.to_le_bytes();
    let mut found = Vec::new();
    // The two upper bits of the fourth byte are not in the code.
    for upper in 0..4 {
        found.extend(beginning_with(rows, &[low, second, third, fourth | (upper << 6)])?);
    }
    Ok(found)
}

/// Returns the subjects whose ids end with these hexadecimal digits.
pub(super) fn ended_by(rows: &Connection, digits: &str) -> rusqlite::Result<Vec<i64>> {
    let Ok(number) = u64::from_str_radix(digits, 16) else { return Ok(Vec::new()) };
    let whole = digits.len() / 2;
    let found = beginning_with(rows, &number.to_le_bytes()[..whole])?;
    let mut ended = Vec::new();
    for subject in found {
        let id = key_of(rows, subject)?.uuid().map(|id| id.simple().to_string());
        ended.extend(id.filter(|id| id.ends_with(digits)).map(|_| subject));
    }
    Ok(ended)
}

pub(super) const BEGINNING: &str = "SELECT id FROM audit_subjects WHERE key BETWEEN ?1 AND ?2 LIMIT ?3";

fn beginning_with(rows: &Connection, prefix: &[u8]) -> rusqlite::Result<Vec<i64>> {
    let (mut least, mut greatest) = ([0; 16], [u8::MAX; 16]);
    least[..prefix.len()].copy_from_slice(prefix);
    greatest[..prefix.len()].copy_from_slice(prefix);
    let mut select = rows.prepare_cached(BEGINNING)?;
    select.query_map(params![least, greatest, MOST_ENDS], |row| row.get(0))?.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use events::enrollment::short_code;

    #[test]
    fn a_help_code_is_the_number_of_its_lowest_bits() {
        for bits in [0, 0x21, 0x3fff_ffff, 0x1234_5678] {
            assert_eq!(number(&short_code(bits)), i64::try_from(bits).ok(), "{bits:x}");
        }
        assert_eq!(number("denied"), None);
    }
}
