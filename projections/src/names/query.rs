//! Searches names by a part of them.

use crate::{ProjectionError, Projections};
use rusqlite::{Connection, params};
use std::collections::BTreeSet;
use uuid::Uuid;

/// Subjects with a name that contains a word.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct FoundNames {
    /// Without duplicates.
    pub subjects: Vec<Uuid>,
    /// Whether there are others.
    pub more: bool,
}

pub(super) const OWN: &str = "SELECT id, name FROM names_known WHERE subject = ?1 AND owner = ?1";
pub(super) const OF_DEVICES: &str = "SELECT id, name FROM names_known WHERE owner = ?1 AND owner <> subject";

pub(super) const EXACT: &str = "SELECT s.uuid FROM names_known k JOIN names_subjects s ON s.id = k.subject
    WHERE k.name = ?1 ORDER BY k.id LIMIT ?2";
pub(super) const BEGINNING: &str = "SELECT s.uuid FROM names_known k JOIN names_subjects s ON s.id = k.subject
    WHERE k.name >= ?1 AND k.name < ?2 ORDER BY k.name, k.id LIMIT ?3";
pub(super) const CONTAINING: &str = "SELECT s.uuid, k.name FROM names_index i JOIN names_known k ON k.id = i.rowid
    JOIN names_subjects s ON s.id = k.subject WHERE names_index MATCH ?1 ORDER BY i.rowid LIMIT ?2";

/// Number of names with all trigrams of a word that are examined for each name that is wanted.
const EXAMINED: usize = 10;

/// Returns up to `most` subjects with a name that contains `word`, which is in lower case: those named exactly so
/// first, then in the order of the log. A word of less than 3 characters finds names that begin with it, in the order
/// of the names. Names with all trigrams of the word in other places count as examined: at most 10 for each wanted.
///
/// # Errors
/// Returns an error if the projection cannot be read.
pub(crate) async fn search(projections: &Projections, word: &str, most: usize) -> Result<FoundNames, ProjectionError> {
    let word = word.to_owned();
    projections.read_of("names", move |rows| find(rows, &word, most)).await
}

fn find(rows: &Connection, word: &str, most: usize) -> rusqlite::Result<FoundNames> {
    let mut found = Gathered::default();
    let mut exact = rows.prepare_cached(EXACT)?;
    for subject in exact.query_map(params![word, most + 1], |row| row.get::<_, [u8; 16]>(0))? {
        found.add(Uuid::from_bytes(subject?));
    }
    match trigrams(word) {
        Some(trigrams) => {
            let mut containing = rows.prepare_cached(CONTAINING)?;
            let limit = (most + 1) * EXAMINED;
            let named = containing.query_map(params![trigrams, limit], |row| Ok((row.get(0)?, row.get(1)?)))?;
            for named in named {
                let (subject, name): ([u8; 16], String) = named?;
                if found.subjects.len() > most {
                    break;
                }
                if name.contains(word) {
                    found.add(Uuid::from_bytes(subject));
                }
            }
        }
        None => {
            let mut beginning = rows.prepare_cached(BEGINNING)?;
            let end = format!("{word}{}", char::MAX);
            let named = beginning.query_map(params![word, end, most + 1], |row| row.get::<_, [u8; 16]>(0))?;
            for subject in named {
                found.add(Uuid::from_bytes(subject?));
            }
        }
    }
    let more = found.subjects.len() > most;
    found.subjects.truncate(most);
    Ok(FoundNames { subjects: found.subjects, more })
}

#[derive(Default)]
struct Gathered {
    subjects: Vec<Uuid>,
    known: BTreeSet<Uuid>,
}

impl Gathered {
    fn add(&mut self, subject: Uuid) {
        if self.known.insert(subject) {
            self.subjects.push(subject);
        }
    }
}

// Returns the query for names with all trigrams of the word; `None` if it has none. The index does not know the places
// of trigrams.
fn trigrams(word: &str) -> Option<String> {
    let characters: Vec<char> = word.chars().collect();
    let quoted = |three: &[char]| format!("\"{}\"", three.iter().collect::<String>().replace('"', "\"\""));
    let all: BTreeSet<String> = characters.windows(3).map(quoted).collect();
    (!all.is_empty()).then(|| all.into_iter().collect::<Vec<_>>().join(" AND "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_searched_by_its_trigrams_and_a_short_one_has_none() {
        assert_eq!(trigrams("adad").as_deref(), Some("\"ada\" AND \"dad\""));
        assert_eq!(trigrams("a\"b").as_deref(), Some("\"a\"\"b\""));
        assert_eq!(trigrams("王伟"), None);
    }
}
