//! At the portal, before any profile is offered.

use super::*;
use harness::cast::{Visitor, id_of};
use simulator::model::Family;

#[tokio::test(flavor = "multi_thread")]
async fn who_was_enrolled_with_another_product_reads_what_to_do_first_and_is_asked() {
    let scene = Scene::set().await;
    let record = record_of_ada(&scene, OLD_PHONE).await;
    let (mut guest, page) = at_the_page(&scene, "17.5").await;
    let wanted = [
        "iPhone 13",
        "Enrolled in 2021 with Jamf Pro",
        "Old profile for personal devices",
        "It is this iPhone",
        "Wi-Fi, mail and certificates",
        "in a later step",
        "VPN & Device Management",
        "MDM Profile",
        "Remove Management",
    ];
    reads(&page.body, &wanted);
    assert_eq!(found(&scene).await, [(1, 1)]);
    let answer = answer(record);
    let page = guest.post("/enroll/previous", &[(answer.as_str(), "this_device")]).await;
    assert_eq!(page.status, 200);
    reads(
        &page.body,
        &[
            "Is the old management removed from this iPhone?",
            "iPhone 13",
            "Remove Management",
            "It is removed: continue",
        ],
    );
    assert_eq!(said(&scene).await, [], "the person has not continued");
    let removed = [(answer.as_str(), "this_device"), ("removed", "yes")];
    assert_eq!(guest.post("/enroll/previous", &removed).await.led_to(), Some("/enroll/ownership"));
    assert_eq!(said(&scene).await, [(record, PreviousAnswer::ThisDevice)]);
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_says_that_it_is_another_device_or_gone_or_nothing_is_not_asked_about_a_removal() {
    let scene = Scene::set().await;
    let record = record_of_ada(&scene, OLD_PHONE).await;
    let answer = answer(record);
    for fields in [&[(answer.as_str(), "another_device")][..], &[(answer.as_str(), "no_longer_have")], &[]] {
        let (mut guest, _) = at_the_page(&scene, "17.5").await;
        assert_eq!(guest.post("/enroll/previous", fields).await.led_to(), Some("/enroll/ownership"));
    }
    let told = [(record, PreviousAnswer::AnotherDevice), (record, PreviousAnswer::NoLongerHave)];
    assert_eq!(said(&scene).await, told);
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_notices_that_a_device_of_ours_checked_out_and_no_longer_asks_for_its_removal() {
    let scene = Scene::set().await;
    let mut old = scene.enroll(Visitor::institutional(Family::IPhone, "17.5")).await;
    scene.server.caught_up().await;
    let record = RecordId::of_device(id_of(&old));
    let (mut guest, page) = at_the_page(&scene, "17.5").await;
    reads(&page.body, &["Enrolled here on", "Profile that manages the whole device", "Remove Management"]);
    let answer = answer(record);
    let fields = [(answer.as_str(), "this_device")];
    assert_eq!(guest.post("/enroll/previous", &fields).await.status, 200, "it is managed still");
    old.remove_mdm_profile().await.unwrap();
    let page = guest.get("/enroll/previous").await;
    reads(&page.body, &["Its management is removed", "The old management is removed. You can continue."]);
    assert!(!page.body.contains("Remove Management") && !page.body.contains("Wi-Fi"), "{}", page.body);
    assert_eq!(guest.post("/enroll/previous", &fields).await.led_to(), Some("/enroll/ownership"));
    assert_eq!(said(&scene).await, [(record, PreviousAnswer::ThisDevice)]);
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_taps_are_those_of_the_version_the_old_kind_and_the_language() {
    let scene = Scene::set().await;
    record_of_ada(&scene, OLD_PHONE).await;
    let page = async |user_agent: &str, language: &str| {
        let mut guest = Guest::new(&scene.server, user_agent);
        guest.languages = language.into();
        guest.sign_in("ada", PASSWORD).await;
        guest.get("/enroll/previous").await.body
    };
    let old = page(&iphone("12.1"), "en").await;
    reads(&old, &["General › Device Management", "Profiles & Device Management", "MDM Profile"]);
    let new = page(&iphone("15.0"), "en").await;
    reads(&new, &["General › VPN & Device Management", "MDM Profile"]);
    assert!(!new.contains("Profiles & Device Management"));
    record_of_ada(&scene, r#"{"source_id":"36","kind":"personal-device-profile","model_name":"iPad Air"}"#).await;
    let ipad = Visitor::personal(Family::IPad, "12.4").hardware.user_agent();
    reads(&page(&ipad, "de").await, &["Es ist dieses iPad", "Allgemein › Geräteverwaltung", "Verwaltung entfernen"]);
    reads(&page(&iphone("27.0"), "ja").await, &["2021年にJamf Proで登録", "一般 › VPNとデバイス管理", "管理を削除"]);
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn five_records_are_shown_and_the_others_counted_those_of_the_same_family_first() {
    let scene = Scene::set().await;
    let ada = person(&scene, "ada").await;
    for nth in 1..=7 {
        let model = if nth == 1 { "iPhone 11" } else { "iPad Air" };
        let row = format!(
            r#"{{"source_id":"{nth}","kind":"device-enrollment","model_name":"{model}","last_contact":"2026-01-0{nth}T00:00:00Z"}}"#
        );
        let record = import(&scene, &row).await;
        resolve(&scene, record, RecordOwner::Unique { person: ada }).await;
    }
    let (_, page) = at_the_page(&scene, "17.5").await;
    reads(&page.body, &["iPhone 11", "iPad Air", "and 2 more"]);
    assert_eq!(page.body.matches("<fieldset").count(), 5);
    assert_eq!(found(&scene).await, [(5, 7)]);
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn records_of_other_products_count_for_no_limit_of_devices() {
    let scene = Scene::set().await;
    let rule = "[[access]]\nname = 'All'\nwho = 'everyone'\nenroll = ['personal']\ndevices_per_person = 1";
    scene.server.settings(|settings| settings.access = crate::access::rules(rule)).await;
    record_of_ada(&scene, OLD_PHONE).await;
    record_of_ada(&scene, &OLD_PHONE.replace("35", "36")).await;
    let (mut guest, _) = at_the_page(&scene, "17.5").await;
    assert_ne!(guest.post("/enroll/previous", &[]).await.led_to(), Some("/enroll/stopped"));
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_that_asks_about_a_removal_notices_that_a_device_of_ours_checked_out() {
    let scene = Scene::set().await;
    let mut old = scene.enroll(Visitor::institutional(Family::IPhone, "17.5")).await;
    scene.server.caught_up().await;
    let imported = record_of_ada(&scene, OLD_PHONE).await;
    let (own, imported) = (answer(RecordId::of_device(id_of(&old))), answer(imported));
    let (mut guest, _) = at_the_page(&scene, "17.5").await;
    let both = [(own.as_str(), "this_device"), (imported.as_str(), "this_device")];
    let page = guest.post("/enroll/previous", &both).await;
    let (ours, unseen, watches) = ("still manages it", "this page cannot see it", r#"data-again="send""#);
    reads(&page.body, &[watches, ours, unseen, "Check again"]);
    let page = guest.post("/enroll/previous", &both[..1]).await;
    reads(&page.body, &[watches, ours, "Check again"]);
    assert!(!page.body.contains(unseen), "Muster sees whether its own device was removed: {}", page.body);
    old.remove_mdm_profile().await.unwrap();
    // The page sends its answers again when the person comes back.
    let page = guest.post("/enroll/previous", &both).await;
    reads(&page.body, &[unseen, "It is removed: continue"]);
    assert!(!page.body.contains(ours) && !page.body.contains(watches), "{}", page.body);
    assert_eq!(guest.post("/enroll/previous", &both[..1]).await.led_to(), Some("/enroll/ownership"));
    scene.strike().await;
}
