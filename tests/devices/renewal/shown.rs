//! Tests of what staff and operators see: the numbers of due, failing and expired identities, the list of them, and the
//! state of one.

use super::*;
use events::enrollment::EnrollmentKind;
use events::staff::Privilege;
use harness::browser::accessibility::Axe;
use harness::browser::driver::{Engine, Looks};
use harness::browser::{PHONE, browser, console, look_at};
use harness::desk::Browser;

async fn metric(server: &TestServer, line: &str) {
    waiting::until(line, async || server.metrics().await.lines().any(|shown| shown == line)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_console_counts_and_finds_identities_that_are_due_failing_and_expired() {
    let clock = clock();
    let server = TestServer::start_with(world(&clock), |_| {}).await;
    let expired = TestDevice::enrolled(&server, EnrollmentKind::UserEnrollment).await;
    // The first identity must expire before the others are enrolled, so that its device is never asked to renew.
    clock.advance_seconds(LIFETIME - ALL_DUE + 2 * DAY);
    let due = TestDevice::enrolled(&server, EnrollmentKind::UserEnrollment).await;
    let failing = TestDevice::enrolled(&server, EnrollmentKind::DeviceEnrollment).await;
    until(&server, failing.id, "MdmCommandQueued", 2).await;
    failing.acknowledge_all().await;
    let browser = Browser::signed_in(&server, "grace", &[Privilege::Administrator]).await;
    server.caught_up().await;
    let quiet = browser.get("/console/devices").await;
    assert_eq!(quiet.texts(".chips a"), Vec::<String>::new());
    let page = browser.get(&format!("/console/devices/{}", due.id)).await;
    assert!(page.texts("dd").iter().any(|fact| fact.starts_with("due on ")), "{:?}", page.texts("dd"));

    clock.advance_seconds(ALL_DUE);
    for device in [&due, &failing] {
        until(&server, device.id, "IdentityRenewalRequested", 1).await;
    }
    let (id, _) = failing.poll().await.expect("the profile is sent");
    failing.report_on(&failing.report("Error", Some(&id))).await;
    until(&server, failing.id, "IdentityRenewalFailed", 1).await;
    server.caught_up().await;

    let browser = Browser::signed_in(&server, "hopper", &[Privilege::Administrator]).await;
    let list = browser.get("/console/devices").await;
    assert_eq!(
        list.texts(".chips a"),
        ["Identities due for renewal: 1", "Identities with failed renewal: 1", "Expired identities: 1"]
    );
    for (standing, device) in [("due", &due), ("failing", &failing), ("expired", &expired)] {
        let found = browser.get(&format!("/console/devices?identity={standing}")).await;
        assert_eq!(found.texts("tbody tr").len(), 1, "{standing}");
        assert!(found.body.contains(&device.id.to_string()), "{standing}");
        metric(&server, &format!("muster_identities{{standing=\"{standing}\"}} 1")).await;
    }
    for refused in ["identity=lost", "identity=due&as_of=2026-01-01T00:00"] {
        assert_eq!(browser.get(&format!("/console/devices?{refused}")).await.status, 400, "{refused}");
    }
    for (device, says) in
        [(&due, "requested on "), (&failing, "next attempt on "), (&failing, "failed on "), (&expired, "expired on ")]
    {
        let page = browser.get(&format!("/console/devices/{}", device.id)).await;
        assert!(page.texts("dd").iter().any(|fact| fact.starts_with(says)), "{says}: {:?}", page.texts("dd"));
    }
    on_a_phone(&server, &[&due, &failing, &expired]).await;
    server.stop().await;
}

/// Checks the same pages on a phone: nothing is wider than the window or violates accessibility.
async fn on_a_phone(server: &TestServer, devices: &[&TestDevice]) {
    let test = "identities-phone";
    let (width, height) = PHONE;
    let looks = Looks { user_agent: console::DESK_BROWSER, width, height, dark: false, language: "en" };
    let Some(browser) = browser(Engine::Chromium, test, &looks).await else { return };
    let axe = Axe::load(test);
    server.add_user("grace-on-a-phone", console::PASSWORD, &[Privilege::Administrator]).await;
    console::sign_in(&browser, &server.url(), "grace-on-a-phone").await;
    let pages = devices.iter().map(|device| format!("/console/devices/{}", device.id));
    for (nth, path) in ["/console/devices".to_owned()].into_iter().chain(pages).enumerate() {
        browser.client.goto(&format!("{}{path}", server.url())).await.unwrap();
        look_at(&browser, axe.as_ref(), &format!("{test}-{nth}")).await;
    }
    browser.close().await;
}
