//! An administrator closes the migration of a source, and reopens it.

use super::*;

const CLOSE: &str = "/console/migration/close";
const REOPEN: &str = "/console/migration/reopen";

async fn act(browser: &Browser, path: &str, source: &str) -> Answer {
    let csrf = browser.get("/console/imports").await.csrf();
    browser.post(path, &[("csrf", &csrf), ("source", source)]).await
}

#[tokio::test]
async fn an_administrator_closes_a_migration_and_reopens_it() {
    let server = TestServer::start().await;
    let root = administrator(&server).await;
    import(&server, &root, &[], export(&[ADA])).await;
    let page = root.get("/console/imports").await;
    assert!(page.texts("td").contains(&"Open".to_owned()), "{}", page.body);
    assert!(page.texts("td details").concat().contains("After 365 days"), "it says what follows: {}", page.body);
    assert_eq!(act(&root, CLOSE, "Intune").await.status, 404, "nothing was imported from there");
    assert_eq!(act(&root, CLOSE, "Jamf Pro").await.location(), "/console/imports");
    let page = root.get("/console/imports").await;
    assert!(page.texts("td").contains(&"Closed".to_owned()), "{}", page.body);
    assert!(page.body.contains(REOPEN) && !page.body.contains(CLOSE), "{}", page.body);
    assert_eq!(act(&root, REOPEN, "Jamf Pro").await.status, 303);
    assert_eq!(act(&root, REOPEN, "Jamf Pro").await.status, 303, "the same request again");
    let told: Vec<String> = server.events_of("migration").await.iter().map(Event::type_name).collect();
    assert_eq!(told, ["MigrationClosed", "MigrationReopened"]);
    server.stop().await;
}

#[tokio::test]
async fn the_help_desk_and_auditors_see_the_state_of_a_migration_and_cannot_change_it() {
    let server = TestServer::start().await;
    let root = administrator(&server).await;
    import(&server, &root, &[], export(&[ADA])).await;
    for (name, role) in [("heidi", Privilege::HelpDesk), ("audit", Privilege::Auditor)] {
        let browser = Browser::signed_in(&server, name, &[role]).await;
        let page = browser.get("/console/imports").await;
        assert!(page.texts("td").contains(&"Open".to_owned()) && !page.body.contains(CLOSE), "{}", page.body);
        let csrf = browser.get("/console/account").await.csrf();
        let refused = browser.post(CLOSE, &[("csrf", &csrf), ("source", "Jamf Pro")]).await;
        assert_eq!(refused.status, 403);
    }
    assert_eq!(server.events_of("migration").await, []);
    server.stop().await;
}
