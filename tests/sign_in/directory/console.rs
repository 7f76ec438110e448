//! Staff with directory accounts: their groups determine their roles.

use events::settings::{RoleRule, Who};
use events::staff::Privilege;
use harness::TestServer;
use harness::desk::Browser;
use harness::directory::config;
use harness::directory::slapd::{self, GROUPS, PASSWORD, Slapd};
use harness::test_name;
use world::World;

#[tokio::test(flavor = "multi_thread")]
async fn somebody_of_a_directory_works_at_the_console_if_a_group_of_theirs_gives_a_role() {
    if !slapd::is_here(test_name!()) {
        return;
    }
    let slapd = Slapd::start();
    let directory = config(&slapd);
    let change = |config: &mut muster::config::Config| config.identity.directory = vec![directory];
    let server = TestServer::start_with(World::system(), change).await;
    server
        .settings(|settings| {
            settings.sign_in.staff.directories = vec!["main".into()];
            let who = Who::Group(format!("CN=level1,{GROUPS}"));
            settings.staff_roles =
                vec![RoleRule { who, provider: Some("main".into()), roles: [Privilege::Administrator].into() }];
        })
        .await;
    let ada = Browser::new(&server);
    assert_eq!(ada.sign_in("ada", PASSWORD).await.status, 303);
    assert_eq!(ada.get("/console/devices").await.status, 200);
    let (wrong, grace) = (Browser::new(&server), Browser::new(&server));
    let wrong = wrong.sign_in("ada", "a wrong one").await;
    let grace = grace.sign_in("grace", PASSWORD).await;
    assert_eq!((wrong.status, grace.status), (401, 401), "grace is not in the group");
    assert_eq!(wrong.body.replace(&wrong.csrf(), ""), grace.body.replace(&grace.csrf(), ""), "both get the same page");
    server.stop().await;
}
