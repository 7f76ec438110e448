//! Forms that no page sends.

use super::*;

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
