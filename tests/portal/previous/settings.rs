//! In the sheet that Settings opens, before a token is issued.

use super::*;
use harness::account::{identifier, link, trust};
use harness::cast::{Visitor, walk_to};
use simulator::acts::Nobody;
use simulator::model::Family;
use simulator::safari::{Opened, Page};
use simulator::walk::Walk;

/// The versions on which a personal device enrolls from Settings only.
const VERSIONS: [&str; 2] = ["18.2", "27.0"];

#[tokio::test(flavor = "multi_thread")]
async fn the_sheet_asks_the_same_before_it_issues_a_token() {
    for ios in VERSIONS {
        let scene = Scene::set().await;
        let record = record_of_ada(&scene, OLD_PHONE).await;
        let mut walk = scene.walk(Visitor::personal(Family::IPhone, ios));
        trust(&scene.server, &walk.device);
        let page = earlier_page(&scene, &mut walk).await;
        let wanted = [
            "iPhone 13",
            "Enrolled in 2021 with Jamf Pro",
            "It is this iPhone",
            "Close this page.",
            "General › VPN & Device Management",
            "MDM Profile",
            "Sign In to Work or School Account and sign in again",
        ];
        reads(&page.text, &wanted);
        assert!(!page.text.contains("in a later step"), "the sheet has no step with a certificate");
        let answer = answer(record);
        let asked = walk.safari.send_form("continue", &[(answer.as_str(), "this_device")]).await.unwrap();
        let Opened::Page(page) = asked else { panic!("it goes on") };
        reads(&page.text, &["Is the old management removed from this iPhone?"]);
        let events = enrollment_events(&scene).await;
        assert!(!events.iter().any(|event| matches!(event, EnrollmentEvent::AccessTokenIssued { .. })), "{events:?}");
        scene.strike().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_answers_in_the_sheet_enrolls_and_the_answer_comes_before_the_token() {
    for ios in VERSIONS {
        let scene = Scene::set().await;
        let record = record_of_ada(&scene, OLD_PHONE).await;
        let mut walk = scene.walk(Visitor::personal(Family::IPhone, ios));
        trust(&scene.server, &walk.device);
        walk.says_of_earlier = Some("this_device");
        walk.enroll_with_account(&identifier(&scene, "ada"), &mut Nobody).await.unwrap();
        scene.answer_first_commands(&mut walk.device).await;
        assert_eq!(said(&scene).await, [(record, PreviousAnswer::ThisDevice)]);
        let events = enrollment_events(&scene).await;
        let place = |is: fn(&EnrollmentEvent) -> bool| events.iter().position(is).unwrap();
        let answered = place(|event| matches!(event, EnrollmentEvent::PreviousRecordAnswered { .. }));
        assert!(answered < place(|event| matches!(event, EnrollmentEvent::AccessTokenIssued { .. })));
        scene.strike().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_enrolled_here_from_settings_reads_how_to_sign_out_there() {
    for ios in VERSIONS {
        let scene = Scene::set().await;
        let mut old = scene.walk(Visitor::personal(Family::IPhone, ios));
        trust(&scene.server, &old.device);
        old.enroll_with_account(&identifier(&scene, "ada"), &mut Nobody).await.unwrap();
        scene.answer_first_commands(&mut old.device).await;
        scene.server.caught_up().await;
        let mut walk = scene.walk(Visitor::personal(Family::IPhone, ios));
        trust(&scene.server, &walk.device);
        let page = earlier_page(&scene, &mut walk).await;
        reads(&page.text, &["Work or school account in Settings", "Tap your work or school account, then Sign Out"]);
        let answer = answer(RecordId::of_device(harness::cast::id_of(&old.device)));
        let asked = walk.safari.send_form("continue", &[(answer.as_str(), "this_device")]).await.unwrap();
        let Opened::Page(asked) = asked else { panic!("it goes on") };
        reads(&asked.text, &["still manages it", "Close this page."]);
        assert!(!asked.text.contains("this page cannot see it"), "{}", asked.text);
        old.device.remove_mdm_profile().await.unwrap();
        let Opened::Page(page) = walk.safari.open(page.url.as_str()).await.unwrap() else { panic!("no page") };
        reads(&page.text, &["Its management is removed", "You can continue"]);
        scene.strike().await;
    }
}

/// Opens the sheet and signs in up to the page of the earlier records.
async fn earlier_page(scene: &Scene, walk: &mut Walk) -> Page {
    let address = format!("{}{}", scene.server.url(), link(&scene.server, &walk.device, "mdm-byod").await);
    let Opened::Page(page) = walk.safari.open(&address).await.unwrap() else { panic!("no page") };
    walk_to(walk, *page, &mut Nobody, |page| page.url.path() == "/enroll/previous").await
}
