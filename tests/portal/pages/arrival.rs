//! Tests of the portal before sign-in: detection of device and browser, and the language.

use events::enrollment::Ownership;
use harness::TestServer;
use harness::guest::server;
use harness::guest::{Guest, IPAD_AS_MAC, WINDOWS, iphone};

#[tokio::test(flavor = "multi_thread")]
async fn a_safari_that_says_macintosh_is_asked_what_it_runs_on() {
    let server = server().await;
    let mut guest = Guest::new(&server, IPAD_AS_MAC);
    let page = guest.get("/enroll").await;
    assert!(page.body.contains("This is an iPad"));
    assert_eq!(guest.get("/enroll/sign-in").await.led_to(), Some("/enroll"));
    assert_eq!(guest.post("/enroll/device", &[("device", "ipad")]).await.led_to(), Some("/enroll"));
    assert_eq!(guest.get("/enroll").await.led_to(), Some("/enroll/sign-in"));
    assert!(guest.get("/enroll/sign-in").await.body.contains("this iPad"));
    assert_eq!(guest.post("/enroll/device", &[("device", "toaster")]).await.status, 400);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn desktop_visitors_get_a_qr_code_and_the_short_address() {
    let server = server().await;
    let mut guest = Guest::new(&server, WINDOWS);
    let page = guest.get("/enroll").await;
    assert!(page.body.contains("<svg class=\"qr\"") && page.body.contains(&format!("{}/enroll</p>", server.url())));
    assert_eq!(guest.get("/enroll/sign-in").await.led_to(), Some("/enroll"));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn other_browsers_on_ios_are_told_to_open_safari() {
    let server = server().await;
    let chrome = iphone("17.5").replace("Version/17.5", "CriOS/126.0");
    let mut guest = Guest::new(&server, &chrome);
    assert!(guest.get("/enroll").await.body.contains("Open this page in Safari"));
    assert_eq!(guest.get("/enroll/sign-in").await.led_to(), Some("/enroll"));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_language_is_the_browsers_and_can_be_switched() {
    let server = server().await;
    let mut guest = Guest::new(&server, &iphone("17.5"));
    guest.languages = "fr, de-CH;q=0.8".into();
    let page = guest.get("/enroll/sign-in").await;
    assert!(page.body.contains("<html lang=\"de\">") && page.body.contains("Benutzername"));
    assert_eq!(guest.post("/enroll/language", &[("language", "ja")]).await.led_to(), Some("/enroll"));
    let page = guest.get("/enroll/sign-in").await;
    assert!(page.body.contains("<html lang=\"ja\">") && page.body.contains("ユーザ名"));
    let back = guest.post("/enroll/language", &[("language", "en"), ("back", "about")]).await;
    assert_eq!(back.led_to(), Some("/enroll/about"));
    server.stop().await;
}

#[tokio::test]
async fn who_has_a_personal_device_with_ios_18_reads_before_they_sign_in_that_settings_is_the_way() {
    let server = TestServer::start().await;
    let sign_in = async |ios: &str| Guest::new(&server, &iphone(ios)).get("/enroll/sign-in").await.body;
    let (own, form) = ("Is this your own iPhone?", "name=\"password\"");
    let (before, since) = (sign_in("17.5").await, sign_in("18.2").await);
    assert!(!before.contains(own) && before.contains(form), "{before}");
    assert!(
        since.contains(own) && since.contains("If it belongs to Example School") && since.contains(form),
        "{since}"
    );
    // If the organization enrolls no devices of its own, nobody needs to sign in with such a device.
    server.settings(|settings| settings.ownership_kinds = [Ownership::Personal].into()).await;
    let personal = sign_in("18.2").await;
    assert!(personal.contains(own) && !personal.contains("If it belongs") && !personal.contains(form), "{personal}");
    server.settings(|settings| settings.account_driven.families.clear()).await;
    assert!(sign_in("18.2").await.contains(form), "account-driven enrollment is disabled");
    server.stop().await;
}

#[tokio::test]
async fn who_opens_the_address_at_a_desk_reads_about_the_warning_only_where_there_will_be_one() {
    let server = TestServer::start().await;
    let page = Guest::new(&server, WINDOWS).get("/enroll").await.body;
    assert!(page.contains("This Connection Is Not Private") && page.contains("Show Details"), "{page}");
    let directory = server.stop_keeping().await;
    let config = directory.path().join("muster/muster.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    let trusted: String =
        text.lines().filter(|line| !line.starts_with("tls_root")).map(|line| format!("{line}\n")).collect();
    assert_ne!(trusted, text);
    std::fs::write(&config, trusted).unwrap();
    let root = std::fs::read(directory.path().join("muster/pki/tls-root.pem")).unwrap();
    let server = TestServer::start_in(directory, &config).await;
    let root = reqwest::Certificate::from_pem(&root).unwrap();
    let client = harness::client_builder().add_root_certificate(root).build().unwrap();
    let page = client.get(format!("{}/enroll", server.url())).header("user-agent", WINDOWS).send().await.unwrap();
    let page = page.text().await.unwrap();
    assert!(page.contains("class=\"qr\"") && !page.contains("Not Private"), "{page}");
    server.stop().await;
}
