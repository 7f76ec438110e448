//! Sign-in with SAML: at a real identity provider (SimpleSAMLphp), and at one that forges answers.

mod attacks;
mod browser_walk;
pub mod console;
#[path = "../../crates/identity/src/saml/tests/corpus.rs"]
mod corpus;
#[path = "../../crates/identity/src/saml/tests/forge.rs"]
pub mod forge;
mod metadata;
mod once;
mod real;
mod simplesamlphp;

use events::Event;
use events::enrollment::{EnrollmentEvent, SingleSignOnFault};
use events::system::RefusalEvent;
use forge::{Facts, Idp};
use harness::TestServer;
use harness::guest::{Answer, Guest, iphone};
use identity::config::Saml;
use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use std::cell::Cell;
use std::path::Path;
use world::World;

/// The name of the provider in the configuration.
pub const SCHOOL: &str = "school";
const CONSUMER: &str = "/enroll/sso/school/acs";
const RETURN: &str = "/enroll/sso/school/return";

/// Returns a provider's configuration as an administrator writes it.
fn configuration(metadata: &Path) -> Saml {
    let text = format!(
        r#"name = "{SCHOOL}"
           title = "Example School"
           metadata = {metadata:?}
           managed_apple_id_attribute = "appleId"
           claims = ["department"]"#
    );
    toml::from_str(&text).unwrap()
}

/// Starts a server whose portal offers the provider that this metadata document describes.
async fn server_with(world: World, metadata: &str, change: impl Fn(&mut Saml)) -> TestServer {
    let server = TestServer::start_with(world, |config| {
        let path = config.store.directory.join("idp.xml");
        std::fs::write(&path, metadata).unwrap();
        let mut one = configuration(&path);
        change(&mut one);
        config.identity.saml.push(one);
    });
    let server = server.await;
    server.settings(|settings| settings.sign_in.enrollment.single_sign_on = vec![SCHOOL.into()]).await;
    server
}

fn guest(server: &TestServer) -> Guest {
    Guest::new(server, &iphone("17.5"))
}

/// Taps the button. Returns the provider's address to which the page leads.
async fn set_out(guest: &mut Guest) -> String {
    guest.get("/enroll/sign-in").await;
    let answer = guest.post("/enroll/sign-in/school", &[]).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.link("onward")
}

/// Posts like a browser at the provider: from the provider's site, without cookies of this server.
async fn post(server: &TestServer, path: &str, field: &str) -> Answer {
    let mut headers = HeaderMap::new();
    headers.insert("sec-fetch-site", HeaderValue::from_static("cross-site"));
    headers.insert("origin", HeaderValue::from_static("https://idp.example.test"));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
    let mut body = url::form_urlencoded::Serializer::new(String::new());
    body.append_pair("SAMLResponse", field);
    guest(server).request(Method::POST, path, headers, body.finish()).await
}

/// Posts the answer and follows the redirect, in one browser.
pub async fn come_back(server: &TestServer, guest: &mut Guest, field: &str) -> Answer {
    let posted = post(server, CONSUMER, field).await;
    assert_eq!(posted.led_to(), Some(RETURN), "{}", posted.body);
    keep_ticket(guest, &posted);
    guest.get(RETURN).await
}

/// Stores the cookie that the posting browser gets for an answer, if any.
fn keep_ticket(guest: &mut Guest, posted: &Answer) {
    if let Some((name, rest)) = posted.header("set-cookie").split_once('=') {
        assert_eq!(name, "__Host-muster-answer");
        guest.cookies.insert(name.to_owned(), rest.split(';').next().unwrap().to_owned());
    }
}

/// Returns the SAML request in an address that leads to the provider.
pub fn request(onward: &str) -> String {
    let url: url::Url = onward.parse().unwrap();
    let (_, encoded) = url.query_pairs().find(|(name, _)| name == "SAMLRequest").expect("there is a request");
    use base64::Engine as _;
    let compressed = base64::engine::general_purpose::STANDARD.decode(encoded.as_bytes()).unwrap();
    String::from_utf8(gamlastan::bindings::deflate::deflate_decompress(&compressed).unwrap()).unwrap()
}

/// Returns the ID of the request in an address that leads to the provider.
pub fn request_id(onward: &str) -> String {
    let text = request(onward);
    let (_, rest) = text.split_once(" ID=\"").unwrap();
    rest.split('"').next().unwrap().to_owned()
}

/// Returns every event of every enrollment.
async fn enrollment_events(server: &TestServer) -> Vec<EnrollmentEvent> {
    let events = server.events_of("enrollment").await;
    events.into_iter().filter_map(|event| EnrollmentEvent::try_from(event).ok()).collect()
}

/// Returns the reasons of refused answers in the order of the log, both in enrollments and without an enrollment.
pub async fn faults(server: &TestServer) -> Vec<SingleSignOnFault> {
    let fault = |event| match event {
        Event::Enrollment(EnrollmentEvent::SingleSignOnRefused { why, .. }) => Some(why),
        Event::Refusal(RefusalEvent::ResponseRefused { why, .. }) => Some(why),
        _ => None,
    };
    server.whole_log().await.into_iter().filter_map(|entry| fault(entry.event)).collect()
}

/// Asserts that the person only learned that sign-in failed, and that they may try again.
#[track_caller]
pub fn assert_told_nothing(answer: &Answer) {
    assert_eq!(answer.status, 401, "{}", answer.body);
    assert!(answer.body.contains("You were not signed in. Please try again."), "{}", answer.body);
    for told in ["signature", "assertion", "audience", "expired", "replay", "127.0.0.1"] {
        assert!(!answer.body.contains(told), "the page says {told:?}: {}", answer.body);
    }
}

/// Asserts that the person was told that it took too long.
#[track_caller]
pub fn assert_told_too_late(answer: &Answer) {
    assert_eq!(answer.status, 401, "{}", answer.body);
    assert!(answer.body.contains("That took too long."), "{}", answer.body);
}

/// A server whose provider is the forge, with methods that create answers.
pub struct Forged {
    pub server: TestServer,
    pub idp: Idp,
    own: Idp,
    serial: Cell<usize>,
}

impl Forged {
    pub async fn start(world: World, change: impl Fn(&mut Saml)) -> Forged {
        let (idp, own) = (Idp::new(), Idp::new());
        let folder = tempfile::tempdir().unwrap();
        let (certificate, key) = (folder.path().join("own.pem"), folder.path().join("own.key"));
        std::fs::write(&certificate, own.certificate.to_pem().unwrap()).unwrap();
        std::fs::write(&key, own.key.private_key_to_pem_pkcs8().unwrap()).unwrap();
        let metadata = idp.metadata();
        let server = server_with(world, &metadata, |config| {
            (config.decryption_certificate, config.decryption_key) = (Some(certificate.clone()), Some(key.clone()));
            change(config);
            // Some tests restart the server, so the files must remain.
            let beside = config.metadata.parent().unwrap().to_owned();
            for path in config.decryption_certificate.iter_mut().chain(config.decryption_key.iter_mut()) {
                let kept = beside.join(path.file_name().unwrap());
                std::fs::copy(&*path, &kept).unwrap();
                *path = kept;
            }
        });
        Forged { server: server.await, idp, own, serial: Cell::new(0) }
    }

    pub fn facts(&self, request: &str) -> Facts {
        self.serial.set(self.serial.get() + 1);
        Facts {
            audience: format!("{}/saml/{SCHOOL}/metadata", self.server.url()),
            consumer: format!("{}{CONSUMER}", self.server.url()),
            request: request.to_owned(),
            now: self.server.app().platform.world.now().0 / 1_000_000,
            serial: self.serial.get(),
            encrypt_to: Some(self.own.certificate.clone()),
        }
    }

    /// Starts a sign-in. Returns the visitor and the ID of the request.
    pub async fn begin(&self) -> (Guest, String) {
        let mut guest = guest(&self.server);
        let onward = set_out(&mut guest).await;
        (guest, request_id(&onward))
    }

    /// Returns a valid answer to a request.
    pub fn answer(&self, request: &str) -> String {
        forge::field(&self.idp.with_both_signed(&self.facts(request)))
    }
}
