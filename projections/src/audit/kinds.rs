//! The kinds of events: what all events of a kind share.

use super::english::template;
use rusqlite::Connection;

/// A kind of events.
#[derive(Debug, Clone)]
pub(super) struct KindRow {
    pub id: i64,
    pub message: String,
    pub actor: String,
    pub reason: String,
    pub command: String,
    pub event_type: String,
    pub outcome: String,
    pub events: u64,
}

impl KindRow {
    /// Returns whether the word is a part of the type or of the fixed words of the sentence. `word`: in lower case.
    pub(super) fn says(&self, word: &str) -> bool {
        let own = [&self.event_type, &self.reason, &self.command].map(|text| text.to_lowercase());
        own.iter().any(|text| text.contains(word)) || template(&self.message).contains(word)
    }
}

pub(super) const KINDS: &str = "SELECT id, message, actor, reason, command, type, outcome, events FROM audit_kinds";

/// Returns all kinds: a few hundred.
pub(super) fn kinds(rows: &Connection) -> rusqlite::Result<Vec<KindRow>> {
    let mut select = rows.prepare_cached(KINDS)?;
    let kind = |row: &rusqlite::Row<'_>| {
        Ok(KindRow {
            id: row.get(0)?,
            message: row.get(1)?,
            actor: row.get(2)?,
            reason: row.get(3)?,
            command: row.get(4)?,
            event_type: row.get(5)?,
            outcome: row.get(6)?,
            events: row.get(7)?,
        })
    };
    select.query_map([], kind)?.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(message: &str, event_type: &str, reason: &str, command: &str) -> KindRow {
        let [message, event_type, reason, command] = [message, event_type, reason, command].map(str::to_owned);
        let (actor, outcome) = ("system".to_owned(), "ok".to_owned());
        KindRow { id: 1, message, actor, reason, command, event_type, outcome, events: 1 }
    }

    #[test]
    fn a_word_finds_a_kind_by_its_sentence_its_type_its_reason_and_its_command() {
        let kind = kind("command-failed", "MdmCommandAnswered", "wrong password", "InstallProfile");
        for word in ["failed", "answered", "mdmcommand", "password", "installpro"] {
            assert!(kind.says(word), "{word}");
        }
        for word in ["errors", "{command}", "acknowledged", "command-failed"] {
            assert!(!kind.says(word), "{word}: it is the name of a value, or of another kind");
        }
    }
}
