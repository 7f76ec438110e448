//! Tests of pushes with a real server: the effect of each response of the push service, the number of pushes, and that
//! no push is lost if a connection is slow or cut or the server is killed.

use devices::commands::security_info;
use events::device::{CommandId, DeviceEvent, DeviceId};
use events::log::Entry;
use events::{Actor, ActorKind, Event};
use harness::cast::{Scene, Visitor, id_of};
use harness::logs;
use harness::process::Installation;
use harness::waiting::{PATIENCE, seen, until};
use platform::context::Context;
use simulator::commands::Reply;
use simulator::device::Device;
use simulator::messages;
use simulator::model::Family;
use simulator::push_server::{Behaviour, DOCUMENTED, Refusal};
use std::sync::Arc;
use std::time::{Duration, Instant};
use world::{ManualClock, World};

/// Queues a command and returns its event.
async fn ask(scene: &Scene, id: DeviceId) -> Entry {
    let app = scene.server.app();
    let context = Context::of(Actor::new(ActorKind::Operator, "test"), None, app.platform.world.uuid());
    let command = CommandId(app.platform.world.uuid());
    app.devices.queue_command(id, command, &security_info(), &context).await.unwrap();
    let is_it = |entry: &Entry| matches!(entry.event, Event::Device(DeviceEvent::MdmCommandQueued { command: queued, .. }) if queued == command);
    scene.server.log_of(&id.stream()).await.into_iter().find(is_it).expect("the command is queued")
}

fn is_outcome(event: &Event) -> bool {
    matches!(event, Event::Device(DeviceEvent::DevicePushed { .. } | DeviceEvent::PushFailed { .. }))
}

/// Returns the outcome of the push that `cause` requires.
async fn outcome(scene: &Scene, cause: &Entry) -> DeviceEvent {
    let outcome = async || {
        let stream = scene.server.log_of(&cause.stream).await;
        let found = stream.into_iter().find(|entry| is_outcome(&entry.event) && entry.causation == Some(cause.id));
        found.and_then(|entry| DeviceEvent::try_from(entry.event).ok())
    };
    seen("the outcome of the push", outcome).await
}

async fn outcomes(scene: &Scene, id: DeviceId) -> usize {
    scene.server.log_of(&id.stream()).await.iter().filter(|entry| is_outcome(&entry.event)).count()
}

/// Waits until every required push has its outcome in the log.
async fn settled(scene: &Scene) {
    scene.server.settled().await;
    until("no push is in flight", async || scene.push_server.in_flight() == 0).await;
}

fn token_of(device: &Device) -> Vec<u8> {
    device.management().unwrap().push.token.clone()
}

fn metric(scene: &Scene, line: &str) -> u64 {
    let text = scene.server.app().platform.metrics.render();
    text.lines().find_map(|shown| shown.strip_prefix(line)?.trim().parse().ok()).unwrap_or(0)
}

fn alarms(scene: &Scene, alarm: &str) -> u64 {
    metric(scene, &format!("muster_alarms_total{{alarm=\"{alarm}\"}}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_documented_status_leads_to_its_outcome_in_the_log_and_to_its_alarm() {
    let scene = Scene::set().await;
    let mut device = scene.enroll(Visitor::institutional(Family::IPhone, "17.5")).await;
    let id = id_of(&device);
    scene.quiet().await;
    // Responses that stop all pushes are each waited out. Of those about the certificate, which take longest, only one
    // is tested here; `push::tests` distinguishes all of them.
    let once = |status: u16, reason: &str| status != 403 || reason == "BadCertificate";
    for (status, reason) in DOCUMENTED.into_iter().filter(|(status, reason)| once(*status, reason)) {
        let passes = matches!(status, 403 | 429 | 500 | 503) || reason == "IdleTimeout";
        let refusal = Behaviour::Refuse(Refusal::new(status, reason));
        scene.push_server.next(&token_of(&device), [refusal]);
        let cause = ask(&scene, id).await;
        match outcome(&scene, &cause).await {
            DeviceEvent::DevicePushed { apns_id, .. } => {
                assert!(passes && apns_id.is_some(), "{status} {reason} must not be retried");
            }
            DeviceEvent::PushFailed { status: told, reason: why, unregistered_since } => {
                assert!(!passes, "{status} {reason} must be retried");
                assert_eq!((told, why.as_str()), (Some(status), reason));
                assert_eq!(unregistered_since.is_some(), status == 410, "{reason}");
            }
            other => panic!("{other:?}"),
        }
        if status == 410 {
            device.renew_push_token().await.unwrap();
        }
        device.poll().await.unwrap();
        quiet_soon(&scene, id).await;
    }
    assert!(alarms(&scene, "push-certificate-refused") >= 1);
    assert_eq!(alarms(&scene, "push-topic-refused"), 4);
    assert!(alarms(&scene, "push-request-refused") >= 8);
    let said = logs::so_far();
    assert!(!said.contains(&hex::encode(token_of(&device))), "the log contains a token");
    scene.strike().await;
}

/// Waits until the pushes to a new token have ended, so that they do not use a response that is meant for the next
/// push.
async fn quiet_soon(scene: &Scene, id: DeviceId) {
    let device = scene.server.app().platform.device(id).await.unwrap();
    assert_eq!(device.waiting().count(), 0);
    settled(scene).await;
    scene.server.caught_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_queued_while_a_push_is_on_its_way_share_one_more() {
    let scene = Scene::set().await;
    let mut device = scene.enroll(Visitor::personal(Family::IPhone, "17.5")).await;
    let (id, token) = (id_of(&device), token_of(&device));
    scene.quiet().await;
    let (before, in_log) = (scene.push_server.received().len(), outcomes(&scene, id).await);
    scene.push_server.next(&token, [Behaviour::Hold]);
    ask(&scene, id).await;
    until("the first push is in flight", async || scene.push_server.in_flight() == 1).await;
    for _ in 0..4 {
        ask(&scene, id).await;
    }
    let last = ask(&scene, id).await;
    // The followers of the log read what was appended together, so the pushes know of all commands now.
    scene.server.caught_up().await;
    scene.push_server.release();
    assert!(matches!(outcome(&scene, &last).await, DeviceEvent::DevicePushed { .. }));
    scene.quiet().await;
    assert_eq!(
        scene.push_server.received().len() - before,
        2,
        "one for the first command, and one for the five that followed"
    );
    assert_eq!(outcomes(&scene, id).await - in_log, 2);
    assert_eq!(device.poll().await.unwrap().len(), 6);
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_comes_by_itself_while_its_push_is_on_the_way_is_not_woken_again() {
    let scene = Scene::set().await;
    let mut device = scene.enroll(Visitor::personal(Family::IPhone, "17.5")).await;
    let (id, token) = (id_of(&device), token_of(&device));
    scene.quiet().await;
    scene.push_server.next(&token, [Behaviour::Hold]);
    let before = scene.push_server.received().len();
    ask(&scene, id).await;
    until("the push is in flight", async || scene.push_server.in_flight() == 1).await;
    ask(&scene, id).await;
    assert_eq!(device.poll().await.unwrap().len(), 2);
    scene.push_server.release();
    scene.quiet().await;
    assert_eq!(scene.push_server.received().len() - before, 1);
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_push_holds_up_nobody_and_a_cut_connection_loses_none() {
    let scene = Scene::set().await;
    let slow = scene.enroll(Visitor::personal(Family::IPhone, "17.5")).await;
    let quick = scene.enroll(Visitor::personal(Family::IPad, "17.5")).await;
    scene.quiet().await;
    scene.push_server.next(&token_of(&slow), [Behaviour::Hold]);
    let waits = ask(&scene, id_of(&slow)).await;
    until("the slow push is in flight", async || scene.push_server.in_flight() == 1).await;
    let cause = ask(&scene, id_of(&quick)).await;
    assert!(matches!(outcome(&scene, &cause).await, DeviceEvent::DevicePushed { .. }));
    // Both connections are cut: the slow one during its response, the next one of the quick device as it arrives.
    scene.push_server.next(&token_of(&quick), [Behaviour::Cut]);
    scene.push_server.cut_connections();
    let cause = ask(&scene, id_of(&quick)).await;
    for cause in [&waits, &cause] {
        let outcome = outcome(&scene, cause).await;
        assert!(matches!(outcome, DeviceEvent::DevicePushed { .. }), "{outcome:?}");
    }
    assert!(metric(&scene, "muster_pushes_total{outcome=\"unreachable\"}") >= 1);
    scene.push_server.go_away();
    let cause = ask(&scene, id_of(&slow)).await;
    assert!(matches!(outcome(&scene, &cause).await, DeviceEvent::DevicePushed { .. }));
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_costs_a_few_tries_and_everybody_is_woken_after_it() {
    let scene = Scene::set().await;
    let mut devices = Vec::new();
    for _ in 0..6 {
        devices.push(scene.enroll(Visitor::personal(Family::IPhone, "17.5")).await);
    }
    scene.quiet().await;
    let refusal = Refusal { retry_after: Some(2), ..Refusal::new(503, "ServiceUnavailable") };
    scene.push_server.always_to_all(Some(Behaviour::Refuse(refusal)));
    // One push detects the outage; the other pushes follow when it is known.
    let before = scene.push_server.received().len();
    let begun = Instant::now();
    let mut causes = vec![ask(&scene, id_of(&devices[0])).await];
    until("the outage is detected", async || scene.push_server.received().len() > before).await;
    until("the outage is reported", async || scene.server.app().devices.push_notice().is_some()).await;
    for device in &devices[1..] {
        causes.push(ask(&scene, id_of(device)).await);
    }
    // Compares durations, because the server must obey the pause that the push service asks for. On any machine, at
    // least the requested two seconds pass between two attempts.
    let tries =
        seen("the third try", async || Some(scene.push_server.received().len() - before).filter(|tries| *tries >= 3));
    let (tries, took) = (tries.await, begun.elapsed());
    assert!(took >= Duration::from_secs(2) * (tries as u32 - 1), "Retry-After: 2, but {tries} attempts in {took:?}");
    scene.push_server.always_to_all(None);
    for cause in &causes {
        assert!(matches!(outcome(&scene, cause).await, DeviceEvent::DevicePushed { .. }));
    }
    assert_eq!(scene.server.app().devices.push_notice(), None);
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_token_is_pushed_to_no_more_until_the_device_says_it_again() {
    let scene = Scene::set().await;
    let mut device = scene.enroll(Visitor::personal(Family::IPhone, "17.5")).await;
    let (id, token) = (id_of(&device), token_of(&device));
    scene.quiet().await;
    scene.push_server.next(&token, [Behaviour::Refuse(Refusal::new(410, "Unregistered"))]);
    let cause = ask(&scene, id).await;
    let DeviceEvent::PushFailed { status: Some(410), unregistered_since: Some(_), .. } = outcome(&scene, &cause).await
    else {
        panic!("410")
    };
    let before = scene.push_server.received().len();
    ask(&scene, id).await;
    scene.quiet().await;
    assert_eq!(scene.push_server.received().len(), before, "no push is sent to a dead token");

    let management = device.management().unwrap();
    let (identifier, topic) = (&management.identifier, &management.mdm.topic);
    let same = messages::token_update(identifier, topic, &token, &management.push_magic, None);
    let body = messages::xml(&same);
    let url = management.mdm.check_in_url.clone();
    let answer = device.send(management, &url, "application/x-apple-aspen-mdm-checkin", &body).await.unwrap();
    assert_eq!(answer.status, 200);
    let handled = device.serve_once(PATIENCE).await.unwrap();
    assert_eq!(handled.len(), 2, "both commands");
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_410_from_before_the_token_was_told_does_not_make_it_a_dead_one() {
    let scene = Scene::set().await;
    let device = scene.enroll(Visitor::personal(Family::IPhone, "17.5")).await;
    let (id, token) = (id_of(&device), token_of(&device));
    scene.quiet().await;
    let old = Refusal { timestamp: Some(1_500_000_000_000), ..Refusal::new(410, "Unregistered") };
    scene.push_server.next(&token, [Behaviour::Refuse(old)]);
    let cause = ask(&scene, id).await;
    let DeviceEvent::PushFailed { status: Some(410), unregistered_since: None, .. } = outcome(&scene, &cause).await
    else {
        panic!("the token is younger than the 410")
    };
    let cause = ask(&scene, id).await;
    assert!(matches!(outcome(&scene, &cause).await, DeviceEvent::DevicePushed { .. }));
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_410_for_an_old_token_says_nothing_of_the_new_one() {
    let scene = Scene::set().await;
    let mut device = scene.enroll(Visitor::personal(Family::IPhone, "17.5")).await;
    let (id, token) = (id_of(&device), token_of(&device));
    scene.quiet().await;
    // The time is in the future, so that only the token itself can decide.
    let gone = Refusal { timestamp: Some(4_000_000_000_000), ..Refusal::new(410, "Unregistered") };
    scene.push_server.next(&token, [Behaviour::RefuseWhenReleased(gone)]);
    ask(&scene, id).await;
    until("the push is in flight", async || scene.push_server.in_flight() == 1).await;
    device.renew_push_token().await.unwrap();
    scene.push_server.release();
    let handled = device.serve_once(PATIENCE).await.unwrap();
    assert_eq!(handled.len(), 1);
    assert!(scene.server.app().platform.device(id).await.unwrap().push_dead_since.is_none());
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pushes_that_were_under_way_when_the_server_was_killed_are_sent_when_it_is_back_and_written_down_once() {
    let scene = Scene::set().await;
    let mut devices = Vec::new();
    for _ in 0..3 {
        devices.push(scene.enroll(Visitor::personal(Family::IPhone, "17.5")).await);
    }
    let mut causes = Vec::new();
    scene.quiet().await;
    // Phones of one person and model are asked whether they are still managed.
    for device in &mut devices {
        device.poll().await.unwrap();
    }
    scene.quiet().await;
    for device in &devices {
        scene.push_server.always(&token_of(device), Some(Behaviour::Silence));
    }
    for device in &devices {
        causes.push(ask(&scene, id_of(device)).await);
    }
    until("all pushes are in flight", async || scene.push_server.in_flight() == 3).await;
    let push_server = scene.push_server.clone();
    let installation = Installation::of(scene.server).await;
    let known = installation.open();
    for cause in &causes {
        let stream = known.read(&cause.stream).await.unwrap();
        assert!(stream.iter().all(|entry| entry.causation != Some(cause.id)), "the push has no outcome yet");
    }
    // The server is killed in the middle again, then it may finish.
    until("the first server's pushes have ended", async || push_server.in_flight() == 0).await;
    let killed = installation.serve();
    until("all pushes are in flight again", async || push_server.in_flight() == 3).await;
    drop(killed);
    devices.iter().for_each(|device| push_server.always(&token_of(device), None));
    let woken = |token: &[u8]| {
        let token = hex::encode(token);
        push_server.received().iter().filter(|one| one.token == token && one.status == 200).count()
    };
    let before: Vec<usize> = devices.iter().map(|device| woken(&token_of(device))).collect();
    let server = installation.serve();
    for ((device, cause), before) in devices.iter_mut().zip(&causes).zip(before) {
        until("the device is woken", async || woken(&token_of(device)) > before).await;
        assert_eq!(device.poll().await.unwrap().len(), 1);
        until("the outcome is in the log", async || {
            let stream = installation.open().read(&cause.stream).await.unwrap();
            let outcomes = stream.iter().filter(|entry| entry.causation == Some(cause.id)).count();
            assert!(outcomes <= 1, "recorded once");
            outcomes == 1
        })
        .await;
    }
    drop(server);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_certificate_is_an_alarm_and_a_banner_for_administrators_only() {
    use events::staff::Privilege;
    use harness::desk::Browser;
    let scene = Scene::set().await;
    let device = scene.enroll(Visitor::personal(Family::IPhone, "17.5")).await;
    scene.quiet().await;
    let administrator = Browser::signed_in(&scene.server, "grace", &[Privilege::Administrator]).await;
    let auditor = Browser::signed_in(&scene.server, "edith", &[Privilege::Auditor]).await;
    let banner = "refuses the push certificate";
    assert!(!administrator.get("/console/devices").await.body.contains(banner));
    scene.push_server.greet_with_farewell(Some("BadCertificate"));
    scene.push_server.cut_connections();
    ask(&scene, id_of(&device)).await;
    until("the alarm", async || alarms(&scene, "push-certificate-refused") > 0).await;
    until("the banner", async || administrator.get("/console/devices").await.body.contains(banner)).await;
    assert!(!auditor.get("/console/audit").await.body.contains(banner), "auditors cannot renew the certificate");
    assert!(metric(&scene, "muster_push_certificate_not_after_seconds") > 1_700_000_000);
    scene.push_server.greet_with_farewell(None);
    until("the end of the banner", async || !administrator.get("/console/devices").await.body.contains(banner)).await;
    scene.strike().await;
}

/// Sends a command, which the device answers with NotNow.
async fn puts_off(scene: &Scene, device: &mut Device) {
    scene.quiet().await;
    device.script.reply("SecurityInfo", Reply::NotNow);
    ask(scene, id_of(device)).await;
    assert_eq!(statuses(device).await, ["NotNow"]);
    scene.quiet().await;
}

/// Returns the statuses of the device's results after it is woken.
async fn statuses(device: &mut Device) -> Vec<String> {
    device.serve_once(PATIENCE).await.unwrap().into_iter().map(|one| one.status.clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_says_not_now_is_woken_again_after_a_quarter_of_an_hour_and_not_before() {
    let clock = Arc::new(ManualClock::at(harness::devices::now()));
    let scene = Scene::set_in(World::at(clock.clone()), |_| {}).await;
    let mut earlier = scene.enroll(Visitor::personal(Family::IPad, "17.5")).await;
    let mut device = scene.enroll(Visitor::personal(Family::IPhone, "17.5")).await;
    puts_off(&scene, &mut earlier).await;
    clock.advance_seconds(60);
    puts_off(&scene, &mut device).await;
    let woken = || {
        let token = hex::encode(token_of(&device));
        scene.push_server.received().iter().filter(|one| one.token == token).count()
    };
    let before = woken();
    clock.advance_seconds(15 * 60 - 60);
    // The timer checked both devices.
    assert_eq!(statuses(&mut earlier).await, ["Acknowledged"]);
    scene.quiet().await;
    assert_eq!(woken(), before);
    clock.advance_seconds(60);
    assert_eq!(statuses(&mut device).await, ["Acknowledged"]);
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pushes_do_not_wait_for_the_connection_that_the_projections_write_with() {
    let scene = Scene::set().await;
    let device = scene.enroll(Visitor::institutional(Family::IPhone, "17.5")).await;
    let id = id_of(&device);
    scene.quiet().await;
    let file = rusqlite::Connection::open(scene.server.app().platform.projections.common_path()).unwrap();
    file.execute("INSERT INTO damaged_keys (name) VALUES ('person-1')", []).unwrap();
    drop(file);
    let (release, held) = std::sync::mpsc::channel::<()>();
    let (begin, begun) = tokio::sync::oneshot::channel();
    let begin = std::sync::Mutex::new(Some(begin));
    let held = std::sync::Mutex::new(held);
    let projections = scene.server.app().platform.projections.clone();
    let holder = tokio::spawn(async move {
        let hold = move |_: &_| {
            if let Some(begin) = begin.lock().unwrap().take() {
                begin.send(()).unwrap();
            }
            held.lock().unwrap().recv().is_err()
        };
        projections.fold_anew_if(hold).await
    });
    begun.await.unwrap();
    // Their outcomes take longer than until the first checkpoint is due.
    for _ in 0..20 {
        let cause = ask(&scene, id).await;
        assert!(matches!(outcome(&scene, &cause).await, DeviceEvent::DevicePushed { .. }));
    }
    release.send(()).unwrap();
    assert!(!holder.await.unwrap().unwrap());
    scene.server.stop().await;
}
