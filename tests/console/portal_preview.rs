//! The portal's pages with sample data in a frame. Viewing them records no event and needs a permit.

use enroll::preview::PAGES;
use events::Event;
use events::staff::{Privilege, StaffActivityEvent};
use harness::TestServer;
use harness::desk::{Browser, enrolled};
use harness::guest::{Guest, iphone};
use std::sync::Arc;
use world::{ManualClock, World};

async fn framed(browser: &Browser, query: &str) -> String {
    let page = browser.get(&format!("/console/preview?{query}")).await;
    assert_eq!(page.status, 200, "{}", page.body);
    page.attribute("iframe", "src").unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_page_of_the_portal_is_looked_at_for_each_device_version_and_language() {
    let server = TestServer::start().await;
    let browser = Browser::signed_in(&server, "heidi", &[Privilege::HelpDesk]).await;
    enrolled(&server, "ada", server.app().platform.world.now()).await;
    server.reacted().await;
    let before = server.whole_log().await.len();
    let guest = server.client();
    for (page, label) in PAGES {
        for (family, version, language) in [("iPhone", "18.2", "en"), ("iPad", "17.5", "de"), ("iPhone", "12.0", "ja")]
        {
            let query = format!("page={page}&family={family}&version={version}&language={language}");
            let shown = framed(&browser, &query).await;
            let answer = guest.get(format!("{}{shown}", server.url())).send().await.unwrap();
            let headers = answer.headers().clone();
            assert_eq!(answer.status().as_u16(), 200, "{page}");
            assert!(!headers.contains_key("set-cookie"), "{page}");
            assert_eq!(headers["x-frame-options"], "SAMEORIGIN");
            let policy = headers["content-security-policy"].to_str().unwrap();
            for part in ["frame-ancestors 'self'", "form-action 'none'", "sandbox"] {
                assert!(policy.contains(part), "{page}: {policy}");
            }
            let html = answer.text().await.unwrap();
            assert!(html.contains(&format!("lang=\"{language}\"")) && html.contains("<h1>"), "{label}: {html}");
        }
    }
    assert_eq!(server.whole_log().await.len(), before, "no event is recorded");
    for (page, says) in [
        ("sign-in-throttled", "Too many attempts. Wait 2 minutes"),
        ("sign-in-change-password", "Change your password first."),
        ("sign-in-not-now", "You cannot sign in right now."),
        ("sign-in-too-late", "That took too long."),
        ("previous", "Enrolled in 2021 with Jamf Pro"),
        ("which-device", "This is an iPad"),
        ("for-whom", "for_user"),
        ("stopped-unknown", "We could not check whether you may enroll"),
    ] {
        let shown = framed(&browser, &format!("page={page}&family=iPhone&version=17.5&language=en")).await;
        let html = guest.get(format!("{}{shown}", server.url())).send().await.unwrap().text().await.unwrap();
        assert!(html.contains(says), "{page}: {html}");
    }
    let versions = [("17.5", false), ("18.2", true)];
    for (version, own) in versions {
        let shown = framed(&browser, &format!("page=sign-in&family=iPhone&version={version}&language=en")).await;
        let html = guest.get(format!("{}{shown}", server.url())).send().await.unwrap().text().await.unwrap();
        assert_eq!(html.contains("Is this your own iPhone?"), own, "{version}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_pages_for_looking_are_framed_and_only_by_ours() {
    let server = TestServer::start().await;
    let browser = Browser::signed_in(&server, "grace", &[Privilege::Administrator]).await;
    let console = browser.get("/console/preview").await;
    let policy = |headers: &reqwest::header::HeaderMap| headers["content-security-policy"].to_str().unwrap().to_owned();
    assert!(
        policy(&console.headers).contains("frame-src 'self'")
            && policy(&console.headers).contains("frame-ancestors 'none'")
    );
    assert_eq!(browser.get("/console/preview?sight=ca").await.status, 400, "an unknown parameter is refused");
    for unknown in ["page=zzz", "family=Mac", "language=fr", "version=99"] {
        assert_eq!(browser.get(&format!("/console/preview?{unknown}")).await.status, 400, "{unknown}");
    }
    assert!(!policy(&browser.get("/console/devices").await.headers).contains("frame-src"));
    let page = Guest::new(&server, &iphone("17.5")).get("/enroll/sign-in").await;
    assert!(page.header("content-security-policy").contains("frame-ancestors 'none'"));
    assert_eq!(page.header("x-frame-options"), "DENY");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_no_permit_looks_at_nothing_and_a_permit_ends() {
    let clock = Arc::new(ManualClock::at(World::system().now()));
    let server = TestServer::start_with(World::at(clock.clone()), |_| {}).await;
    let auditor = Browser::signed_in(&server, "otto", &[Privilege::Auditor]).await;
    assert_eq!(auditor.get("/console/preview").await.status, 403);
    let refused = server
        .events_of("access")
        .await
        .into_iter()
        .filter(|event| matches!(event, Event::StaffActivity(StaffActivityEvent::AccessRefused { .. })));
    assert_eq!(refused.count(), 1, "the refusal is recorded");
    let browser = Browser::signed_in(&server, "heidi", &[Privilege::HelpDesk]).await;
    let shown = framed(&browser, "page=sign-in").await;
    let status = async |path: &str| {
        server.client().get(format!("{}{path}", server.url())).send().await.unwrap().status().as_u16()
    };
    assert_eq!(status(&shown).await, 200);
    for path in [
        shown.replace(".", "x."),
        shown.replace("preview/", "preview/x"),
        shown.replace("page=sign-in", "page=nonsense"),
    ] {
        assert!((400..500).contains(&status(&path).await), "{path}");
    }
    clock.advance_seconds(11 * 60);
    assert!((400..500).contains(&status(&shown).await), "the permit has expired");
    server.stop().await;
}
