//! Tests of the push server with an independent client.

use super::{PushServer, PushServerFiles};
use openssl::asn1::Asn1Time;
use openssl::bn::BigNum;
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::x509::extension::{BasicConstraints, SubjectAlternativeName};
use openssl::x509::{X509, X509NameBuilder};

const TOPIC: &str = "com.apple.mgmt.External.00000000-0000-4000-8000-000000000000";

struct Pair {
    certificate: X509,
    key: PKey<Private>,
}

fn issue(common_name: &str, uid: Option<&str>, issuer: Option<&Pair>) -> Pair {
    let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
    let mut name = X509NameBuilder::new().unwrap();
    if let Some(uid) = uid {
        name.append_entry_by_text("UID", uid).unwrap();
    }
    name.append_entry_by_text("CN", common_name).unwrap();
    let name = name.build();
    let mut builder = X509::builder().unwrap();
    builder.set_version(2).unwrap();
    builder.set_serial_number(&BigNum::from_u32(7).unwrap().to_asn1_integer().unwrap()).unwrap();
    builder.set_subject_name(&name).unwrap();
    builder.set_issuer_name(issuer.map_or(&name, |issuer| issuer.certificate.subject_name())).unwrap();
    builder.set_pubkey(&key).unwrap();
    builder.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
    builder.set_not_after(&Asn1Time::days_from_now(2).unwrap()).unwrap();
    if issuer.is_none() {
        builder.append_extension(BasicConstraints::new().critical().ca().build().unwrap()).unwrap();
    } else {
        let context = builder.x509v3_context(issuer.map(|issuer| &*issuer.certificate), None);
        let names = SubjectAlternativeName::new().ip("127.0.0.1").build(&context).unwrap();
        builder.append_extension(names).unwrap();
    }
    builder.sign(issuer.map_or(&key, |issuer| &issuer.key), MessageDigest::sha256()).unwrap();
    Pair { certificate: builder.build(), key }
}

struct Bench {
    server: PushServer,
    ca: Pair,
}

async fn bench() -> Bench {
    let ca = issue("Push CA", None, None);
    let own = issue("push server", None, Some(&ca));
    let files = PushServerFiles {
        certificate: own.certificate.to_pem().unwrap(),
        key: own.key.private_key_to_pem_pkcs8().unwrap(),
        client_ca: ca.certificate.to_pem().unwrap(),
    };
    Bench { server: PushServer::start(&files, ([127, 0, 0, 1], 0).into()).await.unwrap(), ca }
}

impl Bench {
    fn client(&self, identity: Option<&Pair>) -> reqwest::Client {
        let root = reqwest::Certificate::from_der(&self.ca.certificate.to_der().unwrap()).unwrap();
        let mut builder = reqwest::Client::builder().add_root_certificate(root);
        if let Some(Pair { certificate, key }) = identity {
            let (certificate, key) = (certificate.to_pem().unwrap(), key.private_key_to_pem_pkcs8().unwrap());
            builder = builder.identity(reqwest::Identity::from_pkcs8_pem(&certificate, &key).unwrap());
        }
        builder.build().unwrap()
    }

    fn pusher(&self) -> reqwest::Client {
        self.client(Some(&issue("APSP", Some(TOPIC), Some(&self.ca))))
    }

    fn url(&self, token: &[u8]) -> String {
        format!("https://{}/3/device/{}", self.server.address(), hex::encode(token))
    }
}

#[tokio::test]
async fn a_notification_over_http2_wakes_the_device() {
    let bench = bench().await;
    let mut device = bench.server.connect(TOPIC);
    let request = bench.pusher().post(bench.url(&device.token)).header("apns-topic", TOPIC);
    let answer = request.header("apns-push-type", "mdm").body(r#"{"mdm":"MAGIC"}"#).send().await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.version()), (200, reqwest::Version::HTTP_2));
    assert!(answer.headers().contains_key("apns-id"));
    assert_eq!(device.next().await.as_deref(), Some("MAGIC"));
    let received = bench.server.received();
    assert_eq!((received[0].push_magic.as_deref(), received[0].topic.as_str()), (Some("MAGIC"), TOPIC));
}

#[tokio::test]
async fn nobody_gets_in_without_a_push_certificate_of_its_ca() {
    let bench = bench().await;
    let device = bench.server.connect(TOPIC);
    let stranger = issue("APSP", Some(TOPIC), Some(&issue("Another CA", None, None)));
    for client in [bench.client(None), bench.client(Some(&stranger))] {
        assert!(client.post(bench.url(&device.token)).body(r#"{"mdm":"MAGIC"}"#).send().await.is_err());
    }
    assert!(bench.server.received().is_empty());
}

#[tokio::test]
async fn what_is_wrong_is_refused_as_apns_does() {
    let bench = bench().await;
    let (device, foreign) = (bench.server.connect(TOPIC), bench.server.connect("com.apple.mgmt.External.other"));
    let (url, good) = (bench.url(&device.token), r#"{"mdm":"M"}"#);
    let unknown = bench.url(&[7; 32]);
    for (url, topic, body, status, reason) in [
        (&url, TOPIC, r#"{"aps":{},"mdm":"M"}"#, 400, "BadPayload"),
        (&url, TOPIC, "{}", 400, "BadPayload"),
        (&url, "com.apple.mgmt.else", good, 400, "BadTopic"),
        (&unknown, TOPIC, good, 400, "BadDeviceToken"),
        (&bench.url(&foreign.token), TOPIC, good, 400, "DeviceTokenNotForTopic"),
    ] {
        let request = bench.pusher().post(url.as_str()).header("apns-topic", topic).body(body);
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status().as_u16(), status, "{reason}");
        assert!(answer.text().await.unwrap().contains(reason), "{reason}");
    }
}

#[tokio::test]
async fn a_token_can_be_unregistered() {
    let bench = bench().await;
    let device = bench.server.connect(TOPIC);
    bench.server.refuse(&device.token, 410, "Unregistered");
    let answer = bench.pusher().post(bench.url(&device.token)).body(r#"{"mdm":"M"}"#).send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 410);
    let body: serde_json::Value = answer.json().await.unwrap();
    assert_eq!(body["reason"], "Unregistered");
    assert!(body["timestamp"].as_i64().unwrap() > 1_600_000_000_000);
}
