//! Forms that no page sends.

use super::*;
use std::collections::BTreeMap;

#[tokio::test(flavor = "multi_thread")]
async fn answers_about_records_that_were_not_shown_are_ignored() {
    let scene = Scene::set().await;
    record_of_ada(&scene, OLD_PHONE).await;
    let other = import(&scene, &OLD_PHONE.replace("35", "36")).await;
    let (mut guest, _) = at_the_page(&scene, "17.5").await;
    let (other, nobody) = (answer(other), answer(RecordId(scene.server.app().platform.world.uuid())));
    let fields = [
        (other.as_str(), "this_device"),
        (nobody.as_str(), "this_device"),
        ("answer-", "this_device"),
        ("answer-x", "nonsense"),
    ];
    assert_eq!(guest.post("/enroll/previous", &fields).await.led_to(), Some("/enroll/ownership"));
    assert_eq!(said(&scene).await, []);
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_answers_about_one_record_the_first_counts() {
    let scene = Scene::set().await;
    let record = record_of_ada(&scene, OLD_PHONE).await;
    let (mut guest, _) = at_the_page(&scene, "17.5").await;
    let answer = answer(record);
    let mut fields = vec![(answer.as_str(), "another_device")];
    fields.extend(vec![(answer.as_str(), "this_device"); 100]);
    assert_eq!(guest.post("/enroll/previous", &fields).await.led_to(), Some("/enroll/ownership"));
    assert_eq!(said(&scene).await, [(record, PreviousAnswer::AnotherDevice)]);
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_the_page_does_not_offer_and_too_many_answers_are_refused_and_nothing_is_recorded() {
    let scene = Scene::set().await;
    let record = record_of_ada(&scene, OLD_PHONE).await;
    let (mut guest, _) = at_the_page(&scene, "17.5").await;
    let answer = answer(record);
    for word in ["", "THIS_DEVICE", "this_device\u{0}", "<script>"] {
        assert_eq!(guest.post("/enroll/previous", &[(answer.as_str(), word)]).await.status, 400, "{word:?}");
        guest.get("/enroll/previous").await;
    }
    let many = vec![(answer.as_str(), "another_device"); 1_000];
    assert_eq!(guest.post("/enroll/previous", &many).await.status, 413);
    guest.get("/enroll/previous").await;
    let csrf = std::mem::take(&mut guest.csrf);
    assert_eq!(guest.post("/enroll/previous", &[(answer.as_str(), "another_device")]).await.status, 403);
    assert_eq!(said(&scene).await, []);
    guest.csrf = csrf;
    assert_eq!(guest.post("/enroll/previous", &[]).await.led_to(), Some("/enroll/ownership"));
    let again = guest.post("/enroll/previous", &[(answer.as_str(), "another_device")]).await;
    assert_eq!(again.led_to(), Some("/enroll/ownership"), "the step is over");
    assert_eq!(said(&scene).await, []);
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_import_says_about_a_device_is_text_on_the_page() {
    let scene = Scene::set().await;
    let row = r#"{"source_id":"1","kind":"unknown","model_name":"<b>iPhone</b> & **13**"}"#;
    record_of_ada(&scene, row).await;
    let (_, page) = at_the_page(&scene, "17.5").await;
    reads(&page.body, &["&lt;b&gt;iPhone&lt;/b&gt; &amp; **13**", "Enrolled with Jamf Pro"]);
    scene.strike().await;
}

const OLD_TABLET: &str = r#"{"source_id":"40","kind":"unknown","product_name":"iPad13,1"}"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_record_of_another_family_is_never_this_device() {
    let scene = Scene::set().await;
    let tablet = record_of_ada(&scene, OLD_TABLET).await;
    let (_, page) = at_the_page(&scene, "17.5").await;
    reads(&page.body, &["It cannot be this iPhone", "There is nothing to remove"]);
    assert!(!page.body.contains("Remove Management") && !page.body.contains("is removed."), "{}", page.body);
    let phone = record_of_ada(&scene, OLD_PHONE).await;
    let (mut guest, page) = at_the_page(&scene, "17.5").await;
    assert!(page.body.contains(&format!("id=\"this_device-{phone}\"")));
    assert!(!page.body.contains(&format!("id=\"this_device-{tablet}\"")), "{}", page.body);
    reads(&page.body, &["It cannot be this iPhone", &format!("id=\"another_device-{tablet}\"")]);
    let (phone, tablet) = (answer(phone), answer(tablet));
    let fields = [(phone.as_str(), "another_device"), (tablet.as_str(), "this_device"), ("removed", "yes")];
    let page = guest.post("/enroll/previous", &fields).await;
    assert_eq!(page.status, 422);
    reads(&page.body, &["a device of another kind is this iPhone", "value=\"another_device\" checked"]);
    assert_eq!(said(&scene).await, []);
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_the_records_of_one_source_at_most_one_is_this_device() {
    let scene = Scene::set().await;
    let first = record_of_ada(&scene, OLD_PHONE).await;
    let second = record_of_ada(&scene, &OLD_PHONE.replace("35", "36")).await;
    let third = record_of_ada(&scene, OLD_TABLET).await;
    let (mut guest, _) = at_the_page(&scene, "17.5").await;
    let (one, two, gone) = (answer(first), answer(second), answer(third));
    let fields = [(one.as_str(), "this_device"), (two.as_str(), "this_device"), (gone.as_str(), "no_longer_have")];
    let page = guest.post("/enroll/previous", &fields).await;
    assert_eq!(page.status, 422);
    reads(&page.body, &["several devices from the same list"]);
    for chosen in [format!("this_device-{first}"), format!("this_device-{second}"), format!("no_longer_have-{third}")] {
        let (_, input) = page.body.split_once(&format!("id=\"{chosen}\"")).unwrap();
        assert!(input.split('>').next().unwrap().ends_with(" checked"), "{chosen}");
    }
    assert_eq!(said(&scene).await, []);
    let fields = [(one.as_str(), "this_device"), (two.as_str(), "another_device"), ("removed", "yes")];
    assert_eq!(guest.post("/enroll/previous", &fields).await.led_to(), Some("/enroll/ownership"));
    let said: BTreeMap<_, _> = said(&scene).await.into_iter().collect();
    let wanted = [(first, PreviousAnswer::ThisDevice), (second, PreviousAnswer::AnotherDevice)];
    assert_eq!(said, BTreeMap::from(wanted));
    scene.strike().await;
}
