//! Records of a closed migration whose owner never enrolled are shredded some days later, and no others.

use super::*;
use events::migration::MigrationEvent;
use harness::waiting::until;
use projections::records::{RecordFilter, RecordRow, list as listed};

const SOURCE: &str = "Jamf Pro";

fn row(id: &str) -> String {
    format!("{id},\"iPhone14,5\",iPhone 13,15.7,2026-01-10,2021-09-30,F2LX{id}\n")
}

async fn rows(scene: &Scene) -> Vec<RecordRow> {
    scene.server.reacted().await;
    listed(&scene.server.app().platform.projections, RecordFilter::default(), 1_000).await.unwrap().records
}

async fn shredded(scene: &Scene) -> Vec<RecordId> {
    rows(scene).await.into_iter().filter(|row| row.is_erased).map(|row| row.record).collect()
}

async fn progress(scene: &Scene) -> Vec<u64> {
    let events = scene.server.events_of("migration").await.into_iter();
    let count = |event| match event {
        Event::Migration(MigrationEvent::MigrationRecordsShredded { count, .. }) => Some(count),
        _ => None,
    };
    events.filter_map(count).collect()
}

async fn days_pass(scene: &Scene, clock: &ManualClock, days: i64) {
    clock.advance_seconds(days * DAY);
    scene.server.timer_looked().await;
    scene.server.timer_looked().await;
    scene.server.reacted().await;
}

/// A server that shreds two days after the end, with one imported record.
async fn closed(rows: &str) -> (Scene, Arc<ManualClock>) {
    let (scene, clock) = stage().await;
    scene.server.settings(|settings| settings.reenrollment.shred_after_days = 2).await;
    import(&scene, SOURCE, rows).await;
    (scene, clock)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_enrolled_again_is_shredded_and_neither_what_is_linked_nor_what_its_owner_may_still_need() {
    let (scene, clock) = closed(&["1", "2", "3", "4"].map(row).concat()).await;
    let [nobodys, confirmed, proposed, rejected] = ["1", "2", "3", "4"].map(|id| record(&scene, SOURCE, id));
    let new = id_of(&enroll(&scene, "grace", &iphone("18.2")).await);
    let person = person_of(&scene, new).await;
    for record in [confirmed, proposed, rejected] {
        resolve(&scene, record, RecordOwner::Unique { person }).await;
    }
    scene.server.reacted().await;
    let (reenrollment, context) = (&scene.server.app().reenrollment, operator(&scene));
    reenrollment.confirm(Pair { record: confirmed, successor: new }, &context).await.unwrap();
    reenrollment.reject(Pair { record: rejected, successor: new }, &context).await.unwrap();
    assert!(reenrollment.close(SOURCE, &context).await.unwrap());
    days_pass(&scene, &clock, 1).await;
    assert_eq!(shredded(&scene).await, [], "the day has not come");
    days_pass(&scene, &clock, 2).await;
    until("the shredding", async || shredded(&scene).await == [nobodys]).await;
    assert_eq!(progress(&scene).await, [1]);
    let is_there = |record: RecordId| scene.server.app().platform.keys.key(&record.key()).unwrap().is_there();
    assert!(!is_there(nobodys) && [confirmed, proposed, rejected].into_iter().all(is_there));
    let gone = rows(&scene).await.into_iter().find(|row| row.record == nobodys).unwrap();
    assert_eq!((gone.serial_number, gone.device_name, gone.owner), (None, None, None));
    // As after an erasure, the row does not come back with the next export, and the others are as they were.
    let again = import(&scene, SOURCE, &["1", "2"].map(row).concat()).await;
    assert_eq!((again.counts.new, again.counts.erased, again.counts.unchanged), (0, 1, 1));
    assert_eq!(shredded(&scene).await, [nobodys]);
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_that_is_reopened_in_time_loses_nothing() {
    let (scene, clock) = closed(&row("1")).await;
    let (reenrollment, context) = (&scene.server.app().reenrollment, operator(&scene));
    reenrollment.close(SOURCE, &context).await.unwrap();
    days_pass(&scene, &clock, 1).await;
    assert!(reenrollment.reopen(SOURCE, &context).await.unwrap());
    days_pass(&scene, &clock, 5).await;
    assert_eq!((shredded(&scene).await, progress(&scene).await), (vec![], vec![]));
    // Closed again, the days count from then on.
    reenrollment.close(SOURCE, &context).await.unwrap();
    days_pass(&scene, &clock, 1).await;
    assert_eq!(shredded(&scene).await, []);
    days_pass(&scene, &clock, 2).await;
    until("the shredding", async || shredded(&scene).await.len() == 1).await;
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_records_are_shredded_page_by_page_and_later_ones_and_those_of_other_sources_stay() {
    let (scene, clock) = closed(&(0..205).map(|id| row(&id.to_string())).collect::<String>()).await;
    import(&scene, "Intune", &row("1")).await;
    let context = operator(&scene);
    scene.server.app().reenrollment.close(SOURCE, &context).await.unwrap();
    clock.advance_seconds(60);
    let late: String = (300..310).map(|id| row(&id.to_string())).collect();
    import(&scene, SOURCE, &((0..205).map(|id| row(&id.to_string())).collect::<String>() + &late)).await;
    days_pass(&scene, &clock, 3).await;
    until("the last page", async || progress(&scene).await.iter().sum::<u64>() == 205).await;
    assert_eq!(shredded(&scene).await.len(), 205, "what was imported after the end is no part of it");
    assert!(progress(&scene).await.len() >= 2, "one page is at most 200 records");
    let before = scene.server.whole_log().await.len();
    days_pass(&scene, &clock, 1).await;
    let after = scene.server.events_of("migration").await.len();
    assert_eq!(after, 1 + progress(&scene).await.len(), "nothing is left to look at: {before}");
    scene.strike().await;
}
