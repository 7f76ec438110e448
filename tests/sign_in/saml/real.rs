//! Complete sign-in at a real SAML provider, with each variant of its signatures.

use super::forge::{Signing, field};
use super::simplesamlphp::SimpleSaml;
use super::{CONSUMER, Forged, assert_told_nothing, come_back, enrollment_events, faults, guest, server_with, set_out};
use decisions::person::Person;
use events::enrollment::{EnrollmentEvent, Ownership, SignInMethodName, SingleSignOnFault as Fault};
use events::person::PersonId;
use events::settings::{AccessRule, Who};
use harness::TestServer;
use harness::guest::Answer;
use identity::config::Saml;
use serde_json::json;
use std::collections::BTreeSet;
use world::World;

/// Starts a server and a real provider that know each other. Returns `None` if the provider is not installed.
async fn school(test: &str, change: impl Fn(&mut Saml)) -> Option<(TestServer, SimpleSaml)> {
    let idp = SimpleSaml::start(test).await?;
    let server = server_with(World::system(), &idp.metadata().await, change).await;
    idp.knows(&server, |text| text).await;
    Some((server, idp))
}

/// Adds key pairs for signed requests and encrypted assertions. Their content does not matter.
fn with_keys(config: &mut Saml) {
    let own = super::forge::Idp::new();
    let folder = config.metadata.parent().unwrap();
    let (certificate, key) = (folder.join("own.pem"), folder.join("own.key"));
    std::fs::write(&certificate, own.certificate.to_pem().unwrap()).unwrap();
    std::fs::write(&key, own.key.private_key_to_pem_pkcs8().unwrap()).unwrap();
    (config.signing_certificate, config.signing_key) = (Some(certificate.clone()), Some(key.clone()));
    (config.decryption_certificate, config.decryption_key) = (Some(certificate), Some(key));
}

async fn sign_in(server: &TestServer, idp: &SimpleSaml, user: &str) -> Answer {
    let mut guest = guest(server);
    let onward = set_out(&mut guest).await;
    let (action, field) = idp.log_in(&onward, user).await;
    assert_eq!(action, format!("{}{CONSUMER}", server.url()));
    come_back(server, &mut guest, &field).await
}

async fn people(server: &TestServer) -> Vec<PersonId> {
    let signed_in = |event| match event {
        EnrollmentEvent::UserSignedIn { person, method: SignInMethodName::Saml, .. } => Some(person),
        _ => None,
    };
    enrollment_events(server).await.into_iter().filter_map(signed_in).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_signs_in_at_a_real_provider_and_is_known_by_what_it_tells() {
    let Some((server, idp)) = school("saml", |_| {}).await else { return };
    let answer = sign_in(&server, &idp, "alice").await;
    assert_eq!(answer.led_to(), Some("/enroll/ownership"), "{}", answer.body);
    sign_in(&server, &idp, "alice").await;
    sign_in(&server, &idp, "bob").await;
    let people = people(&server).await;
    assert_eq!(people[0], people[1]);
    assert_ne!(people[0], people[2]);
    let (person, _) = server.app().platform.load::<Person>(&people[0].stream()).await.unwrap();
    let told = |value: &Option<events::Personal<String>>| value.as_ref().map(|value| value.text().to_owned());
    assert_eq!(told(&person.attributes.display_name).as_deref(), Some("Alice Ångström & Søn"));
    assert_eq!(told(&person.attributes.mail).as_deref(), Some("alice@example.test"));
    assert_eq!(told(&person.attributes.managed_apple_id).as_deref(), Some("alice@appleid.example.test"));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_provider_is_believed_whatever_it_signs_and_not_if_it_signs_nothing() {
    let Some((server, idp)) = school("saml-signatures", |_| {}).await else { return };
    // This server's metadata asks for signed assertions. The request is removed, as by a provider that ignores it.
    idp.knows(&server, |text| text.replace("WantAssertionsSigned=\"true\"", "")).await;
    for (assertion, response) in [(true, true), (true, false), (false, true)] {
        idp.behaves(&json!({"saml20.sign.assertion": assertion, "saml20.sign.response": response}));
        let answer = sign_in(&server, &idp, "alice").await;
        assert_eq!(answer.led_to(), Some("/enroll/ownership"), "{assertion} {response}: {}", answer.body);
    }
    for algorithm in ["rsa-sha384", "rsa-sha512"] {
        idp.behaves(&json!({"signature.algorithm": format!("http://www.w3.org/2001/04/xmldsig-more#{algorithm}")}));
        assert_eq!(sign_in(&server, &idp, "alice").await.led_to(), Some("/enroll/ownership"), "{algorithm}");
    }
    assert_eq!(faults(&server).await, []);
    idp.behaves(&json!({"saml20.sign.assertion": false, "saml20.sign.response": false}));
    assert_told_nothing(&sign_in(&server, &idp, "alice").await);
    idp.behaves(&json!({"signature.algorithm": "http://www.w3.org/2000/09/xmldsig#rsa-sha1"}));
    assert_told_nothing(&sign_in(&server, &idp, "alice").await);
    idp.behaves(&json!({"authproc": [], "NameIDFormat": "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"}));
    idp.knows(&server, |text| text.replace("nameid-format:persistent", "nameid-format:transient")).await;
    assert_told_nothing(&sign_in(&server, &idp, "alice").await);
    assert_eq!(faults(&server).await, [Fault::Unsigned, Fault::AlgorithmRefused, Fault::SubjectMissing]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_real_provider_encrypts_with_cbc_is_refused_with_what_to_change_there() {
    let Some((server, idp)) = school("saml-encryption", with_keys).await else { return };
    // This provider encrypts only with AES-128-CBC.
    idp.behaves(&json!({"assertion.encryption": true}));
    assert_told_nothing(&sign_in(&server, &idp, "alice").await);
    idp.behaves(&json!({"assertion.encryption": true, "saml20.sign.response": false}));
    assert_told_nothing(&sign_in(&server, &idp, "alice").await);
    assert_eq!(faults(&server).await, [Fault::EncryptionRefused, Fault::Unsigned]);
    idp.behaves(&json!({"assertion.encryption": false}));
    assert_eq!(sign_in(&server, &idp, "alice").await.led_to(), Some("/enroll/ownership"));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_library_encrypts_with_gcm_is_read() {
    let Some(idp) = SimpleSaml::start("saml-gcm").await else { return };
    let forged = Forged::start(World::system(), |_| {}).await;
    let certificate = forged.server.app().config.identity.saml[0].decryption_certificate.clone().unwrap();
    for cipher in ["aes128-gcm", "aes192-gcm", "aes256-gcm"] {
        let (mut guest, request) = forged.begin().await;
        let facts = forged.facts(&request);
        let cipher = format!("http://www.w3.org/2009/xmlenc11#{cipher}");
        let encrypted = idp.encrypted(&forged.idp.signed_assertion(&facts), &certificate, &cipher);
        let response = facts.response(&encrypted);
        let document = forged.idp.signed(&response, &facts.response_id(), &Signing::default());
        let answer = come_back(&forged.server, &mut guest, &field(&document)).await;
        assert_eq!(answer.led_to(), Some("/enroll/ownership"), "{cipher}: {:?}", faults(&forged.server).await);
    }
    forged.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_provider_takes_our_signed_requests_and_no_others_then() {
    let Some((server, idp)) = school("saml-requests", with_keys).await else { return };
    assert_eq!(sign_in(&server, &idp, "alice").await.led_to(), Some("/enroll/ownership"));
    let onward = set_out(&mut guest(&server)).await;
    let (unsigned, signature) = onward.split_once("&SigAlg=").unwrap();
    assert!(idp.refuses(unsigned).await, "an unsigned request is accepted");
    let other = set_out(&mut guest(&server)).await;
    let (other, _) = other.split_once("&SigAlg=").unwrap();
    assert!(idp.refuses(&format!("{other}&SigAlg={signature}")).await, "a signature of another request is accepted");
    assert!(!idp.refuses(&onward).await);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_and_attributes_of_a_real_provider_decide_what_somebody_may_enroll() {
    let Some((server, idp)) = school("saml-groups", |_| {}).await else { return };
    for who in [Who::Group("physics".into()), Who::Claim { name: "department".into(), value: "Physics <1>".into() }] {
        let rule = AccessRule {
            name: "physicists".into(),
            who,
            provider: Some(super::SCHOOL.into()),
            enroll: BTreeSet::from([Ownership::Institutional]),
            account_driven: false,
            terms_required: false,
            devices_per_person: None,
        };
        server.settings(|settings| settings.access = vec![rule]).await;
        assert_eq!(sign_in(&server, &idp, "alice").await.led_to(), Some("/enroll/ca"));
        assert_eq!(sign_in(&server, &idp, "bob").await.led_to(), Some("/enroll/stopped"));
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_about_an_enrollment_travels_to_the_provider_or_back() {
    let Some((server, idp)) = school("saml-addresses", |_| {}).await else { return };
    let mut guest = guest(&server);
    guest.languages = "de".into();
    let onward = set_out(&mut guest).await;
    let names: Vec<String> =
        url::Url::parse(&onward).unwrap().query_pairs().map(|(name, _)| name.into_owned()).collect();
    assert_eq!(names, ["SAMLRequest"]);
    let cookie = guest.cookies["__Host-muster-enrollment"].clone();
    let (enrollment, secret) = cookie.split_once('.').unwrap();
    assert!(!super::request_id(&onward).contains(enrollment) && !onward.contains(secret));
    let (_, field) = idp.log_in(&onward, "alice").await;
    assert_eq!(come_back(&server, &mut guest, &field).await.led_to(), Some("/enroll/ownership"));
    assert_ne!(guest.cookies["__Host-muster-enrollment"], cookie, "the session must have a new secret");
    let page = guest.get("/enroll/ownership?language=en&ownership=institutional").await;
    assert!(page.body.contains("<html lang=\"de\">"), "{}", page.body);
    let events = enrollment_events(&server).await;
    assert!(!format!("{events:?}").contains(&super::request_id(&onward)), "the request's ID is in the log");
    assert!(idp.entity_id().starts_with("http://127.0.0.1"));
    server.stop().await;
}
