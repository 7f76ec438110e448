//! Tests of the pusher with the loopback push server, which uses HTTP/2 and requires the push certificate as APNs
//! does.

use super::*;
use pki::Pki;
use pki::create::{Given, Made, Plan, create};
use simulator::push_server::{Behaviour, DOCUMENTED, PushServer, PushServerFiles, Refusal};
use world::World;

struct Bench {
    server: PushServer,
    pusher: Pusher,
    topic: String,
    push: Push,
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
    let push = Push {
        base_url: format!("https://localhost:{}", server.address().port()),
        certificate: made.push_certificate.clone(),
        key: made.push_key.clone(),
        root: made.push_server.as_ref().map(|server| server.root.clone()),
    };
    let topic = Pki::load(&made.files, made.push()).unwrap().push_topic().unwrap().to_owned();
    Bench { server, pusher: Pusher::load(&push).unwrap().unwrap(), topic, push, _directory: directory }
}

impl Bench {
    async fn wake(&self, pusher: &Pusher, token: &[u8]) -> PushOutcome {
        let expires_unix = 1_800_000_000;
        pusher.wake(Notification { token, push_magic: "MAGIC", topic: &self.topic, expires_unix }).await
    }
}

#[tokio::test]
async fn a_device_is_woken_by_exactly_its_push_magic() {
    let bench = bench().await;
    let mut device = bench.server.connect(&bench.topic);
    let outcome = bench.wake(&bench.pusher, &device.token).await;
    assert!(matches!(outcome, PushOutcome::Accepted { apns_id: Some(_) }), "{outcome:?}");
    // The push server rejects any body but {"mdm": …}, any topic but the certificate's, and any protocol but HTTP/2.
    assert_eq!(device.next().await.as_deref(), Some("MAGIC"));
    assert_eq!(bench.server.received()[0].token, hex::encode(&device.token));
}

#[tokio::test]
async fn what_the_push_service_says_of_a_token_is_told_apart() {
    let bench = bench().await;
    let device = bench.server.connect(&bench.topic);
    let unknown = bench.wake(&bench.pusher, &[7; 32]).await;
    assert_eq!(unknown, PushOutcome::Rejected { status: 400, reason: "BadDeviceToken".into(), fault: Fault::Token });
    bench.server.refuse(&device.token, 410, "Unregistered");
    let gone = bench.wake(&bench.pusher, &device.token).await;
    assert!(matches!(gone, PushOutcome::Unregistered { since_unix_ms: Some(1_600_000_000_001..), .. }), "{gone:?}");
    bench.server.refuse(&device.token, 429, "TooManyRequests");
    let busy = bench.wake(&bench.pusher, &device.token).await;
    assert!(matches!(&busy, PushOutcome::RetryLater { reason, .. } if reason == "TooManyRequests"), "{busy:?}");
}

#[tokio::test]
async fn a_push_server_that_is_not_there_or_not_known_is_tried_again_and_its_error_tells_no_token() {
    let bench = bench().await;
    let token = [0xab; 32];
    let nobody = Push { base_url: "https://localhost:1".into(), ..bench.push.clone() };
    let unknown_root = Push { root: None, ..bench.push.clone() };
    for push in [nobody, unknown_root] {
        let pusher = Pusher::load(&push).unwrap().unwrap();
        let PushOutcome::RetryLater { reason, .. } = bench.wake(&pusher, &token).await else { panic!("{push:?}") };
        assert!(!reason.contains("abab"), "{reason}");
    }
    assert!(bench.server.received().is_empty());
}

#[tokio::test]
async fn what_is_wrong_with_the_configuration_is_said() {
    let bench = bench().await;
    let with = |change: fn(&mut Push)| {
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

#[tokio::test]
async fn every_documented_status_is_told_apart_over_the_wire() {
    let bench = bench().await;
    let device = bench.server.connect(&bench.topic);
    for (status, reason) in DOCUMENTED {
        bench.server.refuse(&device.token, status, reason);
        let told = match bench.wake(&bench.pusher, &device.token).await {
            PushOutcome::Accepted { .. } => panic!("{status} {reason} was treated as 200"),
            PushOutcome::Unregistered { reason, .. } => (410, reason, "gone"),
            PushOutcome::Rejected { status, reason, fault } => match fault {
                Fault::Token => (status, reason, "token"),
                Fault::Topic => (status, reason, "topic"),
                Fault::Request => (status, reason, "request"),
            },
            PushOutcome::RetryLater { trouble, status, reason, .. } => match trouble {
                Trouble::Device => (status.unwrap(), reason, "device"),
                Trouble::Service => (status.unwrap(), reason, "service"),
                Trouble::Certificate => (status.unwrap(), reason, "certificate"),
            },
        };
        let expected = match (status, reason) {
            (410, _) => "gone",
            (403, _) => "certificate",
            (_, "BadDeviceToken" | "MissingDeviceToken") => "token",
            (_, "BadTopic" | "MissingTopic" | "TopicDisallowed" | "DeviceTokenNotForTopic") => "topic",
            (429, "TooManyRequests") => "device",
            (429 | 500 | 503, _) | (400, "IdleTimeout") => "service",
            _ => "request",
        };
        assert_eq!(told, (status, reason.to_owned(), expected));
    }
}

#[tokio::test]
async fn retry_after_comes_through() {
    let bench = bench().await;
    let device = bench.server.connect(&bench.topic);
    let refusal = Refusal { retry_after: Some(77), ..Refusal::new(503, "ServiceUnavailable") };
    bench.server.always(&device.token, Some(Behaviour::Refuse(refusal)));
    let outcome = bench.wake(&bench.pusher, &device.token).await;
    assert!(matches!(outcome, PushOutcome::RetryLater { after_seconds: Some(77), .. }), "{outcome:?}");
}

#[tokio::test]
async fn hundreds_of_notifications_share_two_connections_and_one_overtakes_those_that_are_slow() {
    let bench = bench().await;
    let devices: Vec<_> = (0..300).map(|_| bench.server.connect(&bench.topic)).collect();
    bench.server.always_to_all(Some(Behaviour::Hold));
    bench.server.always(&devices[0].token, Some(Behaviour::Wait(Duration::ZERO)));
    let slow =
        futures_util::future::join_all(devices[1..].iter().map(|device| bench.wake(&bench.pusher, &device.token)));
    let quick = async {
        let all_wait = async {
            while bench.server.most_in_flight() < 299 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(120), all_wait).await.expect("the slow notifications are sent");
        let outcome = bench.wake(&bench.pusher, &devices[0].token).await;
        assert!(matches!(outcome, PushOutcome::Accepted { .. }), "{outcome:?}");
        assert_eq!(bench.server.received().len(), 1, "the others are held");
        bench.server.release();
    };
    let (slow, ()) = tokio::join!(slow, quick);
    assert!(slow.iter().all(|outcome| matches!(outcome, PushOutcome::Accepted { .. })), "{slow:?}");
    assert_eq!(bench.server.connections(), CONNECTIONS);
}

#[tokio::test]
async fn a_cut_connection_is_an_outcome_and_the_next_try_has_another() {
    let bench = bench().await;
    let device = bench.server.connect(&bench.topic);
    bench.server.next(&device.token, [Behaviour::Cut]);
    let outcome = bench.wake(&bench.pusher, &device.token).await;
    let PushOutcome::RetryLater { trouble: Trouble::Service, status: None, reason, .. } = outcome else {
        panic!("{outcome:?}")
    };
    assert!(!reason.contains(&hex::encode(&device.token)), "{reason}");
    let outcome = bench.wake(&bench.pusher, &device.token).await;
    assert!(matches!(outcome, PushOutcome::Accepted { .. }), "{outcome:?}");
}

#[tokio::test]
async fn a_connection_that_is_closed_in_good_order_loses_nothing() {
    let bench = bench().await;
    let device = bench.server.connect(&bench.topic);
    bench.server.next(&device.token, [Behaviour::GoAway, Behaviour::GoAway]);
    for _ in 0..10 {
        let outcome = bench.wake(&bench.pusher, &device.token).await;
        assert!(matches!(outcome, PushOutcome::Accepted { .. }), "{outcome:?}");
    }
    assert_eq!(bench.server.connections(), 2 * CONNECTIONS);
}

#[tokio::test]
async fn the_reason_in_a_goaway_is_understood() {
    let bench = bench().await;
    let device = bench.server.connect(&bench.topic);
    for (reason, expected) in [("BadCertificate", Trouble::Certificate), ("Shutdown", Trouble::Service)] {
        bench.server.greet_with_farewell(Some(reason));
        let outcome = bench.wake(&bench.pusher, &device.token).await;
        let PushOutcome::RetryLater { trouble, reason: told, .. } = &outcome else { panic!("{outcome:?}") };
        assert_eq!((*trouble, told.as_str()), (expected, reason));
    }
    bench.server.greet_with_farewell(None);
    assert!(matches!(bench.wake(&bench.pusher, &device.token).await, PushOutcome::Accepted { .. }));
}

/// With several threads, the client loses the reason more often than not.
#[tokio::test(flavor = "multi_thread")]
async fn the_reason_is_also_understood_where_the_farewell_was_quicker_than_the_request() {
    let bench = bench().await;
    let device = bench.server.connect(&bench.topic);
    for round in 0..5 {
        for _ in 0..CONNECTIONS {
            let outcome = bench.wake(&bench.pusher, &device.token).await;
            assert!(matches!(outcome, PushOutcome::Accepted { .. }), "round {round}: {outcome:?}");
        }
        bench.server.greet_with_farewell(Some("BadCertificate"));
        bench.server.cut_connections();
        for _ in 0..2 * CONNECTIONS {
            let outcome = bench.wake(&bench.pusher, &device.token).await;
            let PushOutcome::RetryLater { trouble, reason, .. } = &outcome else {
                panic!("round {round}: {outcome:?}")
            };
            assert_eq!((*trouble, reason.as_str()), (Trouble::Certificate, "BadCertificate"), "round {round}");
        }
        bench.server.greet_with_farewell(None);
    }
}

#[tokio::test]
async fn a_certificate_that_is_refused_in_the_handshake_is_told_apart() {
    let bench = bench().await;
    let stranger = self::bench().await;
    // The push certificate of another server, and the right root: the server does not know the certificate's CA.
    let push = Push { base_url: bench.push.base_url.clone(), root: bench.push.root.clone(), ..stranger.push.clone() };
    let pusher = Pusher::load(&push).unwrap().unwrap();
    let outcome = bench.wake(&pusher, &[7; 32]).await;
    assert!(matches!(outcome, PushOutcome::RetryLater { trouble: Trouble::Certificate, .. }), "{outcome:?}");
}

#[tokio::test]
async fn trouble_is_the_condition_until_a_push_gets_through() {
    let bench = bench().await;
    let device = bench.server.connect(&bench.topic);
    bench.server.next(&device.token, [Behaviour::Refuse(Refusal::new(503, "ServiceUnavailable"))]);
    let seen = std::sync::Mutex::new(vec![]);
    let notification =
        Notification { token: &device.token, push_magic: "MAGIC", topic: &bench.topic, expires_unix: 1_800_000_000 };
    let outcome = bench
        .pusher
        .deliver(notification, &World::system(), |outcome| {
            seen.lock().unwrap().push((matches!(outcome, PushOutcome::Accepted { .. }), bench.pusher.condition()));
        })
        .await;
    assert!(matches!(outcome, PushOutcome::Accepted { .. }), "{outcome:?}");
    let troubled = Condition::Troubled { reason: "ServiceUnavailable".into() };
    assert_eq!(*seen.lock().unwrap(), [(false, Condition::Well), (true, troubled)]);
    assert_eq!(bench.pusher.condition(), Condition::Well);
}

#[tokio::test]
async fn an_outage_of_more_tries_than_a_notification_has_is_waited_out() {
    let bench = bench().await;
    let mut device = bench.server.connect(&bench.topic);
    let refusal = Behaviour::Refuse(Refusal::new(503, "ServiceUnavailable"));
    bench.server.next(&device.token, std::iter::repeat_n(refusal, back_off::TRIES as usize));
    let token = device.token.clone();
    let notification =
        Notification { token: &token, push_magic: "MAGIC", topic: &bench.topic, expires_unix: 1_800_000_000 };
    let outcome = bench.pusher.deliver(notification, &World::system(), |_| ()).await;
    assert!(matches!(outcome, PushOutcome::Accepted { .. }), "{outcome:?}");
    assert_eq!(device.next().await.as_deref(), Some("MAGIC"));
    assert_eq!(bench.pusher.condition(), Condition::Well);
}

#[tokio::test]
async fn one_that_fails_again_and_again_while_others_get_through_is_left_and_leaves_no_trouble_behind() {
    let bench = bench().await;
    let (broken, other) = (bench.server.connect(&bench.topic), bench.server.connect(&bench.topic));
    bench.server.refuse(&broken.token, 500, "InternalServerError");
    let to = |token| Notification { token, push_magic: "MAGIC", topic: &bench.topic, expires_unix: 1_800_000_000 };
    let (world, tries) = (World::system(), AtomicUsize::new(0));
    let count = |_: &PushOutcome| {
        tries.fetch_add(1, Ordering::Relaxed);
    };
    let mut left = std::pin::pin!(bench.pusher.deliver(to(&broken.token), &world, count));
    let outcome = async {
        loop {
            tokio::select! {
                outcome = left.as_mut() => break outcome,
                got = bench.pusher.deliver(to(&other.token), &world, |_| ()) => assert!(matches!(got, PushOutcome::Accepted { .. })),
            }
        }
    };
    let outcome = tokio::time::timeout(Duration::from_secs(120), outcome).await.expect("the broken one is given up");
    assert!(matches!(outcome, PushOutcome::RetryLater { status: Some(500), .. }), "{outcome:?}");
    assert!(tries.load(Ordering::Relaxed) >= back_off::TRIES as usize);
    assert_eq!(bench.pusher.condition(), Condition::Well);
}
