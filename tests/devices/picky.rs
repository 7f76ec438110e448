//! Tests of what devices refuse, and of what a server must accept from devices.
//!
//! Each row is a mistake that some server made. iOS rejects it, although macOS and other devices may accept it. The
//! tests prevent the mistake; each test is named in one place only:
//!
//! | # | what a device refuses | test |
//! |---|---|---|
//! | 1 | a profile without `PayloadVersion` | `row_1_a_profile_or_payload_without_its_version_is_noticed` |
//! | 2 | `IdentityCertificateUUID` that names no identity | `row_2_the_mdm_payload_names_the_identity_in_the_same_profile` |
//! | 3 | no `Topic` | `rows_3_and_4_no_profile_is_made_without_a_topic_of_mdm`, `no_mdm_profile_is_offered_without_a_push_topic` |
//! | 4 | a `Topic` that is not an MDM topic | `rows_3_and_4_no_profile_is_made_without_a_topic_of_mdm` |
//! | 5 | a SCEP `Subject` with two levels | `row_5_the_subject_has_three_levels` |
//! | 6 | a duplicate `PayloadUUID` | `row_6_all_uuids_differ` |
//! | 7 | a TLS certificate that iOS does not accept | `the_tls_certificate_is_one_that_ios_accepts` |
//! | 8 | a server certificate whose root comes only with the enrollment profile | `a_device_whose_user_leaves_the_root_switched_off_does_not_install_the_mdm_profile` |
//! | 9 | `AccessRights` in an account-driven User Enrollment | `personal_devices_from_fifteen_on_enroll_from_settings`, `row_9_a_user_enrollment_has_no_access_rights_and_a_device_enrollment_has_some` |
//! | 10 | account-driven enrollment without `EnrollmentMode` or `AssignedManagedAppleID` | `personal_devices_from_fifteen_on_enroll_from_settings`, `institutional_devices_from_seventeen_on_enroll_from_settings_as_a_whole`, `row_10_the_profile_based_way_never_claims_to_be_the_account_driven_one` |
//! | 11 | `ManagedAppleID` on iOS 18 | `a_profile_for_a_personal_device_never_reaches_a_version_it_is_not_for`, `row_11_the_user_enrollment_profile_breaks_the_rules_outside_ios_13_1_to_17` |
//! | 12 | User Enrollment with the Profile Service | `personal_devices_are_never_asked_and_neither_is_anybody_where_the_setting_is_off`, `a_profile_service_is_for_institutional_devices_and_asks_for_what_devices_have` |
//! | 13 | a first 401 without the sign-in method | `row_13_the_first_request_is_answered_with_how_to_sign_in` |
//! | 14 | a well-known URL that loses its query in a redirect | `row_14_the_well_known_address_answers_by_itself_whatever_the_query` |
//! | 15 | a CertRep with wrong attributes | `row_15_an_answer_has_the_attributes_that_devices_check_each_of_its_type` |
//! | 16 | a SCEP certificate whose key usage forbids encryption | `the_certificate_used_for_scep_signs_and_is_encrypted_to_and_is_no_ca` |
//! | 17 | variables in the SCEP subject | `row_17_no_variables_are_in_the_subject` |
//! | 18 | a changed `ServerURL` in an updated profile | `the_profile_is_what_was_served_at_enrollment_whatever_the_configuration_says_today`, `an_update_may_change_nothing_that_ties_the_device_to_its_server` |
//! | 19 | an empty property list at the end of a conversation | `row_19_a_conversation_ends_with_a_body_of_no_bytes` |
//! | 20 | 401 for a server error | the tests in `behind_devices.rs`, `no_fault_becomes_a_401` |
//! | 21 | a second downloaded profile while the first is not installed | `no_mdm_profile_is_offered_before_the_ca_is_reported`, `there_is_room_for_one_downloaded_profile` |
//! | 22 | the portal in a browser other than Safari | `other_browsers_on_ios_are_told_to_open_safari` |
//! | 23 | an iPad that is mistaken for a Mac | `a_safari_that_says_macintosh_is_asked_what_it_runs_on` |
//! | 24 | a push with more than the PushMagic | `a_device_is_woken_by_exactly_its_push_magic` |
//! | 25 | a command that User Enrollment forbids | `what_a_mode_forbids_cannot_be_queued_and_the_refusal_says_why`, and `inspector.rs` of the harness for everything that is sent |
//! | 26 | an app with a device licence in User Enrollment | `a_personal_device_takes_the_app_with_a_licence_and_says_where_there_is_none`, `an_app_is_named_once_and_comes_to_a_personal_device_with_a_licence_only` |
//! | 27 | a changed push topic | `a_certificate_for_another_topic_than_enrolled_devices_have_is_refused_and_they_are_counted` |
//!
//! What the server accepts from devices:
//!
//! | what devices do | test |
//! |---|---|
//! | CMS in BER with indefinite length | `signatures_of_every_style_are_taken`, `every_form_that_devices_sign_in_is_genuine_and_gives_its_content` |
//! | SHA-1 | `a_signature_like_that_of_a_real_device_fits_its_body`, `every_form_that_devices_sign_in_is_genuine_and_gives_its_content` |
//! | an RSA-1024 identity by an expired Apple CA | `the_built_in_key_is_that_of_apples_device_ca_and_issued_a_real_device`, `the_issuers_key_counts_and_neither_its_name_nor_its_dates` |
//! | SCEP with 3DES | `old_and_new_devices_get_an_identity_that_names_them_as_we_do` |
//! | machine information without `OS_VERSION` | `a_personal_device_tells_no_identifier_of_its_hardware_and_its_version_from_seventeen_on` (in the simulator, with iOS 15 and 16), `given_a_build_alone_then_only_what_it_settles_is_refused` |
//! | unusual content types | `whatever_a_message_calls_itself_its_bytes_count` |
//! | a repeated result | `a_command_is_delivered_again_under_its_id_until_it_is_answered_and_recorded_once` |
//! | a result for a command that was not sent | `reports_on_commands_that_were_never_queued_are_taken_and_change_nothing` |
//! | repeated `TokenUpdate` messages | `every_token_update_is_taken_and_the_newest_is_what_counts` |
//! | `CheckOut` with an expired access token | `a_device_that_leaves_is_let_go_with_an_expired_token` |

use events::device::DeviceEvent;
use events::enrollment::EnrollmentKind;
use harness::TestServer;
use harness::account::{scene_in, walk};
use harness::cast::Visitor;
use harness::devices::TestDevice;
use plist::Value;
use simulator::messages::xml;
use simulator::model::Family;
use simulator::signature::mdm_signature;
use std::collections::HashSet;
use std::path::Path;
use url::Url;
use world::World;

/// Returns the test names in the table above, which must exist.
fn named_in_the_table() -> impl Iterator<Item = &'static str> {
    let lines = include_str!("picky.rs").lines().filter(|line| line.starts_with("//! | "));
    let words = lines.flat_map(|line| line.split('`').skip(1).step_by(2));
    words.filter(|word| word.contains('_') && !word.contains('.') && word.len() > 12)
}

fn is_attribute_of_a_test(line: &str) -> bool {
    ["#[test]", "#[tokio::test", "#[actix_web::test]"].iter().any(|attribute| line.trim_start().starts_with(attribute))
}

fn tests_below(folder: &Path, found: &mut HashSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            tests_below(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(path).unwrap();
            let tests = text.lines().zip(text.lines().skip(1)).filter(|(above, _)| is_attribute_of_a_test(above));
            let names =
                tests.filter_map(|(_, line)| line.trim_start().trim_start_matches("async ").strip_prefix("fn "));
            found.extend(names.filter_map(|name| name.split('(').next()).map(str::to_owned));
        }
    }
}

#[test]
fn every_row_has_its_test() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = HashSet::new();
    tests_below(&here.join("src"), &mut found);
    tests_below(&here.join("crates"), &mut found);
    tests_below(&here.join("tests"), &mut found);
    let missing: Vec<&str> = named_in_the_table().filter(|name| !found.contains(*name)).collect();
    assert_eq!(missing, [""; 0]);
    let rows = include_str!("picky.rs").lines().filter(|line| {
        let number = line.strip_prefix("//! | ").and_then(|row| row.split(' ').next());
        number.is_some_and(|number| number.parse::<u32>().is_ok())
    });
    assert_eq!(rows.count(), 27);
}

/// Returns the address for account-driven User Enrollment.
fn base_url(server: &TestServer) -> Url {
    format!("{}/mdm/account/mdm-byod", server.url()).parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn row_13_the_first_request_is_answered_with_how_to_sign_in() {
    let scene = scene_in(World::system()).await;
    for ios in ["15.0", "17.5", "26.1", "27.0"] {
        let device = walk(&scene, Visitor::personal(Family::IPhone, ios)).device;
        let information = device.machine_info(true).unwrap();
        let asked = device.ask_for_profile(&base_url(&scene.server), &information, None).await.unwrap();
        let header = asked.authenticate.clone().unwrap();
        // Apple's documentation has the comma between the two parameters; other servers enrolled devices without it.
        let start = format!("Bearer method=\"apple-as-web\", url=\"{}/", scene.server.url());
        assert!(header.starts_with(&start) && header.ends_with('"'), "{header}");
        assert!(asked.body.is_empty());
        asked.challenge().unwrap();
    }
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn row_14_the_well_known_address_answers_by_itself_whatever_the_query() {
    let scene = scene_in(World::system()).await;
    let address = format!("{}/.well-known/com.apple.remotemanagement", scene.server.url());
    for query in ["", "?model-family=iPad", "?user-identifier=ada%2Bschool%40example.com&model-family=iPhone&more=1"] {
        let answer = scene.server.client().get(format!("{address}{query}")).send().await.unwrap();
        assert_eq!(answer.status(), 200, "no redirect, because it would lose the query: {query}");
        assert!(answer.headers()["content-type"].to_str().unwrap().starts_with("application/json"));
    }
    scene.strike().await;
}

#[actix_web::test]
async fn row_19_a_conversation_ends_with_a_body_of_no_bytes() {
    let server = TestServer::start().await;
    let device = TestDevice::enrolled(&server, EnrollmentKind::UserEnrollment).await;
    let mut answer = device.report_on(&device.report("Idle", None)).await;
    for _ in 0..10 {
        let Some((id, _)) = harness::devices::command(&answer) else { break };
        answer = device.report_on(&device.report("Acknowledged", Some(&id))).await;
    }
    assert_eq!((answer.status, answer.body), (200, vec![]));
    // The response to a check-in is empty, too.
    let checked_in = device.put("checkin", &xml(&device.token_update("ANOTHER"))).await;
    assert_eq!((checked_in.status, checked_in.body), (200, vec![]));
    server.stop().await;
}

#[actix_web::test]
async fn whatever_a_message_calls_itself_its_bytes_count() {
    let server = TestServer::start().await;
    let device = TestDevice::enrolled(&server, EnrollmentKind::UserEnrollment).await;
    let client = server.client();
    let types =
        [None, Some("text/plain"), Some("application/x-www-form-urlencoded"), Some("multipart/form-data"), Some("")];
    for (nth, content_type) in types.into_iter().enumerate() {
        let token_update = xml(&device.token_update(&format!("MAGIC {nth}")));
        let idle = xml(&device.report("Idle", None));
        for (url, body) in [(&device.profile.check_in_url, token_update), (&device.profile.server_url, idle)] {
            let signature = mdm_signature(&body, &device.identity, device.style).unwrap();
            let request = client.put(url).header("Mdm-Signature", signature).body(body);
            let request = match content_type {
                Some(content_type) => request.header("Content-Type", content_type),
                None => request,
            };
            assert_eq!(request.send().await.unwrap().status(), 200, "{content_type:?} at {url}");
        }
    }
    let renewed = |event: &DeviceEvent| matches!(event, DeviceEvent::PushTokenRenewed { .. });
    assert_eq!(device.events(&server).await.iter().filter(|event| renewed(event)).count(), types.len());
    server.stop().await;
}

#[actix_web::test]
async fn every_token_update_is_taken_and_the_newest_is_what_counts() {
    let server = TestServer::start().await;
    let device = TestDevice::enrolled(&server, EnrollmentKind::DeviceEnrollment).await;
    for magic in ["SECOND", "SECOND", "THIRD"] {
        // The message has no unlock token; the stored one must remain.
        let mut message = device.token_update(magic);
        message.remove("UnlockToken");
        message.insert("Token".into(), Value::Data(vec![9; 100]));
        assert_eq!(device.check_in(&message).await, 200);
    }
    let events = device.events(&server).await;
    let told = |event: &DeviceEvent| match event {
        DeviceEvent::PushTokenRenewed { push, .. } => Some(push.push_magic.text().to_owned()),
        _ => None,
    };
    assert_eq!(events.iter().filter_map(told).collect::<Vec<_>>(), ["SECOND", "THIRD"]);
    let state = server.app().platform.device(device.id).await.unwrap();
    assert!(
        state.push.as_ref().is_some_and(|push| push.unlock_token.is_some()),
        "a missing unlock token does not clear the stored one"
    );
    server.stop().await;
}
