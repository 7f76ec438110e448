//! Whose records a person is shown: their own ones only.

use super::*;
use decisions::link::Weight;
use events::device::DeviceId;
use events::personal::keys::KeyStore;
use events::record::{LinkBand, LinkProof};
use events::staff::Privilege;
use harness::cast::Visitor;
use simulator::acts::Nobody;
use simulator::model::Family;
use simulator::walk::Ending;
use std::sync::Arc;

/// Signs a person in, and returns whether earlier records are found.
async fn finds(scene: &Scene, name: &str) -> bool {
    let mut guest = Guest::new(&scene.server, &iphone("17.5"));
    guest.sign_in(name, PASSWORD).await.led_to() == Some("/enroll/previous")
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_one_owner_of_a_record_is_shown_it() {
    let scene = Scene::set().await;
    scene.server.add_user("bob", PASSWORD, &[Privilege::Enroll]).await;
    let record = import(&scene, OLD_PHONE).await;
    let (ada, bob) = (person(&scene, "ada").await, person(&scene, "bob").await);
    assert!(!finds(&scene, "ada").await, "nobody knows whose it is");
    for owner in [RecordOwner::Unknown {}, RecordOwner::Several {}, RecordOwner::Left {}] {
        resolve(&scene, record, owner).await;
        assert!(!finds(&scene, "ada").await && !finds(&scene, "bob").await, "{owner:?}");
    }
    resolve(&scene, record, RecordOwner::Unique { person: bob }).await;
    assert!(!finds(&scene, "ada").await && finds(&scene, "bob").await);
    resolve(&scene, record, RecordOwner::Unique { person: ada }).await;
    assert!(finds(&scene, "ada").await && !finds(&scene, "bob").await);
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_whose_owner_changes_meanwhile_is_gone_from_the_page_and_an_answer_about_it_is_ignored() {
    let scene = Scene::set().await;
    let record = record_of_ada(&scene, OLD_PHONE).await;
    let (mut guest, page) = at_the_page(&scene, "17.5").await;
    assert!(page.body.contains("iPhone 13"));
    resolve(&scene, record, RecordOwner::Several {}).await;
    let page = guest.get("/enroll/previous").await;
    assert!(!page.body.contains("iPhone 13") && !page.body.contains("Jamf"), "{}", page.body);
    let answer = answer(record);
    let fields = [(answer.as_str(), "this_device")];
    assert_eq!(guest.post("/enroll/previous", &fields).await.led_to(), Some("/enroll/ownership"));
    assert_eq!(said(&scene).await, []);
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erased_record_is_shown_to_nobody() {
    let mut scene = Scene::set().await;
    let record = record_of_ada(&scene, OLD_PHONE).await;
    let (mut guest, _) = at_the_page(&scene, "17.5").await;
    let keys = Arc::clone(&scene.server.app().platform.keys);
    tokio::task::spawn_blocking(move || KeyStore::destroy(keys.as_ref(), &record.key())).await.unwrap().unwrap();
    scene.server.restart().await;
    let mut again = Guest::new(&scene.server, &iphone("17.5"));
    std::mem::swap(&mut again.cookies, &mut guest.cookies);
    let page = again.get("/enroll/previous").await;
    assert_eq!(page.status, 200);
    assert!(!page.body.contains("iPhone 13") && !page.body.contains("Jamf"), "{}", page.body);
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_has_a_confirmed_successor_is_not_asked_about_again() {
    let scene = Scene::set().await;
    let record = record_of_ada(&scene, OLD_PHONE).await;
    assert!(finds(&scene, "ada").await);
    let platform = &scene.server.app().platform;
    let successor = DeviceId(platform.world.uuid());
    let weight = Weight { evidence: vec![], score: 9, band: LinkBand::Strong, proof: LinkProof::default() };
    for command in [Command::ProposeLink { successor, weight }, Command::ConfirmLink { successor }] {
        platform.perform::<Record>(&record.stream(), &command, &operator(&scene)).await.unwrap();
    }
    scene.server.caught_up().await;
    assert!(!finds(&scene, "ada").await);
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_people_on_one_device_neither_sees_the_records_of_the_other() {
    let scene = Scene::set().await;
    scene.server.add_user("bob", PASSWORD, &[Privilege::Enroll]).await;
    record_of_ada(&scene, OLD_PHONE).await;
    let mut device = scene.enroll(Visitor::personal(Family::IPad, "17.5")).await;
    scene.server.caught_up().await;
    device.remove_mdm_profile().await.unwrap();
    let mut walk = scene.walk(Visitor { hardware: device.hardware.clone(), ..Visitor::personal(Family::IPad, "17.5") });
    walk.person.user_name = "bob".into();
    let Ending::Enrolled(page) = walk.run(&scene.address(), &mut Nobody).await.unwrap() else { panic!("not enrolled") };
    assert!(!page.text.contains("before and now") && !page.text.contains("iPhone 13"), "{}", page.text);
    scene.answer_first_commands(&mut walk.device).await;
    assert_eq!(found(&scene).await, [(1, 1)], "at ada's sign-in only");
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn at_their_first_sign_in_a_person_sees_the_record_that_a_rule_gives_them_and_nobody_else_does() {
    let scene = Scene::set().await;
    scene.server.add_user("bob", PASSWORD, &[Privilege::Enroll]).await;
    let row = r#"{"source_id": "7", "model_name": "iPhone 13", "user_name": "Ada"}"#;
    let rule = "[[owner]]\nfield = \"user_name\"\nprovider = \"local\"\nattribute = \"user_name\"\n";
    import_by(&scene, row, rule).await;
    let mut bob = Guest::new(&scene.server, &iphone("17.5"));
    assert_ne!(bob.sign_in("bob", PASSWORD).await.led_to(), Some("/enroll/previous"));
    let (_, page) = at_the_page(&scene, "17.5").await;
    assert!(page.body.contains("iPhone 13"), "{}", page.body);
    scene.strike().await;
}
