//! Tests of `apple-oauth2`: a code is redeemed at the token endpoint, and tokens are refreshed without the person.

use enroll::account_driven::discovery::{CLIENT_ID, REDIRECT_URL};
use events::settings::AuthenticationMethod;
use harness::account::{identifier, scene_in, walk};
use harness::cast::{Scene, Visitor};
use harness::logs;
use serde_json::Value;
use simulator::account::{Challenge, OAuth2, SignedIn};
use simulator::acts::Nobody;
use simulator::device::DeviceError;
use simulator::model::Family;
use simulator::walk::Walk;
use staff::administration::Request;
use std::io::Read as _;
use std::sync::Arc;
use world::{ManualClock, World};

const DAY: i64 = 86_400;
const WEEK: i64 = 7 * DAY;

async fn scene() -> (Scene, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::at(harness::devices::now()));
    let scene = scene_in(World::at(clock.clone())).await;
    scene
        .server
        .settings(|settings| {
            settings.account_driven.method = AuthenticationMethod::AppleOAuth2;
            settings.account_driven.sign_in_again_after_days = Some(30);
        })
        .await;
    (scene, clock)
}

async fn enrolled(scene: &Scene) -> Walk {
    let mut walk = walk(scene, Visitor::personal(Family::IPhone, "18.2"));
    walk.enroll_with_account(&identifier(scene, "grace"), &mut Nobody).await.unwrap();
    scene.answer_first_commands(&mut walk.device).await;
    walk
}

async fn way(scene: &Scene, walk: &Walk) -> OAuth2 {
    let base_url = format!("{}/mdm/account/mdm-byod", scene.server.url()).parse().unwrap();
    let information = walk.device.machine_info(true).unwrap();
    let asked = walk.device.ask_for_profile(&base_url, &information, None).await.unwrap();
    match asked.challenge().unwrap() {
        Challenge::OAuth2(way) => way,
        other => panic!("{other:?}"),
    }
}

async fn asks_again(walk: &mut Walk) -> Challenge {
    match walk.device.poll().await {
        Err(DeviceError::SignInAgain { challenge }) => *challenge,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_redeems_its_code_and_refreshes_its_token_until_its_person_has_to_sign_in_again() {
    let (scene, clock) = scene().await;
    let mut walk = enrolled(&scene).await;
    for _ in 0..4 {
        clock.advance_seconds(WEEK);
        asks_again(&mut walk).await;
        walk.device.refresh_access().await.unwrap();
        walk.device.poll().await.unwrap();
    }
    clock.advance_seconds(2 * DAY - 1);
    walk.device.poll().await.unwrap();
    clock.advance_seconds(1);
    let challenge = asks_again(&mut walk).await;
    let refused = walk.device.refresh_access().await.unwrap_err();
    assert!(refused.to_string().contains("invalid_grant"), "{refused}");
    walk.forget_cookies();
    let signed_in = walk.sign_in_again(&challenge, &mut Nobody).await.unwrap();
    assert!(matches!(signed_in, SignedIn::Token(_)), "{signed_in:?}");
    walk.device.poll().await.unwrap();
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_taken_from_a_person_is_noticed_when_the_token_is_refreshed() {
    let (scene, clock) = scene().await;
    let mut walk = enrolled(&scene).await;
    scene.server.execute(Request::DisableUser { user_name: "grace".into() }).await;
    walk.device.poll().await.expect("the token is valid for a week");
    clock.advance_seconds(WEEK);
    asks_again(&mut walk).await;
    let refused = walk.device.refresh_access().await.unwrap_err();
    assert!(refused.to_string().contains("invalid_grant"), "{refused}");
    assert!(walk.device.is_managed());
    scene.strike().await;
}

async fn token_endpoint(scene: &Scene, form: &str) -> (u16, Value) {
    let request = scene.server.client().post(format!("{}/mdm/account-token", scene.server.url()));
    let request = request.header("Content-Type", "application/x-www-form-urlencoded").body(form.to_owned());
    let answer = request.send().await.unwrap();
    assert!(answer.status() != 200 || answer.headers()["cache-control"] == "no-store");
    let status = answer.status().as_u16();
    (status, serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap_or_default())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_endpoint_grants_nothing_to_whoever_guesses() {
    let (scene, _) = scene().await;
    let walk = enrolled(&scene).await;
    let tokens = walk.device.management().unwrap().tokens.clone().unwrap();
    let (access, refresh) = (tokens.access, tokens.refresh.unwrap().token);
    let code = format!("grant_type=authorization_code&client_id={CLIENT_ID}&redirect_uri={REDIRECT_URL}");
    let cases = [
        ("grant_type=authorization_code".to_owned(), "invalid_request"),
        ("grant_type=password&username=grace&password=x".to_owned(), "unsupported_grant_type"),
        (String::new(), "invalid_request"),
        ("grant_type=a&grant_type=b".to_owned(), "invalid_request"),
        ("grant_type=authorization_code&code=code-1.2".to_owned(), "invalid_request"),
        (format!("{code}&code=code-1.2"), "invalid_grant"),
        (format!("{code}&code={access}"), "invalid_grant"),
        (format!("{code}&code={refresh}"), "invalid_grant"),
        (format!("grant_type=refresh_token&refresh_token={access}"), "invalid_grant"),
        (format!("grant_type=refresh_token&refresh_token={refresh}x"), "invalid_grant"),
        (format!("grant_type=refresh_token&refresh_token={refresh}&client_id=other"), "invalid_client"),
    ];
    for (form, error) in cases {
        let (status, said) = token_endpoint(&scene, &form).await;
        assert_eq!((status, said["error"].as_str()), (400, Some(error)), "{form}");
    }
    assert_eq!(token_endpoint(&scene, &format!("grant_type=refresh_token&refresh_token={refresh}")).await.0, 200);
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authorization_request_of_another_client_or_to_another_address_gets_no_code() {
    let (scene, _) = scene().await;
    let mut walk = walk(&scene, Visitor::personal(Family::IPhone, "18.2"));
    let right = way(&scene, &walk).await;
    let elsewhere = OAuth2 { redirect_url: "apple-remotemanagement-user-login:/elsewhere".into(), ..right.clone() };
    let stranger = OAuth2 { client_id: "stranger".into(), ..right.clone() };
    for wrong in [elsewhere, stranger] {
        let stopped = walk.sign_in(&Challenge::OAuth2(wrong), None, &mut Nobody).await.unwrap();
        assert!(matches!(stopped, SignedIn::Stopped(_)), "{stopped:?}");
    }
    let signed_in = walk.sign_in(&Challenge::OAuth2(right), None, &mut Nobody).await.unwrap();
    assert!(matches!(signed_in, SignedIn::Token(_)), "{signed_in:?}");
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_can_be_refreshed_lasts_no_longer_than_the_sign_in_does() {
    let (scene, clock) = scene().await;
    scene.server.settings(|settings| settings.account_driven.sign_in_again_after_days = Some(1)).await;
    let mut walk = enrolled(&scene).await;
    clock.advance_seconds(DAY - 60);
    let refresh = walk.device.management().unwrap().tokens.clone().unwrap().refresh.unwrap().token;
    let (_, told) = token_endpoint(&scene, &format!("grant_type=refresh_token&refresh_token={refresh}")).await;
    assert!((1..=60).contains(&told["expires_in"].as_i64().unwrap()), "{told}");
    walk.device.refresh_access().await.unwrap();
    walk.device.poll().await.unwrap();
    clock.advance_seconds(60);
    asks_again(&mut walk).await;
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_token_ends_with_the_management_that_it_was_for() {
    let (scene, _) = scene().await;
    let mut walk = enrolled(&scene).await;
    let refresh = walk.device.management().unwrap().tokens.clone().unwrap().refresh.unwrap().token;
    let form = format!("grant_type=refresh_token&refresh_token={refresh}");
    assert_eq!(token_endpoint(&scene, &form).await.0, 200);
    walk.device.remove_mdm_profile().await.unwrap();
    let (status, said) = token_endpoint(&scene, &form).await;
    assert_eq!((status, said["error"].as_str()), (400, Some("invalid_grant")), "the token cannot be used any longer");
    scene.strike().await;
}

/// Asserts that the secret is neither in the databases nor in the log at its finest level.
fn assert_nowhere(scene: &Scene, what: &str, secret: &str) {
    // The part before the dot names the enrollment and is not secret.
    let secret = secret.rsplit('.').next().unwrap();
    assert!(secret.len() > 20, "{what} is long enough to search for");
    for file in std::fs::read_dir(&scene.server.app().config.store.directory).unwrap() {
        let file = file.unwrap().path();
        if file.is_file() && file.file_name().unwrap().to_string_lossy().contains(".db") {
            let bytes = std::fs::read(&file).unwrap();
            let is_there = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!is_there, "{what} is in {}", file.display());
        }
    }
    assert!(!logs::so_far().contains(secret), "{what} is logged");
}

/// Returns the code that the device would redeem, by directing the device to a token endpoint that only reads the
/// request.
async fn raw_code(scene: &Scene, walk: &mut Walk) -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let token_url = format!("http://{}/token", listener.local_addr().unwrap()).parse().unwrap();
    let reader = std::thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let (mut stream, mut read) = (stream, String::new());
        while !read.contains("client_id=") {
            let mut part = [0; 4_096];
            let length = stream.read(&mut part).unwrap();
            assert!(length > 0, "the connection ended within the form: {read}");
            read += std::str::from_utf8(&part[..length]).unwrap();
        }
        read
    });
    let way = OAuth2 { token_url, ..way(scene, walk).await };
    walk.sign_in(&Challenge::OAuth2(way), None, &mut Nobody).await.unwrap_err();
    let form = reader.join().unwrap();
    form.split("&code=").nth(1).and_then(|rest| rest.split('&').next()).unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn codes_and_tokens_are_kept_nowhere_and_logged_nowhere() {
    let (scene, _) = scene().await;
    let mut stranger = walk(&scene, Visitor::personal(Family::IPad, "18.2"));
    let code = raw_code(&scene, &mut stranger).await;
    let mut walk = enrolled(&scene).await;
    let tokens = walk.device.management().unwrap().tokens.clone().unwrap();
    walk.device.refresh_access().await.unwrap();
    let refreshed = walk.device.management().unwrap().tokens.clone().unwrap();
    scene.server.caught_up().await;
    assert_nowhere(&scene, "the code", &code);
    assert_nowhere(&scene, "the access token", &tokens.access);
    assert_nowhere(&scene, "the refreshed access token", &refreshed.access);
    assert_nowhere(&scene, "the refresh token", &tokens.refresh.unwrap().token);
    scene.strike().await;
}
