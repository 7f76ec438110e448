//! Slow, silent and numerous connections: the limits of each, and which connections are closed if there are too many.

use connections::Limits;
use events::enrollment::EnrollmentKind;
use harness::TestServer;
use harness::binary::Serving;
use harness::connection::Connection;
use harness::devices::TestDevice;
use harness::process::Installation;
use harness::waiting::until;
use muster::config::Config;
use simulator::messages::xml;
use simulator::signature::mdm_signature;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;
use tokio::net::TcpSocket;

const ELSEWHERE: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

/// One second instead of ten for heads, and shorter limits for bodies.
fn short() -> Limits {
    Limits {
        head: Duration::from_secs(1),
        silence: Duration::from_millis(300),
        grace: Duration::from_millis(100),
        bytes_per_second: 100 * 1024,
        sweep: Duration::from_millis(10),
        ..Limits::default()
    }
}

async fn server(limits: Limits) -> TestServer {
    TestServer::start_within(limits, |_| {}).await
}

fn report(device: &TestDevice) -> Vec<u8> {
    let body = xml(&device.report("Idle", None));
    let signature = mdm_signature(&body, &device.identity, device.style).unwrap();
    let head = format!(
        "PUT /mdm/command HTTP/1.1\r\nHost: localhost\r\nMdm-Signature: {signature}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), &body].concat()
}

fn ended(server: &TestServer, why: &str) -> bool {
    let metrics = server.app().platform.metrics.render();
    let none = format!("muster_connections_ended_total{{why=\"{why}\"}} 0\n");
    !metrics.contains(&none)
}

#[actix_web::test]
async fn three_of_a_thousand_bytes_hold_no_connection_whatever_they_are_for() {
    let server = server(short()).await;
    let targets = [
        "PUT /mdm/checkin",
        "PUT /mdm/command",
        "POST /mdm/account/mdm-byod",
        "POST /mdm/account-token",
        "POST /mdm/profile-service",
        "POST /scep?operation=PKIOperation",
        "POST /enroll/sign-in",
        "POST /console/sign-in",
        "GET /",
        "POST /nowhere",
    ];
    let lengths = ["Content-Length: 1000\r\n\r\n<pl", "Transfer-Encoding: chunked\r\n\r\n3\r\n<pl"];
    let requests = targets.iter().flat_map(|target| lengths.map(|length| (target, length)));
    let ended = requests.map(async |(target, length)| {
        let mut connection = Connection::to(&server).await;
        connection.send(format!("{target} HTTP/1.1\r\nHost: localhost\r\n{length}").as_bytes()).await;
        connection.ended().await;
    });
    futures_util::future::join_all(ended).await;
    server.stop().await;
}

#[actix_web::test]
async fn a_body_that_falls_silent_is_told_from_one_that_creeps() {
    // The three bytes are fast enough for the minimum pace, so the silence limit ends the connection.
    let server = server(Limits { bytes_per_second: 1, head: Duration::from_secs(10), ..short() }).await;
    let mut connection = Connection::to(&server).await;
    connection.send(b"PUT /mdm/checkin HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n<pl").await;
    connection.ended().await;
    assert!(ended(&server, "silence"));
    server.stop().await;
}

#[actix_web::test]
async fn mute_connections_and_heads_without_an_end_are_ended_those_of_later_requests_too() {
    let server = server(short()).await;
    let mut mute = Connection::to(&server).await;
    mute.ended().await;
    let mut connection = Connection::to(&server).await;
    for _ in 0..2 {
        connection.send(b"GET /mdm/nothing HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
        assert!(connection.answer().await.starts_with("HTTP/1.1 404 "));
    }
    connection.send(b"GET /mdm/nothing HTTP/1.1\r\nHost: local").await;
    connection.ended().await;
    assert!(ended(&server, "head"));
    server.stop().await;
}

#[actix_web::test]
async fn a_part_of_a_head_that_came_with_the_request_before_is_ended_too() {
    let server = server(Limits { idle: Duration::from_secs(600), ..short() }).await;
    let (body, next) = ("Content-Length: 3\r\n\r\n<pl", "GET /mdm/nothing HTTP/1.1\r\nHost: local");
    let requests = [
        format!("GET /mdm/nothing HTTP/1.1\r\nHost: localhost\r\n\r\n{next}"),
        format!("PUT /mdm/checkin HTTP/1.1\r\nHost: localhost\r\n{body}{next}"),
        format!("PUT /mdm/nothing HTTP/1.1\r\nHost: localhost\r\n{body}G"),
    ];
    for request in requests {
        let mut connection = Connection::to(&server).await;
        connection.send(request.as_bytes()).await;
        assert!(connection.answer().await.starts_with("HTTP/1.1 40"));
        connection.ended().await;
    }
    // The second head is in its own TLS record, which breaks off after this number of bytes. None of its content can
    // be decrypted.
    for bytes in [1, 5, 20] {
        let mut connection = Connection::to(&server).await;
        connection
            .send_at_once(&[b"GET /mdm/nothing HTTP/1.1\r\nHost: localhost\r\n\r\n", next.as_bytes()], bytes)
            .await;
        assert!(connection.answer().await.starts_with("HTTP/1.1 404 "));
        connection.ended().await;
    }
    server.stop().await;
}

#[actix_web::test]
async fn the_end_of_a_body_in_chunks_has_the_time_of_a_head() {
    // With these limits, only the time limit of heads can end the connection.
    let patience = Duration::from_secs(600);
    let server = server(Limits { silence: patience, grace: patience, idle: patience, ..short() }).await;
    // The first two targets read the body, the others answer before its end.
    for target in ["PUT /mdm/checkin", "POST /enroll/sign-in", "PUT /mdm/nothing", "GET /"] {
        for rest in ["0", "0\r\n", "0\r\n\r", "0\r\nX: y", "0\r\nX: y\r\n", "3;extension=1"] {
            let mut connection = Connection::to(&server).await;
            let request =
                format!("{target} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n<pl\r\n{rest}");
            connection.send(request.as_bytes()).await;
            connection.ended().await;
        }
    }
    assert!(ended(&server, "head") && !ended(&server, "silence") && !ended(&server, "pace"));
    // A complete chunked body is answered.
    let mut connection = Connection::to(&server).await;
    let whole = "PUT /mdm/checkin HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n<pl\r\n0\r\nX: y\r\n\r\n";
    connection.send(whole.as_bytes()).await;
    assert!(connection.answer().await.starts_with("HTTP/1.1 400 "));
    server.stop().await;
}

#[actix_web::test]
async fn the_lines_of_a_body_in_chunks_are_read_up_to_a_limit() {
    let patience = Duration::from_secs(600);
    let server = server(Limits { silence: patience, grace: patience, idle: patience, head: patience, ..short() }).await;
    let long = "x".repeat(9 * 1024);
    for target in ["PUT /mdm/checkin", "PUT /mdm/nothing"] {
        for rest in [format!("3;extension={long}"), format!("3;extension={long}\r\n<pl\r\n"), format!("0\r\nX: {long}")]
        {
            let mut connection = Connection::to(&server).await;
            let request =
                format!("{target} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n<pl\r\n{rest}");
            connection.send(request.as_bytes()).await;
            connection.ended().await;
        }
    }
    assert!(ended(&server, "line") && !ended(&server, "head"));
    server.stop().await;
}

#[actix_web::test]
async fn a_slow_but_steady_upload_is_served_however_long_it_takes() {
    let limits = Limits {
        head: Duration::from_secs(10),
        silence: Duration::from_millis(1_500),
        bytes_per_second: 256,
        ..short()
    };
    let server = server(limits).await;
    let device = TestDevice::enrolled(&server, EnrollmentKind::DeviceEnrollment).await;
    let mut body = xml(&device.token_update("ANOTHER"));
    body.resize(48 * 1024, b' ');
    let signature = mdm_signature(&body, &device.identity, device.style).unwrap();
    let mut connection = Connection::to(&server).await;
    let head = format!(
        "PUT /mdm/checkin HTTP/1.1\r\nHost: localhost\r\nMdm-Signature: {signature}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    connection.send(head.as_bytes()).await;
    // Sleeps, because the real duration is the subject: the upload takes longer than the silence limit, and twenty
    // times as long as the period before the pace is checked.
    for piece in body.chunks(body.len() / 80) {
        connection.send(piece).await;
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    assert!(connection.answer().await.starts_with("HTTP/1.1 200 "));
    server.stop().await;
}

#[actix_web::test]
async fn a_devices_pause_in_a_conversation_costs_no_handshake() {
    let server = TestServer::start().await;
    let mut connection = Connection::to(&server).await;
    for pause in [Duration::ZERO, Duration::from_secs(6)] {
        // Sleeps, because the real duration is the subject: actix-http ends an idle connection after five seconds,
        // unless the server sets another limit.
        tokio::time::sleep(pause).await;
        connection.send(b"GET /mdm/nothing HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
        assert!(connection.answer().await.starts_with("HTTP/1.1 404 "));
    }
    assert!(Limits::default().idle > Duration::from_secs(60));
    server.stop().await;
}

#[actix_web::test]
async fn open_connections_are_a_metric() {
    let server = TestServer::start().await;
    let before = server.app().connections.count();
    let connection = Connection::to(&server).await;
    until("the connection is counted", async || server.app().connections.count() == before + 1).await;
    assert!(server.metrics().await.contains("muster_connections{listener=\"public\"} 1"));
    drop(connection);
    until("the closed connection is no longer counted", async || server.app().connections.count() == before).await;
    server.stop().await;
}

#[actix_web::test]
async fn a_device_that_has_proven_its_identity_is_not_ended_to_make_room() {
    let server = server(Limits { most_connections: Some(32), ..Limits::default() }).await;
    let device = TestDevice::enrolled(&server, EnrollmentKind::DeviceEnrollment).await;
    let report = report(&device);
    let mut connection = Connection::to(&server).await;
    connection.send(&report).await;
    assert!(connection.answer().await.starts_with("HTTP/1.1 200 "));
    // From the same address, and three times as many as the limit permits.
    let mut mute = Vec::new();
    for _ in 0..96 {
        mute.push(mute_at(server.running().address, Ipv4Addr::LOCALHOST.into()).await);
    }
    until("a connection is closed to make room", async || ended(&server, "room")).await;
    connection.send(&report).await;
    assert!(connection.answer().await.starts_with("HTTP/1.1 200 "));
    server.stop().await;
}

#[actix_web::test]
async fn a_device_that_holds_all_the_room_shuts_out_nobody_and_has_a_connection_left() {
    let server = server(Limits { most_connections: Some(32), ..Limits::default() }).await;
    let honest = report(&TestDevice::enrolled(&server, EnrollmentKind::UserEnrollment).await);
    let greedy = report(&TestDevice::enrolled(&server, EnrollmentKind::DeviceEnrollment).await);
    let mut first = Connection::to(&server).await;
    first.send(&honest).await;
    assert!(first.answer().await.starts_with("HTTP/1.1 200 "));
    let mut held = Vec::new();
    for _ in 0..40 {
        let mut connection = Connection::to(&server).await;
        connection.send(&greedy).await;
        assert!(connection.answer().await.starts_with("HTTP/1.1 200 "));
        held.push(connection);
    }
    // From the same address, as in a school.
    let mut strangers = Vec::new();
    for _ in 0..5 {
        let mut stranger = Connection::to(&server).await;
        stranger.send(b"GET /mdm/nothing HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
        assert!(stranger.answer().await.starts_with("HTTP/1.1 404 "));
        strangers.push(stranger);
    }
    for (connection, report) in [(&mut first, &honest), (held.last_mut().unwrap(), &greedy)] {
        connection.send(report).await;
        assert!(connection.answer().await.starts_with("HTTP/1.1 200 "));
    }
    let alarm = "muster_alarms_total{alarm=\"identity-over-connections\"} 1\n";
    until("the alarm", async || server.app().platform.metrics.render().contains(alarm)).await;
    server.stop().await;
}

async fn mute_at(address: SocketAddr, from: IpAddr) -> tokio::net::TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::new(from, 0)).unwrap();
    socket.connect(address).await.unwrap()
}

#[actix_web::test]
async fn an_address_behind_a_trusted_proxy_has_so_many_requests_under_way_and_others_are_served() {
    let limits = Limits { per_forwarded_address: 2, ..Limits::default() };
    let behind_a_proxy = |config: &mut Config| config.server.trusted_proxies = vec![Ipv4Addr::LOCALHOST.into()];
    let server = TestServer::start_within(limits, behind_a_proxy).await;
    let slow = |from: &str| {
        format!(
            "PUT /mdm/checkin HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: {from}\r\nContent-Length: 9\r\n\r\n<pl"
        )
    };
    let mut held = Vec::new();
    for nth in 1..=2 {
        let mut connection = Connection::to(&server).await;
        connection.send(slow(&format!("2001:db8::{nth}")).as_bytes()).await;
        held.push(connection);
    }
    let mut refused = String::new();
    until("the third request is refused", async || {
        let mut connection = Connection::to(&server).await;
        connection.send(b"GET /mdm/nothing HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: 2001:db8::3\r\n\r\n").await;
        refused = connection.answer().await;
        refused.starts_with("HTTP/1.1 503 ")
    })
    .await;
    assert!(refused.to_lowercase().contains("retry-after"), "{refused}");
    let mut other = Connection::to(&server).await;
    other.send(b"GET /mdm/nothing HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n").await;
    assert!(other.answer().await.starts_with("HTTP/1.1 404 "));
    server.stop().await;
}

/// Sends a request that stays in progress because its body does not end.
async fn under_way(server: &TestServer, from: IpAddr, forwarded: &str) -> Connection {
    let mut connection = Connection::from(from, server).await;
    let request = format!(
        "PUT /mdm/checkin HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: {forwarded}\r\nExpect: 100-continue\r\n\
         Content-Length: 9\r\n\r\n<pl"
    );
    connection.send(request.as_bytes()).await;
    assert!(connection.answer().await.starts_with("HTTP/1.1 100 "));
    connection
}

/// Sends a request through the proxy and returns the response.
async fn answered(server: &TestServer, forwarded: &str) -> String {
    let mut connection = Connection::from(ELSEWHERE, server).await;
    let request = format!("GET /mdm/nothing HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: {forwarded}\r\n\r\n");
    connection.send(request.as_bytes()).await;
    connection.answer().await
}

#[actix_web::test]
async fn of_256_requests_of_a_forwarded_address_one_that_ends_or_hangs_up_makes_room_for_another() {
    let patience = Duration::from_secs(600);
    let limits = Limits { silence: patience, grace: patience, ..Limits::default() };
    let behind_a_proxy = |config: &mut Config| config.server.trusted_proxies = vec![ELSEWHERE];
    let server = TestServer::start_within(limits, behind_a_proxy).await;
    let from = "203.0.113.9";
    let mut held = Vec::new();
    for _ in 0..256 {
        held.push(under_way(&server, ELSEWHERE, from).await);
    }
    // Addresses that the client puts in front of the proxy's entry have no effect.
    for forwarded in [from, "198.51.100.1, 203.0.113.9"] {
        let refused = answered(&server, forwarded).await.to_lowercase();
        assert!(refused.starts_with("http/1.1 503 ") && refused.contains("retry-after: 5\r\n"), "{refused}");
    }
    assert!(answered(&server, "198.51.100.1").await.starts_with("HTTP/1.1 404 "));
    let has_room = async || answered(&server, from).await.starts_with("HTTP/1.1 404 ");
    drop(held.pop());
    until("a closed connection has no request in progress", has_room).await;
    held.push(under_way(&server, ELSEWHERE, from).await);
    assert!(!has_room().await);
    let mut last = held.pop().unwrap();
    last.send(b"ist>\r\n").await;
    assert!(last.answer().await.starts_with("HTTP/1.1 400 "));
    until("an answered request is no longer in progress", has_room).await;
    drop(held);
    server.stop().await;
}

#[actix_web::test]
async fn an_address_that_a_stranger_says_to_be_forwarded_for_is_not_charged() {
    let limits = Limits { per_forwarded_address: 2, ..Limits::default() };
    let behind_a_proxy = |config: &mut Config| config.server.trusted_proxies = vec![ELSEWHERE];
    let server = TestServer::start_within(limits, behind_a_proxy).await;
    let mut held = Vec::new();
    for _ in 0..3 {
        // One connection does not come from the proxy. The other comes through it, with a forged first address.
        held.push(under_way(&server, Ipv4Addr::LOCALHOST.into(), "203.0.113.9").await);
        held.push(under_way(&server, ELSEWHERE, "203.0.113.9, 198.51.100.1").await);
    }
    assert!(answered(&server, "198.51.100.1").await.starts_with("HTTP/1.1 503 "));
    assert!(answered(&server, "203.0.113.9").await.starts_with("HTTP/1.1 404 "));
    drop(held);
    server.stop().await;
}

#[actix_web::test]
async fn a_thousand_mute_connections_stop_nobody_else() {
    let server = TestServer::start().await;
    let device = TestDevice::enrolled(&server, EnrollmentKind::DeviceEnrollment).await;
    let (address, root) = (server.running().address, server.tls_root());
    let installation = Installation::of(server).await;
    let serving = Serving::start_with_few_descriptors(installation.config(), 1_024);
    let mut mute = Vec::new();
    for _ in 0..975 {
        mute.push(mute_at(address, Ipv4Addr::LOCALHOST.into()).await);
    }
    // A person at another address and a device, each on its own connection.
    let certificate = reqwest::Certificate::from_pem(&root).unwrap();
    let client = reqwest::Client::builder().add_root_certificate(certificate).local_address(ELSEWHERE).build().unwrap();
    let url = format!("https://localhost:{}", address.port());
    assert!(client.get(format!("{url}/enroll/sign-in")).send().await.unwrap().status().is_success());
    let body = xml(&device.report("Idle", None));
    let signature = mdm_signature(&body, &device.identity, device.style).unwrap();
    let report = client.put(format!("{url}/mdm/command")).header("Mdm-Signature", signature).body(body);
    assert_eq!(report.send().await.unwrap().status(), 200);
    drop(mute);
    drop(serving);
}
