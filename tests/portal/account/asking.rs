//! Tests of the server's response to a device that requests its enrollment profile: by the device's machine
//! information, and by valid and invalid tokens.

use super::enrollment_events;
use events::Event;
use events::device::{DeviceEvent, DeviceId, MessageRefusal};
use events::enrollment::{
    DeviceFamily, DeviceSignature, EnrollmentEvent, EnrollmentRefusal, Ownership, SignInAgainReason,
};
use events::system::{DeviceRequestRefusal, RefusalEvent};
use harness::account::{identifier, scene, walk};
use harness::cast::{Scene, Visitor};
use harness::logs;
use plist::Value;
use simulator::account::{Asked, Challenge, SignedIn, Tokens};
use simulator::acts::Nobody;
use simulator::model::Family;
use simulator::walk::Walk;
use url::Url;

fn base_url(scene: &Scene, version: &str) -> Url {
    format!("{}/mdm/account/{version}", scene.server.url()).parse().unwrap()
}

async fn ask(scene: &Scene, walk: &Walk, version: &str, token: Option<&str>) -> Asked {
    let information = walk.device.machine_info(version == "mdm-byod").unwrap();
    walk.device.ask_for_profile(&base_url(scene, version), &information, token).await.unwrap()
}

/// Signs in and returns the token instead of downloading the profile.
async fn token(scene: &Scene, walk: &mut Walk) -> String {
    let challenge = ask(scene, walk, "mdm-byod", None).await.challenge().unwrap();
    match walk.sign_in(&challenge, None, &mut Nobody).await.unwrap() {
        SignedIn::Token(tokens) => tokens.access,
        SignedIn::Stopped(text) => panic!("{text}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_good_again_and_again_until_the_device_is_enrolled() {
    let scene = scene().await;
    let mut walk = walk(&scene, Visitor::personal(Family::IPhone, "18.2"));
    let token = token(&scene, &mut walk).await;
    for _ in 0..3 {
        assert_eq!(ask(&scene, &walk, "mdm-byod", Some(&token)).await.status, 200);
    }
    let file = ask(&scene, &walk, "mdm-byod", Some(&token)).await.body;
    walk.device.install_by_account(&file, "mdm-byod", Tokens::lasting(token.clone()), &mut Nobody).await.unwrap();
    let asked = ask(&scene, &walk, "mdm-byod", Some(&token)).await;
    assert!(asked.challenge().is_ok(), "a new enrollment requires a new sign-in: {}", asked.status);
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_belongs_to_the_enrollment_that_it_was_made_for() {
    let scene = scene().await;
    let (mut one, mut two) = (
        walk(&scene, Visitor::personal(Family::IPhone, "18.2")),
        walk(&scene, Visitor::personal(Family::IPad, "18.2")),
    );
    one.enroll_with_account(&identifier(&scene, "grace"), &mut Nobody).await.unwrap();
    two.person.user_name = "ada".into();
    two.enroll_with_account(&identifier(&scene, "ada"), &mut Nobody).await.unwrap();
    let foreign = two.device.management().unwrap().tokens.clone();
    one.device.management_mut().unwrap().tokens = foreign;
    let refused = one.device.poll().await.unwrap_err();
    assert!(refused.to_string().contains("sign in again"), "{refused}");
    let asked = EnrollmentEvent::SignInAgainAsked { why: SignInAgainReason::TokenUnknown };
    assert!(enrollment_events(&scene).await.contains(&asked));
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_token_of_ours_leads_to_sign_in_and_to_nothing_else() {
    let scene = scene().await;
    let mut walk = walk(&scene, Visitor::personal(Family::IPhone, "18.2"));
    let good = token(&scene, &mut walk).await;
    let (id, _) = good.split_once('.').unwrap();
    for bad in
        ["", "x", "access-1.2", &format!("{id}."), &format!("{id}.guess"), &good.to_uppercase(), &format!("{good}x")]
    {
        let asked = ask(&scene, &walk, "mdm-byod", Some(bad)).await;
        assert!(asked.challenge().is_ok() && asked.body.is_empty(), "{bad}: {}", asked.status);
    }
    // Each refusal is recorded. If the token names an enrollment, the refusal names its device, although that device
    // did not send it.
    let device = id.strip_prefix("access-").unwrap().parse().map(DeviceId).unwrap();
    let refused =
        |device| Event::Refusal(RefusalEvent::DeviceRequestRefused { why: DeviceRequestRefusal::TokenInvalid, device });
    let named = [None, None, None, Some(device), Some(device), None, Some(device)];
    assert_eq!(scene.server.events_of("refusals").await, named.map(refused));
    assert_eq!(ask(&scene, &walk, "mdm-byod", Some(&good)).await.status, 200);
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_enrolls_with_another_token_than_its_own_is_refused_on_record() {
    let scene = scene().await;
    let mut walk = walk(&scene, Visitor::personal(Family::IPhone, "18.2"));
    let token = token(&scene, &mut walk).await;
    let file = ask(&scene, &walk, "mdm-byod", Some(&token)).await.body;
    let other = Tokens::lasting(format!("{token}x"));
    walk.device.install_by_account(&file, "mdm-byod", other, &mut Nobody).await.unwrap_err();
    let refused = Event::Device(DeviceEvent::DeviceMessageRefused { why: MessageRefusal::NoAccessToken });
    assert_eq!(scene.server.events_of("device").await, [refused]);
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_for_a_private_device_gets_no_profile_for_an_institutional_one() {
    let scene = scene().await;
    let mut walk = walk(&scene, Visitor::personal(Family::IPhone, "18.2"));
    let token = token(&scene, &mut walk).await;
    let families = [(DeviceFamily::IPhone, Ownership::Institutional)];
    scene.server.settings(|settings| settings.account_driven.families = families.into()).await;
    assert!(ask(&scene, &walk, "mdm-adde", Some(&token)).await.challenge().is_ok(), "a new sign-in is required");
    assert_eq!(ask(&scene, &walk, "mdm-byod", Some(&token)).await.status, 403, "mdm-byod is no longer offered");
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn devices_that_cannot_enroll_are_refused_before_anybody_signs_in_and_the_log_says_why() {
    let scene = scene().await;
    scene
        .server
        .settings(|settings| settings.limits.models = ["iPhone14,".to_owned(), "iPad13,".to_owned()].into())
        .await;
    let old = walk(&scene, Visitor::personal(Family::IPhone, "14.8"));
    assert_eq!(ask(&scene, &old, "mdm-byod", None).await.status, 403);
    let new = walk(&scene, Visitor::personal(Family::IPhone, "18.2"));
    assert_eq!(ask(&scene, &new, "mdm-adde", None).await.status, 403, "mdm-adde is not offered");
    scene.server.settings(|settings| settings.account_driven.genuine_devices_only = true).await;
    assert_eq!(ask(&scene, &new, "mdm-byod", None).await.status, 403);
    let mut why: Vec<_> = Vec::new();
    for event in scene.server.events_of("refusals").await {
        if let Event::Refusal(RefusalEvent::DeviceRefused { why: reason, .. }) = event {
            why.push(reason);
        }
    }
    use EnrollmentRefusal::{AccountDrivenNotOffered, ModelNotPermitted, NotGenuine};
    assert_eq!(why, [ModelNotPermitted, AccountDrivenNotOffered, NotGenuine]);
    assert!(enrollment_events(&scene).await.is_empty());
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_a_bad_request_and_never_a_bare_401() {
    let scene = scene().await;
    let client = scene.server.client();
    for body in [vec![], b"hello".to_vec(), vec![0x30; 70_000], vec![0x30, 0x80]] {
        let answer = client.post(base_url(&scene, "mdm-byod")).body(body).send().await.unwrap();
        assert_eq!(answer.status(), 400);
    }
    let unknown = client.post(base_url(&scene, "mdm-other")).body("x").send().await.unwrap();
    assert_eq!(unknown.status(), 404);
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn machine_information_is_taken_whatever_type_it_is_sent_as() {
    let scene = scene().await;
    let device = walk(&scene, Visitor::personal(Family::IPhone, "18.2")).device;
    let information = device.machine_info(true).unwrap();
    for content_type in [None, Some("text/plain"), Some("application/x-www-form-urlencoded")] {
        let request = scene.server.client().post(base_url(&scene, "mdm-byod")).body(information.clone());
        let request = content_type.into_iter().fold(request, |request, one| request.header("Content-Type", one));
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 401, "{content_type:?}");
        let how = answer.headers()["www-authenticate"].to_str().unwrap();
        assert!(how.contains("apple-as-web"), "{content_type:?}: {how}");
    }
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_link_to_sign_in_is_good_as_it_was_made_and_in_one_browser() {
    let scene = scene().await;
    let mut walk = walk(&scene, Visitor::personal(Family::IPhone, "18.2"));
    let challenge = ask(&scene, &walk, "mdm-byod", None).await.challenge().unwrap();
    let Challenge::AsWeb(url) = &challenge else { panic!("{challenge:?}") };
    let changed: Url = url.as_str().replace("byod-iphone", "adde-iphone").parse().unwrap();
    let stopped = walk.sign_in(&Challenge::AsWeb(changed), None, &mut Nobody).await.unwrap();
    assert!(matches!(&stopped, SignedIn::Stopped(text) if text.contains("start again in Settings")), "{stopped:?}");
    walk.sign_in(&challenge, None, &mut Nobody).await.unwrap();
    walk.forget_cookies();
    let stopped = walk.sign_in(&challenge, None, &mut Nobody).await.unwrap();
    assert!(matches!(stopped, SignedIn::Stopped(_)), "the link cannot be used in another browser");
    let issued = |event: &EnrollmentEvent| matches!(event, EnrollmentEvent::AccessTokenIssued { .. });
    assert_eq!(enrollment_events(&scene).await.iter().filter(|event| issued(event)).count(), 1);
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_at_the_portal_is_none_of_this_ways() {
    let scene = scene().await;
    let mut walk = walk(&scene, Visitor::personal(Family::IPhone, "17.6"));
    // A person walked some steps of the portal in the same browser.
    let mut page = walk.arrive(&scene.address(), &mut Nobody).await.unwrap();
    for _ in 0..2 {
        let simulator::walk::Next::Page(next) = walk.next(&page, &mut Nobody).await.unwrap() else {
            panic!("the walk ended")
        };
        page = next;
    }
    walk.enroll_with_account(&identifier(&scene, "grace"), &mut Nobody).await.unwrap();
    assert!(walk.device.is_managed());
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signature_that_does_not_fit_is_on_record_and_refused_by_setting_only() {
    let scene = scene().await;
    let mut walk = walk(&scene, Visitor::personal(Family::IPhone, "18.2"));
    let token = token(&scene, &mut walk).await;
    let mut forged = walk.device.machine_info(true).unwrap();
    let product = b"iPhone14,5";
    let at = forged.windows(product.len()).position(|window| window == product).unwrap();
    forged[at + product.len() - 1] = b'7';
    let ask = async || {
        walk.device.ask_for_profile(&base_url(&scene, "mdm-byod"), &forged, Some(&token)).await.unwrap().status
    };
    assert_eq!(ask().await, 200);
    let said = enrollment_events(&scene).await.into_iter().find_map(|event| match event {
        EnrollmentEvent::MachineInformationReceived { signature, product, .. } => Some((signature, product)),
        _ => None,
    });
    assert_eq!(said, Some((DeviceSignature::Invalid, Some("iPhone14,7".into()))));
    scene.server.settings(|settings| settings.account_driven.genuine_devices_only = true).await;
    assert_eq!(ask().await, 403);
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_app_that_stays_is_named_to_devices_that_know_of_it() {
    for (version, named) in [("15.0", None), ("15.1", Some(7))] {
        let scene = scene().await;
        scene.server.settings(|settings| settings.account_driven.required_app_id = Some(7)).await;
        let mut walk = walk(&scene, Visitor::personal(Family::IPhone, version));
        walk.enroll_with_account(&identifier(&scene, "grace"), &mut Nobody).await.unwrap();
        let profile = &walk.device.management().unwrap().profile.dictionary;
        let payloads = profile.get("PayloadContent").and_then(Value::as_array).unwrap().iter();
        let told = payloads.filter_map(Value::as_dictionary).find_map(|payload| payload.get("RequiredAppIDForMDM"));
        assert_eq!(told.and_then(Value::as_unsigned_integer), named, "{version}");
        scene.strike().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_line_about_a_refused_token_says_from_where_it_came_and_what_it_names() {
    let scene = scene().await;
    let mut walk = walk(&scene, Visitor::personal(Family::IPhone, "18.2"));
    let token = token(&scene, &mut walk).await;
    let forged = format!("{token}x");
    assert!(ask(&scene, &walk, "mdm-byod", Some(&forged)).await.challenge().is_ok());
    let (prefix, secret) = token.split_once('.').unwrap();
    let (lines, named) = (logs::so_far(), &prefix[prefix.len() - 36..]);
    let refused = |line: &&str| line.contains("refused the access token of a device") && line.contains(named);
    let told: Vec<&str> = lines.lines().filter(refused).collect();
    assert!(told.len() == 1 && told[0].contains("127.0.0.1") && !told[0].contains(secret), "{told:?}");
    scene.strike().await;
}
