//! Records of other products.

use super::*;
use decisions::record::Refusal;
use events::record::LinkProof;
use harness::waiting::until;
use reenrollment::DecideError;

/// A row of an iPhone 13, in contact until this day.
fn row(id: &str, contact: &str) -> String {
    format!("{id},\"iPhone14,5\",iPhone 13,15.7,{contact},2021-09-30,\n")
}

/// Grace has enrolled a phone once and removed it, so that the server knows her. Returns who she is.
async fn known(scene: &Scene) -> PersonId {
    let ipad = Hardware::new(Family::IPad, "18.2".parse().unwrap());
    let mut device = enroll(scene, "grace", &ipad).await;
    let person = person_of(scene, id_of(&device)).await;
    device.remove_mdm_profile().await.unwrap();
    person
}

#[tokio::test(flavor = "multi_thread")]
async fn the_record_of_another_product_is_proposed_to_its_owner_and_may_be_retired() {
    let (scene, _clock) = stage().await;
    let person = known(&scene).await;
    import(&scene, "Jamf Pro", &row("1", "2026-01-10")).await;
    let old = record(&scene, "Jamf Pro", "1");
    resolve(&scene, old, RecordOwner::Unique { person }).await;
    for ios in WAYS {
        let new = enroll(&scene, "grace", &iphone(ios)).await;
        let link = links(&scene, id_of(&new)).await.into_iter().find(|link| link.record == old).unwrap();
        assert_eq!((link.band, link.score), (LinkBand::Weak, 6), "iOS {ios}");
        assert!(link.proof.may_be_retired && !link.proof.is_same_device, "iOS {ios}");
        let mut new = new;
        new.remove_mdm_profile().await.unwrap();
    }
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_unique_owner_leads_to_a_proposal_and_a_lost_one_withdraws_it() {
    let (scene, _clock) = stage().await;
    let person = known(&scene).await;
    import(&scene, "Jamf Pro", &(row("1", "2026-01-10") + &row("2", "2026-01-10") + &row("3", "2026-01-10"))).await;
    let [one, two, three] = ["1", "2", "3"].map(|id| record(&scene, "Jamf Pro", id));
    resolve(&scene, one, RecordOwner::Several {}).await;
    resolve(&scene, two, RecordOwner::Left {}).await;
    resolve(&scene, three, RecordOwner::Unique { person }).await;
    let new = id_of(&enroll(&scene, "grace", &iphone("18.2")).await);
    assert_eq!(link(&scene, new).await.record, three);
    resolve(&scene, three, RecordOwner::Several {}).await;
    let withdrawn = link(&scene, new).await;
    assert_eq!((withdrawn.state, withdrawn.band), (LinkState::Withdrawn, LinkBand::None), "{withdrawn:?}");
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_after_people_enrolled_is_worked_in_for_the_only_owner_and_from_each_source() {
    let (scene, _clock) = stage().await;
    let mut phones = Vec::new();
    for (ios, person) in TRAVELERS {
        let new = id_of(&enroll(&scene, person, &iphone(ios)).await);
        assert_eq!(links(&scene, new).await, []);
        phones.push((ios, new, person_of(&scene, new).await));
    }
    let rows = |kind: &str| WAYS.map(|ios| row(&format!("{kind} {ios}"), "2026-01-10")).concat();
    import(&scene, "Jamf Pro", &(rows("unique") + &rows("several") + &rows("left"))).await;
    import(&scene, "Intune", &rows("unique")).await;
    for (ios, new, person) in phones {
        let unique = RecordOwner::Unique { person };
        let of = |source: &str, kind: &str| record(&scene, source, &format!("{kind} {ios}"));
        resolve(&scene, of("Jamf Pro", "several"), RecordOwner::Several {}).await;
        resolve(&scene, of("Jamf Pro", "left"), RecordOwner::Left {}).await;
        let both = [of("Jamf Pro", "unique"), of("Intune", "unique")];
        for old in both {
            resolve(&scene, old, unique).await;
        }
        let told = links(&scene, new).await;
        assert_eq!(told.len(), 2, "iOS {ios}: {told:?}");
        for link in told {
            assert!(both.contains(&link.record), "iOS {ios}: {link:?}");
            assert_eq!((link.state, link.band, link.score), (LinkState::Proposed, LinkBand::Weak, 6), "iOS {ios}");
        }
    }
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_older_than_the_enrollment_says_nothing_and_a_newer_one_answers() {
    let (scene, clock) = stage().await;
    let person = known(&scene).await;
    import(&scene, "Jamf Pro", &row("1", "2026-01-10")).await;
    let old = record(&scene, "Jamf Pro", "1");
    resolve(&scene, old, RecordOwner::Unique { person }).await;
    let new = id_of(&enroll(&scene, "grace", &iphone("18.2")).await);
    assert_eq!(link(&scene, new).await.band, LinkBand::Weak);
    ask_silence(&scene, &clock).await;
    let unknown = link(&scene, new).await;
    assert_eq!(unknown.silence, Some(events::record::Silence::Unknown {}));
    assert_eq!(unknown.band, LinkBand::Weak, "unknown is never silent");
    // Another device of the export was in contact after the enrollment, so the export is newer.
    let later = clock.now().to_rfc3339();
    import(&scene, "Jamf Pro", &(row("1", "2026-01-10") + &row("2", &later))).await;
    until("the answer", async || is_silent(&link(&scene, new).await)).await;
    assert_eq!(link(&scene, new).await.band, LinkBand::Weak, "a phone that was replaced is silent, too");
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_record_that_is_in_contact_after_the_enrollment_is_another_phone() {
    let (scene, clock) = stage().await;
    let person = known(&scene).await;
    import(&scene, "Jamf Pro", &row("1", "2026-01-10")).await;
    let old = record(&scene, "Jamf Pro", "1");
    resolve(&scene, old, RecordOwner::Unique { person }).await;
    let new = id_of(&enroll(&scene, "grace", &iphone("18.2")).await);
    assert_eq!(link(&scene, new).await.state, LinkState::Proposed);
    // Times of other products can be off by a day.
    clock.advance_seconds(2 * DAY);
    let later = clock.now().to_rfc3339();
    import(&scene, "Jamf Pro", &row("1", &later)).await;
    let withdrawn = link(&scene, new).await;
    assert_eq!(withdrawn.state, LinkState::Withdrawn);
    assert!(matches!(evidence(&withdrawn).last(), Some(LinkEvidence::HeardAfter { .. })), "{withdrawn:?}");
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_that_is_undone_withdraws_its_proposals() {
    let (scene, _clock) = stage().await;
    let person = known(&scene).await;
    let finished = import(&scene, "Jamf Pro", &row("1", "2026-01-10")).await;
    let old = record(&scene, "Jamf Pro", "1");
    resolve(&scene, old, RecordOwner::Unique { person }).await;
    let new = id_of(&enroll(&scene, "grace", &iphone("18.2")).await);
    assert_eq!(link(&scene, new).await.state, LinkState::Proposed);
    scene.server.app().imports.undo(finished.import.unwrap(), &operator(&scene)).await.unwrap();
    assert_eq!(link(&scene, new).await.state, LinkState::Withdrawn);
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_whose_record_is_gone_proves_nothing_and_cannot_be_confirmed_again() {
    let (scene, _clock) = stage().await;
    let person = known(&scene).await;
    let finished = import(&scene, "Jamf Pro", &row("1", "2026-01-10")).await;
    let old = record(&scene, "Jamf Pro", "1");
    resolve(&scene, old, RecordOwner::Unique { person }).await;
    let new = id_of(&enroll(&scene, "grace", &iphone("18.2")).await);
    let (app, pair) = (scene.server.app(), Pair { record: old, successor: new });
    assert!(link(&scene, new).await.proof.may_be_retired);
    app.reenrollment.confirm(pair, &operator(&scene)).await.unwrap();
    app.imports.undo(finished.import.unwrap(), &operator(&scene)).await.unwrap();
    let confirmed = link(&scene, new).await;
    assert_eq!((confirmed.state, confirmed.proof), (LinkState::Confirmed, LinkProof::default()), "{confirmed:?}");
    app.reenrollment.undo(pair, &operator(&scene)).await.unwrap();
    let refused = app.reenrollment.confirm(pair, &operator(&scene)).await;
    assert!(matches!(refused, Err(DecideError::Refused(Refusal::NoLink))), "{refused:?}");
    assert_eq!(link(&scene, new).await.state, LinkState::Withdrawn);
    import(&scene, "Jamf Pro", &row("1", "2026-01-10")).await;
    resolve(&scene, old, RecordOwner::Unique { person }).await;
    assert_eq!(link(&scene, new).await.state, LinkState::Proposed, "the record is back");
    app.reenrollment.confirm(pair, &operator(&scene)).await.unwrap();
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_in_the_future_is_no_contact_and_makes_no_export_newer() {
    let (scene, clock) = stage().await;
    let person = known(&scene).await;
    import(&scene, "Jamf Pro", &row("1", "2026-01-10")).await;
    let old = record(&scene, "Jamf Pro", "1");
    resolve(&scene, old, RecordOwner::Unique { person }).await;
    let new = id_of(&enroll(&scene, "grace", &iphone("18.2")).await);
    ask_silence(&scene, &clock).await;
    import(&scene, "Jamf Pro", &(row("1", "2026-01-10") + &row("2", "2098-01-01"))).await;
    scene.server.reacted().await;
    assert_eq!(link(&scene, new).await.silence, Some(events::record::Silence::Unknown {}));
    import(&scene, "Jamf Pro", &(row("1", "2098-01-01") + &row("2", "2098-01-01"))).await;
    let link = link(&scene, new).await;
    assert_eq!((link.state, link.band), (LinkState::Proposed, LinkBand::Weak), "{link:?}");
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_unknown_again_when_the_import_that_gave_it_is_undone() {
    let (scene, clock) = stage().await;
    let person = known(&scene).await;
    import(&scene, "Jamf Pro", &row("1", "2026-01-10")).await;
    let old = record(&scene, "Jamf Pro", "1");
    resolve(&scene, old, RecordOwner::Unique { person }).await;
    let new = id_of(&enroll(&scene, "grace", &iphone("18.2")).await);
    ask_silence(&scene, &clock).await;
    let later = clock.now().to_rfc3339();
    let finished = import(&scene, "Jamf Pro", &(row("1", "2026-01-10") + &row("2", &later))).await;
    until("the answer", async || is_silent(&link(&scene, new).await)).await;
    scene.server.app().imports.undo(finished.import.unwrap(), &operator(&scene)).await.unwrap();
    until("the question", async || link(&scene, new).await.silence == Some(events::record::Silence::Unknown {})).await;
    assert_eq!(link(&scene, new).await.band, LinkBand::Weak);
    scene.strike().await;
}
