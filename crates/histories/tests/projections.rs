//! The projections over the histories of an organization: what is folded while the events come equals what is built
//! again from the log.

use events::store::StoreLifecycle as _;
use histories::{Installation, Plan, write};
use projections::Projections;
use std::collections::BTreeSet;

/// Number of devices. The log is longer than what is folded in place.
const DEVICES: u32 = 1_500;

/// Tables that no history fills, each with the reason.
const EMPTY: [(&str, &str); 3] = [
    ("commands_apps", "too rare among so few devices"),
    ("commands_following", "too rare among so few devices"),
    ("mails_notices", "every notice is sent or given up"),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_projection_that_is_built_again_equals_the_one_that_followed_the_histories() {
    let directory = tempfile::tempdir().unwrap();
    let mut installation = Installation::create(directory.path()).await.unwrap();
    let log = installation.log();
    let head = log.store().head().await.unwrap();
    let projections = Projections::open(directory.path(), head).unwrap().0;
    let run = tokio::spawn({
        let (projections, log) = (projections.clone(), log.clone());
        async move { projections.run(log).await.unwrap() }
    });
    write(&mut installation, Plan::of(DEVICES), |_, _| {}).await.unwrap();
    let head = log.store().head().await.unwrap().unwrap();
    projections.wait_for(head).await.unwrap();
    let health = projections.health();
    assert!(health.stopped_alone.is_empty(), "{:?}", health.stopped_alone);
    let dump = projections.dump().await.unwrap();
    let empty: BTreeSet<&str> =
        dump.iter().filter(|table| table.rows.is_empty()).map(|table| table.table.as_str()).collect();
    assert_eq!(empty, BTreeSet::from(EMPTY.map(|(table, _)| table)), "tables whose rows this test does not compare");

    let rebuilt = projections.rebuild(&log).await.unwrap();
    assert_eq!((rebuilt.changed, rebuilt.failed.len(), rebuilt.position), (Some(vec![]), 0, Some(head)));

    // Without any rows, the same ones are built beside.
    drop(projections);
    run.abort();
    let elsewhere = tempfile::tempdir().unwrap();
    let anew = Projections::open(elsewhere.path(), Some(head)).unwrap().0;
    assert!(anew.path_of("devices").is_none(), "the log is too long to be folded in place");
    let rebuilt = anew.rebuild(&log).await.unwrap();
    assert!(rebuilt.failed.is_empty(), "{:?}", rebuilt.failed);
    assert!(anew.dump().await.unwrap() == dump, "the rows differ");
    installation.store().close().await;
}
