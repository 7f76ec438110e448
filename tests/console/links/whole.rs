//! The whole way with simulated devices: a phone is removed and enrolled again, the link is proposed, confirmed on one
//! page, undone on another.

use super::{DECISIONS, LIST, administrator, at, decide, page};
use events::ActorKind;
use events::record::RecordId;
use events::staff::Privilege;
use harness::cast::{PASSWORD, Scene, Visitor, id_of};
use harness::desk::Browser;
use simulator::model::{Family, Hardware};
use std::sync::Arc;
use world::{Clock as _, ManualClock, SystemClock, World};

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_that_is_enrolled_again_is_proposed_confirmed_and_undone() {
    let clock = Arc::new(ManualClock::at(SystemClock.now()));
    let scene = Scene::set_in(World::at(clock.clone()), |_| {}).await;
    let server = &scene.server;
    let phone = Hardware::new(Family::IPhone, "17.5".parse().unwrap());
    let visitor = || Visitor { hardware: phone.clone(), ..Visitor::personal(Family::IPhone, "17.5") };
    let mut first = scene.enroll(visitor()).await;
    let old = id_of(&first);
    clock.advance_seconds(60);
    let before = server.app().platform.world.now();
    first.remove_mdm_profile().await.unwrap();
    clock.advance_seconds(60);
    let new = id_of(&scene.enroll(visitor()).await);
    server.reacted().await;
    let root = administrator(server, "root").await;

    let list = root.get(LIST).await;
    assert_eq!(list.texts("tbody tr").len(), 1, "{}", list.body);
    let evidence = list.texts("td.why").concat();
    assert!(
        evidence.contains("same person +3") && evidence.contains("old management removed shortly before"),
        "{evidence}"
    );
    let points =
        |text: &str| text.split(['+', ' ', ',']).filter_map(|word| word.parse::<i32>().ok()).collect::<Vec<_>>();
    let (sum, total) = evidence.rsplit_once(" = ").unwrap();
    let added: i32 = sum.split('+').skip(1).map(|part| points(part)[0]).sum();
    assert_eq!(added.to_string(), total, "the points add up to the score: {evidence}");
    assert_eq!(list.texts("tbody td")[3..5], ["Yes", "Not proven"], "two questions, two answers");

    let shown = root.get(&page(new)).await;
    assert!(shown.texts("h2").contains(&"Earlier records of this device".to_owned()), "{}", shown.body);
    assert_eq!(shown.texts("ol.line li").len(), 2);
    assert_eq!(shown.texts("ol.line li[aria-current] strong").len(), 1);
    let shown = root.get(&page(old)).await;
    assert!(shown.texts("h2").contains(&"Enrolled again as".to_owned()), "{}", shown.body);
    let earlier = root.get(&format!("{}?as_of={}", page(old), at(before))).await;
    assert_eq!((earlier.texts(".card.link").len(), earlier.texts("ol.line").len()), (0, 0), "nothing was known then");

    clock.advance_seconds(60);
    let undecided = server.app().platform.world.now();
    clock.advance_seconds(60);
    let pair = (RecordId::of_device(old), new);
    let confirmed = decide(&root, pair, "confirm", "device").await;
    assert!(confirmed.location().starts_with(&page(new)), "{} {}", confirmed.status, confirmed.body);
    let shown = root.get(confirmed.location()).await;
    let said = shown.texts("main > .done").concat();
    assert!(said.starts_with("Confirmed: ") && said.contains("(Muster) took the place of "), "{said}");
    assert_eq!(shown.texts(".card.link form button"), ["Undo the decision"]);
    assert!(shown.texts(".card.link").concat().contains("Confirmed by root of Example School"), "{}", shown.body);
    let log = server.log_of(&pair.0.stream()).await;
    let entry = log.iter().find(|entry| entry.event.type_name() == "LinkConfirmed").unwrap();
    assert_eq!(entry.actor.kind, ActorKind::Staff);
    let then = root.get(&format!("{}?as_of={}", page(new), at(undecided))).await;
    assert_eq!(then.texts(".card.link .chip")[0], "Proposed", "{}", then.body);
    assert_eq!(then.texts(".card.link form").len(), 0, "the past cannot be decided about");

    assert_eq!(root.get(LIST).await.texts("tbody tr").len(), 0, "nothing is left to decide");
    assert_eq!(root.get(&format!("{LIST}?state=confirmed")).await.texts("tbody tr").len(), 1);
    let undone = decide(&root, pair, "undo", "record").await;
    assert!(undone.location().starts_with(&page(old)), "{}", undone.location());
    let shown = root.get(undone.location()).await;
    assert!(shown.texts("main > .done").concat().starts_with("Undone: "), "{}", shown.body);
    assert_eq!(shown.texts(".card.link form button"), DECISIONS);
    let rejected = decide(&root, pair, "reject", "list").await;
    assert!(rejected.location().starts_with(LIST), "{}", rejected.location());
    assert!(root.get(rejected.location()).await.texts("main > .done").concat().starts_with("Rejected: "));
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_of_a_person_leads_from_their_devices_and_enrollments() {
    let scene = Scene::set().await;
    let device = id_of(&scene.enroll(Visitor::personal(Family::IPhone, "17.5")).await);
    let root = administrator(&scene.server, "root").await;
    let person = super::person_of(&scene.server, device).await;
    let address = format!("/console/people/{person}");
    for path in [page(device), format!("/console/visits/{device}")] {
        assert!(root.get(&path).await.body.contains(&format!("href=\"{address}\"")), "{path}");
    }
    let shown = root.get(&address).await;
    assert_eq!(
        shown.texts("tbody:not(.x) tr").len(),
        2,
        "the device, and the row that names its model: {}",
        shown.body
    );
    assert!(shown.texts("dd").contains(&"ada".to_owned()), "{}", shown.body);
    // The help desk is led to what it may see.
    scene.server.add_user("heidi", PASSWORD, &[Privilege::HelpDesk]).await;
    let heidi = Browser::new(&scene.server);
    assert_eq!(heidi.sign_in("heidi", PASSWORD).await.status, 303);
    let seen = heidi.get(&address).await;
    assert_eq!(seen.attribute("tbody th a", "href"), Some(format!("/console/visits/{device}")), "{}", seen.body);
    assert_eq!(seen.texts("a[download]").len(), 0);
    scene.strike().await;
}
