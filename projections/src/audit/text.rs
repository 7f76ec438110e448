//! Searches by words. A word stands for kinds of events and for subjects.

use super::found::positions;
use super::ids::{Key, known};
use super::kinds::KindRow;
use super::list::{Column, List, Union};
use super::search::Clause;
use super::subjects::{ended_by, lists_about, number, with_code};
use super::test::{Test, Word};
use crate::{ProjectionError, Projections, names};
use events::Event;
use events::enrollment::parse_short_code;
use rusqlite::Connection;
use uuid::Uuid;

/// Number of words of a text that are searched.
pub const MOST_WORDS: usize = 8;

/// Number of names and ids that a word finds at most.
pub const MOST_NAMES: usize = 200;

/// Number of hexadecimal digits from which on a word can be the end of an id, as pages show it.
const END_OF_AN_ID: usize = 8;

/// A word of a text, and the people, staff and devices whose names contain it.
#[derive(Debug, Clone)]
pub(super) struct Named {
    word: String,
    subjects: Vec<Uuid>,
    /// Whether more names contain it.
    pub more: bool,
}

/// Looks up the names that contain the words of a text.
pub(super) async fn named(projections: &Projections, text: Option<&str>) -> Result<Vec<Named>, ProjectionError> {
    let mut all: Vec<Named> = Vec::new();
    for word in text.unwrap_or_default().split_whitespace().map(str::to_lowercase) {
        if all.len() < MOST_WORDS && all.iter().all(|known| known.word != word) {
            let found = names::search(projections, &word, MOST_NAMES).await?;
            all.push(Named { word, subjects: found.subjects, more: found.more });
        }
    }
    Ok(all)
}

impl Named {
    pub(super) fn word(&self) -> &str {
        &self.word
    }
}

/// Returns the condition that a row is about one of the things that the word stands for.
pub(super) fn clause(rows: &Connection, kinds: &[KindRow], named: &Named) -> rusqlite::Result<Clause> {
    let mut word = Word::default();
    word.kinds.extend(kinds.iter().filter(|kind| kind.says(&named.word)).map(|kind| kind.id));
    for subject in &named.subjects {
        word.subjects.extend(known(rows, &Key::Id(*subject))?);
    }
    identified(rows, &named.word, &mut word)?;
    let union = union(rows, &word)?;
    Ok(Clause::new(union, Test::Word(word)))
}

// The word itself may be an id, the end of one, the name of a stream or of an actor, or a help code.
fn identified(rows: &Connection, word: &str, found: &mut Word) -> rusqlite::Result<()> {
    let stream = word.split_once('-').filter(|(category, _)| Event::CATEGORIES.contains(category));
    let id = stream.map_or(word, |(_, id)| id);
    found.subjects.extend(known(rows, &Key::of(id))?);
    if let Ok(event) = Uuid::parse_str(id) {
        found.positions = positions(rows, event)?;
    }
    if let Some(code) = parse_short_code(word) {
        found.code = number(&code);
        found.subjects.extend(with_code(rows, &code)?);
    }
    if (END_OF_AN_ID..=12).contains(&word.len()) && word.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        let ends = ended_by(rows, word)?;
        found.subjects.extend(ends);
    }
    Ok(())
}

fn union(rows: &Connection, word: &Word) -> rusqlite::Result<Union> {
    let mut union = Union::of(Column::Kind, word.kinds.iter().copied());
    union.lists.extend(word.code.map(|code| List::of(Column::Code, code)));
    union.fixed.clone_from(&word.positions);
    for subject in &word.subjects {
        union.lists.extend(lists_about(rows, *subject)?);
    }
    Ok(union)
}
