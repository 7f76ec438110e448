//! Lists and counts of the board: filters, pages and what filters can choose from.

use super::*;
use projections::migration::{BoardFilter, Choices, Contact, WaveChoice, by_id, choices, count, counts, list};
use projections::records::OwnerOutcome;
use std::collections::BTreeSet;

async fn found(board: &Board, filter: BoardFilter) -> Vec<RecordId> {
    let projections = board.folded().await;
    let listed = list(projections, filter.clone(), 100).await.unwrap();
    assert_eq!(listed.next, None);
    let mut ids: Vec<RecordId> = listed.rows.iter().map(|row| row.record).collect();
    ids.sort_unstable();
    let in_order: Vec<RecordId> =
        by_id(projections, filter.clone(), 100).await.unwrap().rows.iter().map(|row| row.record).collect();
    assert_eq!(ids, in_order);
    assert_eq!(count(projections, filter.clone()).await.unwrap(), u64::try_from(ids.len()).unwrap());
    // The number of each state is the length of its list.
    let numbers = counts(projections, filter.clone()).await.unwrap();
    for state in MigrationState::ALL {
        let of_state = BoardFilter { state: Some(state), ..filter.clone() };
        let length = list(projections, of_state, 100).await.unwrap().rows.len();
        assert_eq!(numbers.get(&state).copied().unwrap_or_default(), u64::try_from(length).unwrap(), "{state:?}");
    }
    ids
}

/// Four records that differ in everything that can be filtered by.
async fn four() -> Board {
    let board = Board::new().await;
    board.import(1, unique(1), NOON).await;
    board.desk.write(&person(1).stream(), NOON, known(person(1), "ada")).await;
    board.import(2, Some(RecordOwner::Several {}), later(10)).await;
    let other = RecordDetails {
        site: None,
        product_name: None,
        model_name: Some("iPhone SE".into()),
        last_contact: None,
        ..details(3)
    };
    let event = RecordEvent::PreviousRecordImported {
        import: import(1),
        source: "Intune".into(),
        details: Box::new(other),
        owner_keys: vec![],
        names: vec![],
        owner: None,
    };
    board.note(record(3), 20, event).await;
    let device = board.desk.enroll(4, person(4), "eve", later(30)).await;
    board.desk.write(&wave(1).stream(), later(40), begun("Pilot")).await;
    let records = vec![RecordId::of_device(device)];
    board.desk.write(&wave(1).stream(), later(40), WaveEvent::WaveRecordsAdded { records }).await;
    board.invite(1, 50, issued(Some(record(2)), Some(wave(1)))).await;
    board
}

#[tokio::test]
async fn each_filter_finds_its_records() {
    let board = four().await;
    let own = RecordId::of_device(DeviceId(Uuid::from_u128(0x1004)));
    let all = BoardFilter::default;
    let day_ago = later(-DAY);
    let between = |from, until| Some(Contact::Between { from, until });
    for (filter, expected) in [
        (all(), vec![own, record(1), record(2), record(3)]),
        (BoardFilter { source: Some("Intune".into()), ..all() }, vec![record(3)]),
        (BoardFilter { source: Some("Muster".into()), ..all() }, vec![own]),
        (BoardFilter { site: Some("Graz".into()), ..all() }, vec![record(1), record(2)]),
        (BoardFilter { models: vec!["iPhone SE".into(), "iPhone14,7".into()], ..all() }, vec![own, record(3)]),
        (BoardFilter { owner: Some(OwnerOutcome::Several), ..all() }, vec![record(2)]),
        (BoardFilter { owner: Some(OwnerOutcome::Unresolved), ..all() }, vec![record(3)]),
        (BoardFilter { user_name: Some("ADA".into()), ..all() }, vec![record(1)]),
        (BoardFilter { user_name: Some("user2".into()), ..all() }, vec![record(2)]),
        (BoardFilter { user_name: Some("user".into()), ..all() }, vec![]),
        (BoardFilter { wave: Some(wave(1)), ..all() }, vec![own, record(2)]),
        (BoardFilter { state: Some(MigrationState::Invited), ..all() }, vec![record(2)]),
        (BoardFilter { contact: Some(Contact::Unknown), ..all() }, vec![record(3)]),
        (BoardFilter { contact: between(None, Some(NOON)), ..all() }, vec![record(1), record(2)]),
        (BoardFilter { contact: between(Some(NOON), None), ..all() }, vec![own]),
        (BoardFilter { contact: between(Some(day_ago), Some(day_ago)), ..all() }, vec![]),
        (BoardFilter { contact: between(Some(day_ago), Some(NOON)), ..all() }, vec![record(1), record(2)]),
        (BoardFilter { removed_until: Some(later(DAY)), ..all() }, vec![]),
        (BoardFilter { source: Some("Jamf Pro".into()), wave: Some(wave(1)), ..all() }, vec![record(2)]),
    ] {
        assert_eq!(found(&board, filter.clone()).await, expected, "{filter:?}");
    }
}

#[tokio::test]
async fn the_age_of_an_enrollment_of_this_installation_counts_its_last_poll() {
    let board = four().await;
    let device = DeviceId(Uuid::from_u128(0x1004));
    let projections = board.folded().await;
    projections::last_seen::touch(projections, device, later(5 * DAY));
    projections::last_seen::write(projections).await.unwrap();
    let since = BoardFilter {
        contact: Some(Contact::Between { from: Some(later(4 * DAY)), until: None }),
        ..BoardFilter::default()
    };
    assert_eq!(found(&board, since).await, [RecordId::of_device(device)]);
    assert_eq!(row(projections, RecordId::of_device(device)).await.unwrap().last_contact, Some(later(5 * DAY)));
}

#[tokio::test]
async fn the_pages_have_each_record_once_also_if_many_changed_at_once() {
    let board = Board::new().await;
    for nth in 1..=23 {
        // Three at a time have the same instant.
        board.import(nth, unique(nth), later(i64::try_from(nth).unwrap() / 3)).await;
    }
    let projections = board.folded().await;
    for in_order_of_ids in [false, true] {
        let (mut seen, mut filter, mut pages) = (Vec::new(), BoardFilter::default(), 0);
        loop {
            let page = match in_order_of_ids {
                true => by_id(projections, filter.clone(), 5).await.unwrap(),
                false => list(projections, filter.clone(), 5).await.unwrap(),
            };
            seen.extend(page.rows.iter().map(|row| (row.since, row.record)));
            pages += 1;
            match page.next {
                Some(next) => filter.after = Some(next),
                None => break,
            }
        }
        assert_eq!((pages, seen.len()), (5, 23));
        assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), 23);
        if !in_order_of_ids {
            assert!(seen.is_sorted_by(|one, next| one > next), "the latest change first: {seen:?}");
        }
    }
}

#[tokio::test]
async fn the_filters_can_choose_from_what_there_is() {
    let board = four().await;
    let told = choices(board.folded().await).await.unwrap();
    let expected = Choices {
        sources: vec!["Intune".into(), "Jamf Pro".into(), "Muster".into()],
        sites: vec!["Graz".into()],
        models: vec!["iPhone SE".into(), "iPhone12,1".into(), "iPhone14,7".into()],
        waves: vec![WaveChoice { wave: wave(1), name: "Pilot".into() }],
    };
    assert_eq!(told, expected);
}
