//! Three ways to send a notification to every device.

use super::AT_ONCE;
use super::installation::{Enrolled, Installation, PUSH_MAGIC};
use events::log::Next;
use futures_util::StreamExt as _;
use openssl::pkey::PKey;
use push::{Notification, PushOutcome, Pusher};

const EXPIRES: i64 = 4_000_000_000;

async fn each<F: Future<Output = ()> + Send + 'static>(
    installation: &Installation,
    send: impl Fn(usize, Enrolled) -> F,
) {
    let sending = installation.devices.iter().cloned().enumerate().map(|(nth, device)| tokio::spawn(send(nth, device)));
    let mut sent = futures_util::stream::iter(sending).buffer_unordered(AT_ONCE);
    while let Some(sent) = sent.next().await {
        sent.expect("it was sent");
    }
}

/// Bare HTTP/2 requests: the unavoidable work.
pub async fn bare(installation: &Installation) {
    let push = &installation.app.config.push;
    let pem = |path: &Option<std::path::PathBuf>| std::fs::read(path.as_ref().expect("named")).expect("readable");
    let key = PKey::private_key_from_pem(&pem(&push.key)).expect("a key").private_key_to_pem_pkcs8().expect("PEM");
    let client = || {
        let identity = reqwest::Identity::from_pkcs8_pem(&pem(&push.certificate), &key).expect("an identity");
        let root = reqwest::Certificate::from_pem(&pem(&push.root)).expect("a root");
        let client = reqwest::Client::builder().identity(identity).add_root_certificate(root);
        client.http2_prior_knowledge().build().expect("a client")
    };
    let clients = [client(), client()];
    each(installation, |nth, device| {
        let url = format!("{}/3/device/{}", installation.base_url, hex::encode(device.token));
        let request = clients[nth % clients.len()].post(url).body(format!(r#"{{"mdm":"{PUSH_MAGIC}"}}"#));
        let request = request.header("apns-topic", installation.topic()).header("apns-push-type", "mdm");
        let request = request.header("apns-expiration", EXPIRES).header("content-type", "application/json");
        async move {
            let answer = request.send().await.expect("an answer");
            assert_eq!(answer.status(), 200);
        }
    })
    .await;
}

/// `push::Pusher`, with its concurrency gate and its retries.
pub async fn pusher(installation: &Installation) {
    let pusher = Pusher::load(&installation.app.config.push).expect("a push certificate").expect("usable");
    each(installation, |_, device| {
        let (pusher, world, topic) =
            (pusher.clone(), installation.app.platform.world.clone(), installation.topic().to_owned());
        async move {
            let notification =
                Notification { token: &device.token, push_magic: PUSH_MAGIC, topic: &topic, expires_unix: EXPIRES };
            let outcome = pusher.deliver(notification, &world, |_| {}).await;
            assert!(matches!(outcome, PushOutcome::Accepted { .. }), "{outcome:?}");
        }
    })
    .await;
}

/// A server whose projections and reactions find the commands in its log. Runs until every outcome is in the log.
pub async fn whole(installation: &Installation) {
    let app = installation.app.clone();
    let head = app.platform.log.store().head().await.expect("the log");
    let mut follow = app.platform.log.follow(head);
    let mut running = tokio::task::JoinSet::new();
    let (projections, log) = (app.platform.projections.clone(), app.platform.log.clone());
    running.spawn(async move {
        projections.run(log).await.expect("the projections follow");
    });
    let (_stop, stop) = tokio::sync::watch::channel(false);
    running.spawn(muster::reactions::run(app, stop));
    let mut missing = installation.devices.len();
    while missing > 0 {
        let Next::Events(events) = follow.next().await.expect("the log can be read") else { continue };
        missing -= events.recorded().iter().filter(|recorded| recorded.event.event_type == "DevicePushed").count();
    }
    running.shutdown().await;
}
