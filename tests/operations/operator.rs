//! The operator's listener, the command socket, stopping and starting.

use decisions::staff::{ReserveUserName, UserName};
use events::staff::{Privilege, StaffId};
use events::{Actor, ActorKind, StreamName};
use harness::waiting::{seen, until};
use harness::{TestServer, installation, ports};
use platform::context::Context;
use staff::administration::{Answer, NewUser, Request, execute};
use std::process::Stdio;

async fn get(url: &str) -> (u16, String) {
    let answer = reqwest::get(url).await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

#[tokio::test]
async fn a_server_that_has_caught_up_says_that_it_is_healthy_and_ready() {
    let server = TestServer::start().await;
    server.caught_up().await;
    assert_eq!(get(&format!("{}/healthz", server.metrics_url())).await, (200, "ok\n".into()));
    until("readiness", async || get(&format!("{}/readyz", server.metrics_url())).await.0 == 200).await;
    server.stop().await;
}

#[tokio::test]
async fn metrics_count_requests_by_route_and_events_by_type() {
    let server = TestServer::start().await;
    server.client().get(format!("{}/console/sign-in", server.url())).send().await.unwrap();
    server.add_user("ada", "four plain words here", &[Privilege::Enroll]).await;
    server.caught_up().await;
    let counted = async || {
        Some(server.metrics().await).filter(|text| text.contains("muster_events_total{type=\"LocalAccountAdded\"} 1"))
    };
    let text = seen("the account among the metrics", counted).await;
    assert!(text.contains("muster_requests_total{route=\"/console/sign-in\""), "{text}");
    assert!(text.contains("muster_projection_lag{projection=\"all\"} 0"), "{text}");
    for of_each in ["lag", "progress_age_seconds", "stopped"] {
        let line = format!("muster_projection_{of_each}{{projection=\"devices\"}} 0");
        assert!(text.contains(&line), "{line} is missing in\n{text}");
    }
    server.stop().await;
}

#[tokio::test]
async fn alarms_and_refusals_are_in_the_first_scrape_as_0() {
    let server = TestServer::start().await;
    let text = server.metrics().await;
    for line in [
        "muster_alarms_total{alarm=\"projections-stopped\"} 0",
        "muster_sign_ins_total{method=\"local_account\",outcome=\"wrong_password\",surface=\"console\"} 0",
        "muster_sign_ins_total{method=\"saml\",outcome=\"replayed\",surface=\"portal\"} 0",
        "muster_sign_ins_total{method=\"one_time_code\",outcome=\"used_before\",surface=\"console\"} 0",
        "muster_sign_ins_total{method=\"token\",outcome=\"unknown_token\",surface=\"api\"} 0",
        "muster_sign_ins_total{method=\"any\",outcome=\"suppressed\",surface=\"any\"} 0",
    ] {
        assert!(text.lines().any(|shown| shown == line), "{line} is missing in\n{text}");
    }
    server.stop().await;
}

#[tokio::test]
async fn after_a_restart_the_server_has_the_same_address_and_the_same_log() {
    let mut server = TestServer::start().await;
    server.add_user("ada", "four plain words here", &[Privilege::Administrator]).await;
    let (url, log) = (server.url(), server.whole_log().await);
    server.restart().await;
    assert_eq!(server.url(), url);
    assert_eq!(server.whole_log().await, log);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_json_mode_every_line_is_json_from_the_first_to_the_last_of_a_server_and_of_one_that_cannot_start() {
    let (_directory, config) = installation().await;
    let metrics = ports::free();
    let text = std::fs::read_to_string(&config).unwrap();
    let text = text.replace("metrics_listen = \"127.0.0.1:0\"", &format!("metrics_listen = \"127.0.0.1:{metrics}\""));
    assert!(text.contains("\nformat = \"text\""), "{text}");
    std::fs::write(&config, text.replace("\nformat = \"text\"", "\nformat = \"json\"")).unwrap();
    let start = || {
        let mut command = std::process::Command::new(harness::binary::path());
        command.args(["serve", "--config"]).arg(&config).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let serving = start();
    until("readiness", async || {
        reqwest::get(format!("http://127.0.0.1:{metrics}/readyz")).await.is_ok_and(|answer| answer.status() == 200)
    })
    .await;
    // The port is in use, so this process exits at once.
    let other = start().wait_with_output().unwrap();
    assert_eq!(other.status.code(), Some(1));
    assert!(std::process::Command::new("kill").arg(serving.id().to_string()).status().unwrap().success());
    let first = serving.wait_with_output().unwrap();
    for output in [first, other] {
        let lines = [output.stdout, output.stderr].concat();
        let lines = String::from_utf8(lines).unwrap();
        for line in lines.lines() {
            let read: Result<serde_json::Value, _> = serde_json::from_str(line);
            assert!(read.is_ok_and(|read| read["level"].is_string() && read["timestamp"].is_string()), "{line}");
        }
        assert!(lines.contains("serving") || lines.contains("cannot listen on"), "{lines}");
    }
}

#[tokio::test]
async fn the_metrics_are_not_on_the_public_address() {
    let server = TestServer::start().await;
    for path in ["/metrics", "/healthz", "/readyz"] {
        let answer = server.client().get(format!("{}{path}", server.url())).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 404, "{path}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_user_name_that_a_crash_left_without_an_account_gets_it_at_the_next_try() {
    let server = TestServer::start().await;
    let app = server.app();
    let reserved = StaffId(app.platform.world.random_uuid());
    let name = StreamName::of("username", app.platform.secrets.name("username", &["ada"]));
    let operator = Context::of(Actor::new(ActorKind::Operator, "test"), None, app.platform.world.uuid());
    app.platform.perform::<UserName>(&name, &ReserveUserName { account: reserved }, &operator).await.unwrap();
    // State after the crash: the name is reserved, and no further event exists.
    server.add_user("Ada", "four plain words here", &[Privilege::Enroll]).await;
    assert_eq!(
        server.log_of(&reserved.stream()).await.len(),
        1,
        "the account has the ID for which the name was reserved"
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_add_the_same_user_at_once_one_succeeds() {
    let server = TestServer::start().await;
    let add = || {
        let app = server.app().clone();
        tokio::spawn(async move {
            let user = NewUser {
                user_name: "ada".into(),
                password: "four plain words here".into(),
                privileges: [Privilege::Enroll].into(),
                display_name: None,
                mail: None,
                managed_apple_id: None,
            };
            matches!(execute(&app.staff, Request::AddUser(user)).await, Answer::Done { .. })
        })
    };
    let mut succeeded = 0;
    for done in [add(), add(), add(), add(), add(), add()] {
        succeeded += usize::from(done.await.unwrap());
    }
    assert_eq!(succeeded, 1);
    let mut added = server.events_of("staff").await;
    added.retain(|event| event.type_name() == "LocalAccountAdded");
    assert_eq!(added.len(), 1, "{added:?}");
    server.stop().await;
}
