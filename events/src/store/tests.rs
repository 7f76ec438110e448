//! Tests of the store's errors for the caller: whether waiting helps, and what an operator has to do.

use super::{AppendError, Corruption, Damaged, ReadError};
use crate::envelope::{Revision, StreamName};
use crate::personal::KeyName;

fn stream() -> StreamName {
    StreamName::of("device", 1)
}

fn corrupt(damaged: Damaged) -> ReadError {
    ReadError::Corrupt { stream: stream().to_string(), revision: 3, position: 7, damaged, why: "it is missing".into() }
}

#[test]
fn damage_holds_up_one_stream_and_what_may_pass_is_no_damage() {
    let damage = [
        AppendError::DamagedKey("key".into()),
        AppendError::Corrupt { stream: stream(), revision: Revision(3), why: "it is missing".into() },
    ];
    let passing = [
        AppendError::Conflict { stream: stream(), current: None },
        AppendError::Unknown("disk".into()),
        AppendError::Unavailable("closed".into()),
        AppendError::TooLarge { bytes: 2, limit: 1 },
    ];
    assert!(damage.iter().all(AppendError::is_damage) && !passing.iter().any(AppendError::is_damage));
    assert!(corrupt(Damaged::Event).is_damage() && !ReadError::Unavailable("closed".into()).is_damage());
}

#[test]
fn a_corrupt_event_is_told_with_its_place() {
    let found = Corruption {
        stream: "device-1".into(),
        revision: 3,
        position: 7,
        damaged: Damaged::Page,
        why: "it is missing".into(),
    };
    assert_eq!(corrupt(Damaged::Page).corruption(), Some(found));
    assert_eq!(ReadError::Unavailable("closed".into()).corruption(), None);
}

#[test]
fn a_conflict_says_where_the_stream_stands() {
    let conflict = |current| AppendError::Conflict { stream: stream(), current }.to_string();
    assert_eq!(conflict(Some(Revision(4))), "stream device-1 is at revision 4, not as expected");
    assert_eq!(conflict(None), "stream device-1 is at its beginning, not as expected");
}

#[test]
fn a_damaged_log_is_restored_from_a_backup_and_a_damaged_key_says_itself_what_to_do() {
    for damaged in [Damaged::Event, Damaged::Page] {
        assert!(damaged.remedy().is_some_and(|remedy| remedy.contains("muster restore")), "{damaged:?}");
    }
    for damaged in [Damaged::Key(KeyName::of("person", 1)), Damaged::KeyStore] {
        assert_eq!(damaged.remedy(), None);
    }
    let key = Corruption::of_key(&KeyName::of("person", 1));
    assert_eq!((key.damaged, key.position), (Damaged::Key(KeyName::of("person", 1)), 0));
    assert!(key.why.contains("restore the newest keys.db"), "{}", key.why);
}
