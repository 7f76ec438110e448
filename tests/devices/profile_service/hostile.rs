//! Tests of unknown clients, of other devices, and of devices that the settings refuse.

use super::{enrollments, scene};
use events::Event;
use events::enrollment::{EnrollmentEvent, EnrollmentRefusal, ProfileServiceRefusal};
use events::settings::{Limits, ProfileService as Setting};
use events::system::{DeviceRequestRefusal, RefusalEvent};
use harness::cast::{Scene, Visitor};
use harness::profile_service::{ASKS, taken};
use simulator::built_in::{BuiltIn, DeviceCa};
use simulator::device::{Device, DeviceError};
use simulator::keys::KeyPool;
use simulator::messages;
use simulator::model::{Family, Hardware};
use simulator::profile::ProfileService;
use simulator::safari::Opened;
use simulator::scep;
use simulator::signature::{self, Digest, Identity, Style};

const IOS: &str = "17.5";

fn iphone() -> Visitor {
    Visitor::institutional(Family::IPhone, IOS)
}

fn another_device(scene: &Scene, like: &Device) -> Device {
    let hardware = Hardware::new(Family::IPhone, IOS.parse().unwrap());
    let mut device = Device::new(hardware, KeyPool::fresh(), scene.push_server.clone());
    device.trust = like.trust.clone();
    device
}

/// Returns the status of the response to a message. A refusal must have an empty body.
async fn status(device: &Device, service: &ProfileService, message: Vec<u8>) -> u16 {
    match device.send_over_the_air(service, message, "it").await {
        Ok(_) => 200,
        Err(DeviceError::Refused { status, body, .. }) => {
            assert_eq!(body, "");
            status
        }
        Err(other) => panic!("{other}"),
    }
}

async fn refusals(scene: &Scene) -> Vec<ProfileServiceRefusal> {
    let why = |event| match event {
        EnrollmentEvent::ProfileServiceRefused { why, .. } => Some(why),
        _ => None,
    };
    enrollments(scene).await.into_iter().filter_map(why).collect()
}

async fn ended(scene: &Scene) -> Option<EnrollmentRefusal> {
    enrollments(scene).await.into_iter().find_map(|event| match event {
        EnrollmentEvent::EnrollmentRefused { why } => Some(why),
        _ => None,
    })
}

/// Asserts that the log contains nothing about this hardware.
async fn assert_forgotten(scene: &Scene, device: &Device) {
    let log = scene.server.whole_log().await;
    for told in [&device.hardware.udid, &device.hardware.serial_number] {
        assert!(
            !log.iter().any(|entry| entry.event.to_parts().1.to_string().contains(told.as_str())),
            "{told} is in the log"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_knows_no_challenge_is_refused_and_leaves_no_trace_on_any_enrollment() {
    let (scene, _file) = scene(true, ASKS).await;
    let (walk, service) = taken(&scene, iphone()).await;
    let (device, before) = (walk.device, scene.server.events_of("enrollment").await);
    let (id, secret) = service.challenge.as_deref().unwrap().rsplit_once('.').unwrap();
    let other_id = id.replace('7', "8");
    let guesses = [
        format!("{id}.{}", "A".repeat(secret.len())),
        format!("{id}."),
        format!("{}.{secret}", id.to_uppercase()),
        format!("{other_id}.{secret}"),
        secret.to_owned(),
        id.replacen("profile-service", "challenge", 1) + "." + secret,
    ];
    for guess in guesses {
        let asks = ProfileService { challenge: Some(guess.clone()), ..service.clone() };
        let message = device.sign_built_in(&device.attributes(&asks)).unwrap();
        assert_eq!(status(&device, &service, message).await, 403, "{guess}");
    }
    let none = ProfileService { challenge: None, ..service.clone() };
    let message = device.sign_built_in(&device.attributes(&none)).unwrap();
    assert_eq!(status(&device, &service, message).await, 400);
    assert_eq!(scene.server.events_of("enrollment").await, before);
    let refused = |why| Event::Refusal(RefusalEvent::DeviceRequestRefused { why, device: None });
    let mut on_record = vec![refused(DeviceRequestRefusal::ProfileServiceUnknown); 6];
    on_record.push(refused(DeviceRequestRefusal::NotUnderstood));
    assert_eq!(scene.server.events_of("refusals").await, on_record);
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_message_of_a_device_is_refused_and_leaves_nothing_but_refusals() {
    let (scene, _file) = scene(true, ASKS).await;
    let (walk, service) = taken(&scene, iphone()).await;
    let (device, before) = (walk.device, scene.server.whole_log().await.len());
    let xml = device.attributes(&service);
    let list = |inner: &str| format!("<?xml version=\"1.0\"?><plist version=\"1.0\">{inner}</plist>").into_bytes();
    let mut binary = Vec::new();
    plist::Value::Dictionary(messages::device_attributes(&device.hardware, "", &service.attributes, None))
        .to_writer_binary(&mut binary)
        .unwrap();
    let entity = "<?xml version=\"1.0\"?><!DOCTYPE plist [<!ENTITY x \"y\">]><plist><dict/></plist>";
    for content in [
        binary,
        entity.as_bytes().to_vec(),
        list("<array/>"),
        list(&"<array>".repeat(5_000)),
        list("<dict><key>UDID</key><integer>1</integer></dict>"),
        b"hello".to_vec(),
    ] {
        let message = device.sign_built_in(&content).unwrap();
        assert_eq!(status(&device, &service, message).await, 400);
    }
    let whole = device.sign_built_in(&xml).unwrap();
    let too_long = device.sign_built_in(&[xml.clone(), vec![b' '; 64 * 1024]].concat()).unwrap();
    for message in [vec![], xml.clone(), whole[..whole.len() / 2].to_vec(), too_long, [0x30, 0x80].repeat(9_000)] {
        assert_eq!(status(&device, &service, message).await, 400);
    }
    let client = device.trust.client().unwrap();
    assert_eq!(client.get(&service.url).send().await.unwrap().status().as_u16(), 404);
    let log = scene.server.whole_log().await;
    let left: Vec<String> = log[before..].iter().map(|entry| entry.event.type_name()).collect();
    assert_eq!(left, ["DeviceRequestRefused"; 11]);
    // The message is accepted with any content type.
    let answer = client.post(&service.url).header("Content-Type", "text/plain").body(whole).send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 200);
    assert_eq!(answer.headers()["content-type"], "application/x-apple-aspen-config");
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_its_signature_does_not_fit_is_refused_on_record() {
    let (scene, _file) = scene(true, ASKS).await;
    let (walk, service) = taken(&scene, iphone()).await;
    let device = walk.device;
    let mut message = device.sign_built_in(&device.attributes(&service)).unwrap();
    let product = b"iPhone14,5";
    let at = message.windows(product.len()).position(|window| window == product).unwrap();
    message[at + 9] = b'6';
    for _ in 0..3 {
        assert_eq!(status(&device, &service, message.clone()).await, 403);
    }
    assert_eq!(
        refusals(&scene).await,
        [ProfileServiceRefusal::SignatureInvalid],
        "recorded once, for any number of attempts"
    );
    assert_forgotten(&scene, &device).await;
    device.be_verified(&service).await.unwrap();
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_challenge_is_good_for_the_first_device_that_answers_it() {
    let (scene, _file) = scene(true, ASKS).await;
    let (walk, service) = taken(&scene, iphone()).await;
    let device = walk.device;
    device.be_verified(&service).await.unwrap();
    let other = another_device(&scene, &device);
    let message = other.sign_built_in(&other.attributes(&service)).unwrap();
    assert_eq!(status(&other, &service, message).await, 403);
    // The other device reports the identifiers of the first one.
    let message = other.sign_built_in(&device.attributes(&service)).unwrap();
    assert_eq!(status(&other, &service, message).await, 403);
    assert_eq!(refusals(&scene).await, [ProfileServiceRefusal::AnotherDevice]);
    assert_forgotten(&scene, &other).await;
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_device_that_installs_the_profile_of_a_verified_one_is_refused() {
    let (scene, _file) = scene(true, ASKS).await;
    let (mut walk, service) = taken(&scene, iphone()).await;
    let by = walk.device.be_verified(&service).await.unwrap();
    // The served profile is copied to another device.
    let message = signature::attached(&walk.device.attributes(&service), &by, &[], Style::REAL).unwrap();
    let client = walk.device.trust.client().unwrap();
    let file = client.post(&service.url).body(message).send().await.unwrap().bytes().await.unwrap().to_vec();
    let mut other = another_device(&scene, &walk.device);
    other.download(file);
    let refused = other.install().await;
    assert!(matches!(refused, Err(DeviceError::Refused { status: 403, .. })), "{refused:?}");
    assert_eq!(ended(&scene).await, Some(EnrollmentRefusal::OtherDevice));
    assert!(scene.server.events_of("device").await.is_empty());
    assert_forgotten(&scene, &other).await;
    let Opened::Page(page) = walk.safari.open(&scene.address()).await.unwrap() else { panic!("no page") };
    assert!(page.text.contains("Another device"), "{}", page.text);
    // After that, the server also refuses the requests of the verified device.
    let message = walk.device.sign_built_in(&walk.device.attributes(&service)).unwrap();
    assert_eq!(status(&walk.device, &service, message).await, 403);
    assert!(walk.device.ask_as_verified(&service, &by).await.is_err());
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_identity_to_be_verified_by_opens_nothing_else() {
    let (scene, _file) = scene(true, ASKS).await;
    let (walk, service) = taken(&scene, iphone()).await;
    let device = walk.device;
    let by = device.be_verified(&service).await.unwrap();
    // The identity gives no access to check-ins or commands.
    let body = messages::xml(&messages::dictionary([("Status", "Idle".into()), ("UDID", "x".into())]));
    let signed = signature::mdm_signature(&body, &by, Style::REAL).unwrap();
    let client = device.trust.client().unwrap();
    for endpoint in ["checkin", "command"] {
        let url = format!("{}/mdm/{endpoint}", scene.server.url());
        let answer = client.put(url).header("Mdm-Signature", &signed).body(body.clone()).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 403, "{endpoint}");
    }
    // The identity cannot be renewed by SCEP.
    let profile = device.ask_as_verified(&service, &by).await.unwrap();
    let payload = profile.scep.unwrap();
    let key = by.key.clone();
    assert!(scep::renew(&client, &payload, device.hardware.ios, &by, key).await.is_err());
    // The identity expires within a day.
    let left = openssl::asn1::Asn1Time::days_from_now(0).unwrap().diff(by.certificate.not_after()).unwrap();
    assert!(left.days <= 1, "{left:?}");
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_else_signs_with_a_verified_devices_certificate_is_refused_on_record() {
    let (scene, _file) = scene(true, ASKS).await;
    let (walk, service) = taken(&scene, iphone()).await;
    let device = walk.device;
    let by = device.be_verified(&service).await.unwrap();
    let thief = Identity::new(by.certificate.clone(), KeyPool::fresh().take(2048).await.unwrap());
    let message = signature::attached(&device.attributes(&service), &thief, &[], Style::REAL).unwrap();
    assert_eq!(status(&device, &service, message).await, 403);
    let mut renamed = messages::device_attributes(&device.hardware, "", &service.attributes, None);
    renamed.insert("UDID".into(), "another".into());
    let message = signature::attached(&messages::xml(&renamed), &by, &[], Style::REAL).unwrap();
    assert_eq!(status(&device, &service, message).await, 403);
    let on_record = [ProfileServiceRefusal::SignatureInvalid, ProfileServiceRefusal::AnotherDevice];
    assert_eq!(refusals(&scene).await, on_record);
    // A certificate that the server issued, but for another purpose than to verify a device.
    let enrolled = scene.enroll(Visitor::institutional(Family::IPad, IOS)).await;
    let own = &enrolled.management().unwrap().identity;
    let message = signature::attached(&enrolled.attributes(&service), own, &[], Style::REAL).unwrap();
    assert_eq!(status(&enrolled, &service, message).await, 403);
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_only_genuine_devices_may_others_are_refused_and_nothing_of_them_is_kept() {
    let only_genuine = Setting { enabled: true, genuine_devices_only: true };
    let (scene, _file) = scene(true, only_genuine).await;
    scene.enroll(iphone()).await;
    let (mut walk, service) = taken(&scene, Visitor::institutional(Family::IPad, IOS)).await;
    let foreign = DeviceCa::new().unwrap();
    let identity = foreign.issue("a device", 1024, Digest::Sha256, walk.device.clock.now()).unwrap();
    walk.device.built_in = BuiltIn::given(identity, vec![foreign.certificate().clone()]);
    let refused = walk.device.be_verified(&service).await;
    assert!(matches!(refused, Err(DeviceError::Refused { status: 403, .. })));
    assert_eq!(ended(&scene).await, Some(EnrollmentRefusal::NotGenuine));
    assert_forgotten(&scene, &walk.device).await;
    let Opened::Page(page) = walk.safari.open(&scene.address()).await.unwrap() else { panic!("no page") };
    assert!(page.text.contains("prove to be from Apple"), "{}", page.text);
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_hold_before_the_profile_leaves_and_nothing_of_the_device_is_kept() {
    let (scene, _file) = scene(true, ASKS).await;
    let models = Limits { models: ["iPhone99,".to_owned()].into(), ..Limits::default() };
    scene.server.settings(|settings| settings.limits = models).await;
    let (walk, service) = taken(&scene, iphone()).await;
    let refused = walk.device.be_verified(&service).await;
    assert!(matches!(refused, Err(DeviceError::Refused { status: 403, .. })));
    assert_eq!(ended(&scene).await, Some(EnrollmentRefusal::ModelNotPermitted));
    assert!(!enrollments(&scene).await.iter().any(|event| matches!(event, EnrollmentEvent::MdmProfileServed { .. })));
    assert_forgotten(&scene, &walk.device).await;
    scene.strike().await;
}
