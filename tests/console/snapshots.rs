//! What the console's pages say to an administrator, at a server with one enrolled device.

use events::Timestamp;
use events::staff::Privilege;
use harness::desk::{Browser, enrolled, renamed, staff_id};
use harness::{TestServer, outline};

/// Noon of 17 November 2100: later than all that the server does by itself, so that lists have one order.
const NOON: Timestamp = Timestamp(4_130_136_000_000_000);

#[tokio::test(flavor = "multi_thread")]
async fn the_pages_of_the_console_say_what_was_reviewed() {
    let server = TestServer::start().await;
    let device = enrolled(&server, "ada", NOON).await;
    // The commands that the server queues for a new device come before the next event, not somewhere around it.
    server.reacted().await;
    renamed(&server, device, "ada’s iPhone", NOON.plus_seconds(60)).await;
    server.add_user("ada", harness::desk::PASSWORD, &[Privilege::Enroll]).await;
    let browser = Browser::signed_in(&server, "grace", &[Privilege::Administrator, Privilege::Auditor]).await;
    server.reacted().await;
    let event = browser.get("/console/audit?type=DeviceEnrolled").await.attribute("td.when a", "href").unwrap();
    let person = server.app().platform.device(device).await.unwrap().person.unwrap();
    let pages = [
        ("devices", "/console/devices".to_owned()),
        ("devices-none-found", "/console/devices?q=zzz".into()),
        ("device", format!("/console/devices/{device}")),
        ("commands", "/console/commands".into()),
        ("links", "/console/links".into()),
        ("person", format!("/console/people/{person}")),
        ("records", "/console/records".into()),
        ("imports", "/console/imports".into()),
        ("invitations", "/console/invitations".into()),
        ("invitation-new", format!("/console/invitations/new?person={person}")),
        ("waves", "/console/waves".into()),
        ("wave-new", "/console/waves/new".into()),
        ("mails", "/console/mails?language=de".into()),
        ("funnel", "/console/funnel".into()),
        ("preview", "/console/preview".into()),
        ("enrollments", "/console/visits".into()),
        ("enrollment", format!("/console/visits/{}", device.enrollment())),
        ("settings", "/console/settings".into()),
        ("settings-change", "/console/settings/change".into()),
        ("audit", "/console/audit?type=DeviceEnrolled".into()),
        ("event", event),
        ("staff", "/console/staff".into()),
        ("staff-member", format!("/console/staff/{}", staff_id(&server, "ada").await)),
        ("account", "/console/account".into()),
        ("factor-new", "/console/account/factors/new".into()),
        ("not-found", "/console/nowhere".into()),
        ("wrong-filter", "/console/devices?state=stolen".into()),
    ];
    let mut texts = Vec::new();
    for (name, path) in pages {
        // Pages before it are events that its lists of filters name.
        server.caught_up().await;
        texts.push((name, outline::main(&browser.get(&path).await.body)));
    }
    texts.push(("with-its-frame", outline::whole(&browser.get("/console/links").await.body)));
    let stranger = Browser::new(&server);
    texts.push(("sign-in", outline::main(&stranger.get("/console/sign-in").await.body)));
    texts.push(("sign-in-refused", outline::main(&stranger.sign_in("eve", "wrong").await.body)));
    server.stop().await;
    test_support::snapshots!("pages", texts);
}
