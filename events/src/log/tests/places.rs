//! Reading the events at some positions.

use super::memory::{append, log};
use crate::envelope::Position;
use crate::personal::KeyName;
use crate::store::ReadError;

#[tokio::test]
async fn the_events_at_positions_are_read_whether_near_or_far_and_a_corrupt_one_is_an_error_in_its_place() {
    let (log, store, _) = log();
    append(&log, 40, &KeyName("person-1".into()), "ada").await;
    store.damage(12);
    store.damage(30);
    let wanted: Vec<Position> = [1, 2, 5, 11, 12, 13, 30, 40, 41, 99].map(Position).into();
    let viewed = log.view_at(&wanted).await.unwrap();
    let read: Vec<u64> = viewed.iter().filter(|(_, entry)| entry.is_ok()).map(|(position, _)| position.0).collect();
    assert_eq!(read, [1, 2, 5, 11, 13, 40]);
    for (position, entry) in &viewed {
        match entry {
            Ok(entry) => assert_eq!(entry.position, *position),
            Err(error) => assert!(matches!(error, ReadError::Corrupt { position: at, .. } if *at == position.0)),
        }
    }
    assert_eq!(viewed.len(), 8, "there are no events at positions 41 and 99");
}
