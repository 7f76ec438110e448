//! Tests of an administrator's decision about two records with one UDID.

use super::*;
use harness::desk::{Browser, PASSWORD};
use std::sync::Arc;
use world::{Clock as _, ManualClock, SystemClock};

/// Sets up an unproven claim. Returns the devices and the ids of the earlier and the later record.
async fn pair(scene: &Scene) -> ([Device; 2], DeviceId, DeviceId) {
    let hardware = ipad("15.8");
    let devices = [enroll(scene, "ada", &hardware).await, enroll(scene, "bob", &hardware).await];
    let (old, new) = (id_of(&devices[0]), id_of(&devices[1]));
    noted(scene, new).await;
    scene.server.caught_up().await;
    (devices, old, new)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_device_is_one_record_from_then_on() {
    let (scene, _file) = stage(true).await;
    let ([mut before, mut after], old, new) = pair(&scene).await;
    let staff = Browser::signed_in(&scene.server, "grace", &[Privilege::Administrator]).await;
    let page = format!("/console/devices/{new}");
    let csrf = staff.get(&page).await.csrf();
    let path = format!("{page}/claims/{old}/same");
    let answer = staff.post(&path, &[("csrf", &csrf)]).await;
    assert!(answer.status == 303 && answer.location().starts_with(&page), "{}", answer.body);
    let said = staff.get(answer.location()).await.texts("main > .done").concat();
    assert!(said.contains("Decided: one device") && said.contains(&old.to_string()[..13]), "{said}");
    assert_eq!(superseded(&scene, old).await, Some((new, SupersessionEvidence::Administrator)));
    assert!(!staff.get(&page).await.body.contains("Hardware claim"), "nothing is left to decide");
    let told = staff.get(&format!("/console/devices/{old}")).await.body;
    assert!(told.contains("an administrator decided it"), "{told}");
    assert_eq!((polls(&mut before).await, polls(&mut after).await.is_ok()), (Err(403), true));
    // A second decision changes nothing, and the response says so.
    assert_eq!(staff.post(&path, &[("csrf", &csrf)]).await.status, 409);
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn different_devices_stay_two_records_and_the_mark_goes() {
    let (scene, _file) = stage(true).await;
    let ([mut before, mut after], old, new) = pair(&scene).await;
    let staff = Browser::signed_in(&scene.server, "grace", &[Privilege::Administrator]).await;
    // The decision starts from the page of the other record.
    let page = format!("/console/devices/{old}");
    let shown = staff.get(&page).await;
    let csrf = shown.csrf();
    let told = shown.texts("main").concat();
    for said in [
        "Is it the same device?",
        "end this, the earlier record",
        "This is the earlier record",
        "has not been requested",
    ] {
        assert!(told.contains(said), "{said}: {told}");
    }
    let answer = staff.post(&format!("{page}/claims/{new}/different"), &[("csrf", &csrf)]).await;
    assert_eq!(answer.status, 303, "{}", answer.body);
    let said = staff.get(answer.location()).await.texts("main > .done").concat();
    assert!(said.contains("Decided: different devices"), "{said}");
    assert!(events(&scene, new).await.contains(&DeviceEvent::HardwareClaimDismissed { other: old }));
    for path in [page, format!("/console/devices/{new}"), "/console/devices".into()] {
        assert!(!staff.get(&path).await.body.contains("Hardware claim"), "{path}");
    }
    assert!(polls(&mut before).await.is_ok() && polls(&mut after).await.is_ok());
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_only_looks_or_proved_themself_long_ago_decides_nothing() {
    let clock = Arc::new(ManualClock::at(SystemClock.now()));
    let (scene, _file) = stage_in(World::at(clock.clone()), true).await;
    let (_devices, old, new) = pair(&scene).await;
    let path = format!("/console/devices/{new}/claims/{old}/same");
    let auditor = Browser::signed_in(&scene.server, "edith", &[Privilege::Auditor]).await;
    let page = auditor.get(&format!("/console/devices/{new}")).await;
    assert!(page.body.contains("Claims the same hardware as"));
    assert_eq!(page.texts("main form[method=post]"), Vec::<String>::new());
    assert_eq!(auditor.post(&path, &[("csrf", &page.csrf())]).await.status, 403);
    let staff = Browser::signed_in(&scene.server, "grace", &[Privilege::Administrator]).await;
    clock.advance_seconds(10 * 60);
    let csrf = staff.get(&format!("/console/devices/{new}")).await.csrf();
    let answer = staff.post(&path, &[("csrf", &csrf)]).await;
    assert_eq!(answer.texts("h1"), ["Confirm it’s you"], "{}", answer.body);
    let about = answer.texts(".about").concat();
    for named in ["The earlier record: ".to_owned(), old.to_string()[..13].to_owned(), new.to_string()[..13].to_owned()]
    {
        assert!(about.contains(&named), "{named}: {about}");
    }
    assert_eq!(superseded(&scene, old).await, None);
    // After the confirmation, the page shows the decision, which is still to be made.
    let mut fields = answer.hidden();
    fields.push(("password".to_owned(), PASSWORD.to_owned()));
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let proven = staff.post("/console/confirm/password", &fields).await;
    assert!(proven.body.contains("Nothing has been done yet") && proven.body.contains(&path), "{}", proven.body);
    assert_eq!(superseded(&scene, old).await, None);
    assert_eq!(staff.post(&path, &[("csrf", &proven.csrf())]).await.status, 303);
    assert!(superseded(&scene, old).await.is_some());
    scene.strike().await;
}
