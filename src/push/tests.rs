//! The pusher against the loopback push server, which speaks HTTP/2 and asks for the push certificate as APNs does.

use super::*;
use crate::pki::Pki;
use crate::pki::create::{Given, Made, Plan, create};
use crate::simulator::push_server::{PushServer, PushServerFiles};
use crate::world::World;

struct Bench {
    server: PushServer,
    pusher: Pusher,
    topic: String,
    push: crate::config::Push,
    _directory: tempfile::TempDir,
}

async fn bench() -> Bench {
    let directory = tempfile::tempdir().unwrap();
    let plan = Plan {
        organization: "Example",
        hosts: &["localhost".into(), "127.0.0.1".into()],
        trial: true,
        given: Given::default(),
    };
    let made: Made = create(&directory.path().join("pki"), &plan, &World::system()).unwrap();
    let files = made.push_server.as_ref().unwrap();
    let pem = |path: &Path| std::fs::read(path).unwrap();
    let files =
        PushServerFiles { certificate: pem(&files.certificate), key: pem(&files.key), client_ca: pem(&files.root) };
    let server = PushServer::start(&files, ([127, 0, 0, 1], 0).into()).await.unwrap();
    let push = made.push(&format!("https://localhost:{}", server.address().port()));
    let topic = Pki::load(&made.files, &push).unwrap().push_topic().unwrap().to_owned();
    Bench { server, pusher: Pusher::load(&push).unwrap().unwrap(), topic, push, _directory: directory }
}

impl Bench {
    async fn wake(&self, pusher: &Pusher, token: &[u8]) -> Outcome {
        let expires_unix = 1_800_000_000;
        pusher.wake(Notification { token, push_magic: "MAGIC", topic: &self.topic, expires_unix }).await
    }
}

#[tokio::test]
async fn a_device_is_woken_by_exactly_its_push_magic() {
    let bench = bench().await;
    let mut device = bench.server.connect(&bench.topic);
    let outcome = bench.wake(&bench.pusher, &device.token).await;
    assert!(matches!(outcome, Outcome::Accepted { apns_id: Some(_) }), "{outcome:?}");
    // The push server refuses any body but {"mdm": …}, any topic but the certificate's, and anything but HTTP/2.
    assert_eq!(device.next().await.as_deref(), Some("MAGIC"));
    assert_eq!(bench.server.received()[0].token, hex::encode(&device.token));
}

#[tokio::test]
async fn what_the_push_service_says_of_a_token_is_told_apart() {
    let bench = bench().await;
    let device = bench.server.connect(&bench.topic);
    let unknown = bench.wake(&bench.pusher, &[7; 32]).await;
    assert_eq!(unknown, Outcome::Rejected { status: 400, reason: "BadDeviceToken".into() });
    bench.server.refuse(&device.token, 410, "Unregistered");
    let gone = bench.wake(&bench.pusher, &device.token).await;
    assert!(matches!(gone, Outcome::Unregistered { since_unix_ms: Some(1_600_000_000_001..) }), "{gone:?}");
    bench.server.refuse(&device.token, 429, "TooManyRequests");
    let busy = bench.wake(&bench.pusher, &device.token).await;
    assert!(matches!(&busy, Outcome::RetryLater { reason, .. } if reason == "TooManyRequests"), "{busy:?}");
}

#[tokio::test]
async fn a_push_server_that_is_not_there_or_not_known_is_tried_again_and_its_error_tells_no_token() {
    let bench = bench().await;
    let token = [0xab; 32];
    let nobody = crate::config::Push { base_url: "https://localhost:1".into(), ..bench.push.clone() };
    let unknown_root = crate::config::Push { root: None, ..bench.push.clone() };
    for push in [nobody, unknown_root] {
        let pusher = Pusher::load(&push).unwrap().unwrap();
        let Outcome::RetryLater { reason, .. } = bench.wake(&pusher, &token).await else { panic!("{push:?}") };
        assert!(!reason.contains("abab"), "{reason}");
    }
    assert!(bench.server.received().is_empty());
}

#[tokio::test]
async fn what_is_wrong_with_the_configuration_is_said() {
    let bench = bench().await;
    let with = |change: fn(&mut crate::config::Push)| {
        let mut push = bench.push.clone();
        change(&mut push);
        Pusher::load(&push)
    };
    assert!(matches!(with(|push| push.certificate = None), Ok(None)));
    assert!(matches!(with(|push| push.key = None), Err(PushError::NoKey)));
    assert!(matches!(with(|push| push.key = Some("/nowhere/key.pem".into())), Err(PushError::File { .. })));
    assert!(matches!(with(|push| push.base_url = "http://localhost".into()), Err(PushError::BaseUrl(_))));
    assert!(matches!(with(|push| push.base_url = "https://localhost/3".into()), Err(PushError::BaseUrl(_))));
    assert!(matches!(with(|push| push.key.clone_from(&push.certificate)), Err(PushError::Key(_))));
}
