//! The whole way: from the old device to the last page, and what helps if iOS refuses.

use super::*;
use events::staff::Privilege;
use harness::cast::{Visitor, id_of, walk_to};
use harness::desk::Browser;
use simulator::acts::Nobody;
use simulator::model::Family;
use simulator::safari::{Opened, Page};
use simulator::walk::{Ending, Walk};

async fn enrolled(walk: &mut Walk, scene: &Scene) -> Page {
    let ending = walk.run(&scene.address(), &mut Nobody).await.unwrap();
    let Ending::Enrolled(page) = ending else { panic!("{ending:?}") };
    page
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_page_shows_old_and_new_side_by_side_and_what_happens_to_the_old_records() {
    let scene = Scene::set().await;
    let mut walk = scene.walk(Visitor::personal(Family::IPhone, "17.5"));
    let page = enrolled(&mut walk, &scene).await;
    assert!(!page.text.contains("before and now"), "there is no earlier record: {}", page.text);
    scene.answer_first_commands(&mut walk.device).await;
    let (own, mut old) = (RecordId::of_device(id_of(&walk.device)), walk.device);
    scene.server.caught_up().await;
    let imported = record_of_ada(&scene, OLD_PHONE).await;
    let mut walk = scene.walk(Visitor::personal(Family::IPhone, "17.5"));
    walk.says_of_earlier = Some("this_device");
    let page = walk.arrive(&scene.address(), &mut Nobody).await.unwrap();
    walk_to(&mut walk, page, &mut Nobody, |page| page.url.path() == "/enroll/previous").await;
    old.remove_mdm_profile().await.unwrap();
    let page = enrolled(&mut walk, &scene).await;
    let wanted = [
        "Your devices, before and now",
        "Before",
        "Enrolled here on",
        "Separate area for work",
        "Management removed",
        "Now",
        "Enrolled",
        "The old management has ended.",
        "iPhone 13",
        "Enrolled in 2021 with Jamf Pro",
        "We cannot see whether its management was removed",
        "checks whether this iPhone took the place of the old record",
    ];
    reads(&page.text, &wanted);
    let told = [(own, PreviousAnswer::ThisDevice), (imported, PreviousAnswer::ThisDevice)];
    assert_eq!(said(&scene).await, told);
    scene.answer_first_commands(&mut walk.device).await;
    scene.strike().await;
}

/// Walks until the MDM profile was downloaded and is to be installed, and returns the waiting page.
async fn waiting(scene: &Scene) -> (Walk, Page) {
    let mut walk = scene.walk(Visitor::personal(Family::IPhone, "17.5"));
    let page = walk.arrive(&scene.address(), &mut Nobody).await.unwrap();
    walk_to(&mut walk, page, &mut Nobody, |page| page.url.path() == "/enroll/mdm").await;
    let Opened::Profile(_) = walk.safari.tap_link("profile").await.unwrap() else { panic!("no profile") };
    let opened = walk.safari.open(&format!("{}/enroll/complete", scene.server.url())).await.unwrap();
    let Opened::Page(page) = opened else { panic!("no page") };
    (walk, *page)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_that_waits_and_the_help_desk_name_old_management_first_for_who_may_have_some() {
    let scene = Scene::set().await;
    let heidi = Browser::signed_in(&scene.server, "heidi", &[Privilege::HelpDesk]).await;
    let (old, taps, gone) =
        ("An old management profile is still installed", "Remove Management", "The downloaded profile has expired");
    let (_, page) = waiting(&scene).await;
    reads(&page.text, &["If your iPhone shows an error", gone, old]);
    record_of_ada(&scene, OLD_PHONE).await;
    let (_, page) = waiting(&scene).await;
    reads(&page.text, &["If your iPhone shows an error", old, "General › VPN & Device Management", taps, gone]);
    let code = page.text.split_once("Help code ").unwrap().1[..7].to_owned();
    scene.server.caught_up().await;
    let list = heidi.get(&format!("/console/visits?q={code}")).await;
    let page = heidi.get(&list.attribute("tbody th a", "href").unwrap()).await;
    let told = page.texts("ol.tell li");
    assert!(told[0].contains("an old management profile is still installed"), "{told:?}");
    assert!(told[0].contains("Settings › General › VPN & Device Management"), "{told:?}");
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_said_that_the_record_is_another_device_is_told_of_old_management_last() {
    let scene = Scene::set().await;
    record_of_ada(&scene, OLD_PHONE).await;
    let mut walk = scene.walk(Visitor::personal(Family::IPhone, "17.5"));
    walk.says_of_earlier = Some("another_device");
    let page = walk.arrive(&scene.address(), &mut Nobody).await.unwrap();
    walk_to(&mut walk, page, &mut Nobody, |page| page.url.path() == "/enroll/mdm").await;
    let Opened::Profile(_) = walk.safari.tap_link("profile").await.unwrap() else { panic!("no profile") };
    let opened = walk.safari.open(&format!("{}/enroll/complete", scene.server.url())).await.unwrap();
    let Opened::Page(page) = opened else { panic!("no page") };
    reads(&page.text, &["The downloaded profile has expired", "An old management profile is still installed"]);
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_of_another_family_is_another_device_on_the_last_page_without_an_answer() {
    let scene = Scene::set().await;
    record_of_ada(&scene, r#"{"source_id":"40","kind":"unknown","model_name":"iPad Air"}"#).await;
    let (mut walk, page) = waiting(&scene).await;
    reads(&page.text, &["The downloaded profile has expired", "An old management profile is still installed"]);
    let page = enrolled(&mut walk, &scene).await;
    reads(&page.text, &["iPad Air", "It is another device. It stays as it is."]);
    scene.answer_first_commands(&mut walk.device).await;
    scene.strike().await;
}
