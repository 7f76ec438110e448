//! Decisions about links: confirmed, rejected, undone; one successor, and one record of each source.

use super::*;
use decisions::record::Refusal;
use reenrollment::DecideError;

/// Grace's old phone, which she removed, and her new one. Returns the pair.
async fn pair(scene: &Scene) -> Pair {
    let phone = iphone("18.2");
    let mut old = enroll(scene, "grace", &phone).await;
    let record = own(&old);
    old.remove_mdm_profile().await.unwrap();
    let successor = id_of(&enroll(scene, "grace", &phone).await);
    assert_eq!(link(scene, successor).await.record, record);
    Pair { record, successor }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_confirmed_link_stays_until_it_is_undone_and_is_then_proposed_as_before() {
    let (scene, _clock) = stage().await;
    let pair = pair(&scene).await;
    let (reenrollment, context) = (&scene.server.app().reenrollment, operator(&scene));
    let before = link(&scene, pair.successor).await;
    reenrollment.confirm(pair, &context).await.unwrap();
    assert_eq!(link(&scene, pair.successor).await.state, LinkState::Confirmed);
    reenrollment.confirm(pair, &context).await.unwrap();
    assert!(matches!(reenrollment.reject(pair, &context).await, Err(DecideError::Refused(Refusal::Confirmed))));
    reenrollment.undo(pair, &context).await.unwrap();
    let after = link(&scene, pair.successor).await;
    assert_eq!(LinkRow { at: before.at, event: before.event, ..after }, before);
    reenrollment.reject(pair, &context).await.unwrap();
    assert_eq!(link(&scene, pair.successor).await.state, LinkState::Rejected);
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_confirmations_end_in_one_link() {
    let (scene, _clock) = stage().await;
    let phone = iphone("18.2");
    let mut records = Vec::new();
    for _ in 0..3 {
        let mut old = enroll(&scene, "grace", &phone).await;
        records.push(own(&old));
        old.remove_mdm_profile().await.unwrap();
    }
    let successor = id_of(&enroll(&scene, "grace", &phone).await);
    assert_eq!(links(&scene, successor).await.len(), 3);
    let (reenrollment, context) = (&scene.server.app().reenrollment, operator(&scene));
    let confirm = |record: &RecordId| reenrollment.confirm(Pair { record: *record, successor }, &context);
    let done = futures_util::future::join_all(records.iter().chain(&records).map(confirm)).await;
    let refused = done.iter().filter(|done| matches!(done, Err(DecideError::Taken(_)))).count();
    assert_eq!(refused, 4, "{done:?}");
    let told = links(&scene, successor).await;
    assert_eq!(told.iter().filter(|link| link.state == LinkState::Confirmed).count(), 1);
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_phone_may_stand_in_two_sources_and_once_in_each() {
    let (scene, _clock) = stage().await;
    let pair = pair(&scene).await;
    let person = person_of(&scene, pair.successor).await;
    let row = "1,\"iPhone14,5\",,15.7,2026-01-10,,\n2,\"iPhone14,5\",,15.7,2026-01-10,,\n";
    import(&scene, "Jamf Pro", row).await;
    let [one, two] = ["1", "2"].map(|id| scene.server.app().imports.record_id("Jamf Pro", id));
    for record in [one, two] {
        resolve(&scene, record, RecordOwner::Unique { person }).await;
    }
    assert_eq!(links(&scene, pair.successor).await.len(), 3);
    let (reenrollment, context) = (&scene.server.app().reenrollment, operator(&scene));
    reenrollment.confirm(pair, &context).await.unwrap();
    let of = |record| Pair { record, successor: pair.successor };
    reenrollment.confirm(of(one), &context).await.unwrap();
    assert!(matches!(reenrollment.confirm(of(two), &context).await, Err(DecideError::Taken(_))));
    reenrollment.undo(of(one), &context).await.unwrap();
    reenrollment.confirm(of(two), &context).await.unwrap();
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reservation_that_a_crash_left_behind_is_taken_over_after_a_minute() {
    let (scene, clock) = stage().await;
    let pair = pair(&scene).await;
    let app = scene.server.app();
    let name = app.platform.secrets.name("successor", &[&pair.successor.to_string(), ""]);
    let stream = StreamName::of("successor", name);
    let other = RecordId(app.platform.world.uuid());
    let reserve = decisions::successor::Command::Reserve { record: other, in_place_of: None };
    let context = operator(&scene);
    app.platform.perform::<decisions::successor::Successor>(&stream, &reserve, &context).await.unwrap();
    assert!(matches!(app.reenrollment.confirm(pair, &context).await, Err(DecideError::Taken(_))));
    clock.advance_seconds(61);
    app.reenrollment.confirm(pair, &context).await.unwrap();
    assert_eq!(link(&scene, pair.successor).await.state, LinkState::Confirmed);
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn links_are_the_same_after_the_projections_are_built_anew_and_after_a_restart() {
    let (mut scene, _clock) = stage().await;
    let pair = pair(&scene).await;
    scene.server.app().reenrollment.confirm(pair, &operator(&scene)).await.unwrap();
    let before = link(&scene, pair.successor).await;
    let data = scene.server.directory().join("data");
    scene.server.restart_after(|| projections::remove(&data).unwrap()).await;
    assert_eq!(link(&scene, pair.successor).await, before);
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proposal_that_no_longer_holds_is_withdrawn_instead_of_confirmed() {
    let (scene, _clock) = stage().await;
    let pair = pair(&scene).await;
    // Nothing looks at the links after a change of the settings.
    scene.server.settings(|settings| settings.reenrollment.most_records_by_person = 0).await;
    let confirmed = scene.server.app().reenrollment.confirm(pair, &operator(&scene)).await;
    assert!(matches!(confirmed, Err(DecideError::Refused(Refusal::NoLink))), "{confirmed:?}");
    assert_eq!(link(&scene, pair.successor).await.state, LinkState::Withdrawn);
    scene.strike().await;
}
