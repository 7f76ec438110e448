//! The forms of the console.

use super::Proof::{None, Test, Walked};
use super::{Proof, Watch, hold};
use events::enrollment::EnrollmentKind;
use events::staff::Privilege;
use harness::TestServer;
use harness::desk::Browser;
use harness::desk::{act, staff_id};
use harness::devices::TestDevice;
use std::collections::BTreeSet;

const ID: &str = "00000000-0000-0000-0000-000000000000";
const PASSKEYS: &str = "a_passkey_is_added_and_signs_in_at_a_desk";
const FACTORS: &str = "the_second_factor_is_asked_for_and_the_key_before_it_is_worth_nothing_afterwards";
const OWN_FACTORS: &str = "factors_and_password_change_only_after_a_proof_of_the_last_minutes";

const IMPORT: &str = "an_administrator_uploads_a_file_sees_what_would_happen_imports_it_and_undoes_the_import";

/// Forms that need a role. A request without the role records `AccessRefused`.
const WITH_A_ROLE: [(&str, Proof); 22] = [
    ("/devices/{device}/{verb:unenroll|archive|restore}", Walked),
    (
        "/devices/{device}/claims/{other}/{verb:same|different}",
        Test { event: "HardwareClaimDismissed", name: "different_devices_stay_two_records_and_the_mark_goes" },
    ),
    (
        "/devices/{device}/commands/{command}/cancel",
        Test { event: "Cancelled", name: "a_queued_command_is_called_off_on_the_devices_page" },
    ),
    ("/devices/{device}/commands/{verb}", Walked),
    ("/commands/{verb}/try", None("shows what each device would accept, and queues nothing")),
    (
        "/commands/{verb}/do",
        Test {
            event: "MdmCommandQueued",
            name: "a_rehearsal_says_what_each_device_would_accept_and_queues_nothing_before_it_is_confirmed",
        },
    ),
    ("/imports", None("shows what an import of the file would do, and changes nothing")),
    ("/imports/uploads/{upload}/check", None("shows it for another mapping, and changes nothing")),
    ("/imports/uploads/{upload}/discard", None("removes a file of which nothing was imported")),
    ("/imports/uploads/{upload}/import", Test { event: "ImportFinished", name: IMPORT }),
    ("/imports/{import}/undo", Test { event: "ImportUndone", name: IMPORT }),
    (
        "/migration/{verb:close|reopen}",
        Test { event: "MigrationClosed", name: "an_administrator_closes_a_migration_and_reopens_it" },
    ),
    (
        "/links/{record}/{device}/{decision:confirm|reject|undo}",
        Test { event: "LinkConfirmed", name: "a_phone_that_is_enrolled_again_is_proposed_confirmed_and_undone" },
    ),
    ("/settings/preview", None("shows what would change, and changes nothing")),
    (
        "/settings/apply",
        Test { event: "SettingsChanged", name: "an_administrator_sees_what_would_change_and_applies_it" },
    ),
    ("/staff/{staff}/roles", Walked),
    ("/staff/{staff}/disable", Walked),
    ("/staff/{staff}/enable", Walked),
    (
        "/staff/{staff}/remove-factors",
        Test { event: "StaffSessionsEnded", name: "an_administrator_removes_the_factors_of_somebody_who_lost_them" },
    ),
    ("/staff/{staff}/password", Walked),
    ("/staff/{staff}/end-sessions", Walked),
    (
        "/staff/{staff}/sessions/{session}/end",
        Test { event: "StaffSessionEnded", name: "everybody_ends_their_own_sessions_and_an_administrator_anyones" },
    ),
];

/// Forms for signing in, and for one's own account.
const OWN: [(&str, Proof); 23] = [
    ("/sign-in", Walked),
    ("/sign-in/with/{provider}", None("the start is only counted; the provider's answer is recorded")),
    ("/sso/{provider}/acs", Test { event: "faults", name: "every_attack_is_refused_at_the_console_as_well" }),
    ("/sign-out", Walked),
    ("/set-up/{token}", Walked),
    ("/second-factor/code", Test { event: "OneTimeCodeUsed", name: FACTORS }),
    ("/second-factor/passkey/begin", None("asks the browser for a signature")),
    ("/second-factor/passkey", Test { event: "PasskeyUsed", name: PASSKEYS }),
    ("/confirm", None("asks for the confirmation of an action with another factor")),
    ("/confirm/code", Test { event: "OneTimeCodeUsed", name: OWN_FACTORS }),
    ("/confirm/password", Walked),
    ("/confirm/passkey/begin", None("asks the browser for a signature")),
    ("/confirm/passkey", Test { event: "PasskeyUsed", name: PASSKEYS }),
    ("/account/sessions/end-others", Walked),
    (
        "/account/sessions/{session}/end",
        Test { event: "StaffSessionEnded", name: "everybody_ends_their_own_sessions_and_an_administrator_anyones" },
    ),
    ("/account/factors/one-time-codes/begin", None("shows a seed, which becomes valid when a code confirms it")),
    ("/account/factors/one-time-codes", Test { event: "OneTimeCodesAdded", name: OWN_FACTORS }),
    ("/account/factors/passkey/begin", None("asks the browser for a key")),
    ("/account/factors/passkey", Test { event: "PasskeyAdded", name: PASSKEYS }),
    ("/account/recovery-codes", Test { event: "RecoveryCodesMade", name: OWN_FACTORS }),
    ("/account/password", Walked),
    (
        "/account/passkeys/{passkey}/remove",
        Test { event: "PasskeyRemoved", name: "with_the_last_second_factor_the_recovery_codes_go" },
    ),
    ("/account/one-time-codes/remove", Test { event: "OneTimeCodesRemoved", name: OWN_FACTORS }),
];

/// Returns the paths that accept a form, from the routes of the console.
fn routes() -> BTreeSet<String> {
    let sources = [include_str!("../../../src/admin.rs"), include_str!("../../../src/admin/commands.rs")];
    let resources = sources.into_iter().flat_map(|source| source.split("web::resource(").skip(1));
    let mut paths = BTreeSet::new();
    for resource in resources {
        let path = resource.split('"').nth(1).unwrap();
        if resource.contains(".post(") {
            let within = if ["/preview", "/apply"].contains(&path) { "/settings" } else { "" };
            paths.insert(format!("{within}{path}"));
        }
    }
    paths
}

#[test]
fn every_form_of_the_console_has_a_row() {
    let rows: Vec<(&str, Proof)> = WITH_A_ROLE.into_iter().chain(OWN).collect();
    hold(&routes(), &rows);
}

fn path(route: &str) -> String {
    let parts = route.split('/').map(|part| match part {
        "{verb}" => "lock",
        verb if verb.contains(':') => verb.split([':', '|']).nth(1).unwrap_or_default(),
        id if id.starts_with('{') => ID,
        plain => plain,
    });
    format!("/console{}", parts.collect::<Vec<_>>().join("/"))
}

#[actix_web::test]
async fn whoever_lacks_the_role_for_a_form_leaves_a_fact() {
    let server = TestServer::start().await;
    let browser = Browser::signed_in(&server, "heidi", &[Privilege::HelpDesk]).await;
    let csrf = browser.get("/console/account").await.csrf();
    let mut watch = Watch::begin(&server).await;
    for (route, _) in WITH_A_ROLE {
        let fields = [("csrf", csrf.as_str()), ("text", ""), ("over", "1"), ("answer", "{}")];
        let answer = browser.post(&path(route), &fields).await;
        assert_eq!(answer.status, 403, "{route}: {}", answer.body);
        watch.left("AccessRefused", route).await;
    }
    server.stop().await;
}

#[actix_web::test]
async fn what_an_administrator_does_or_cannot_do_leaves_a_fact() {
    let server = TestServer::start().await;
    let device = TestDevice::enrolled(&server, EnrollmentKind::UserEnrollment).await;
    let root = Browser::signed_in(&server, "root", &[Privilege::Administrator]).await;
    Browser::signed_in(&server, "eve", &[Privilege::HelpDesk]).await;
    let (own, eve) = (staff_id(&server, "root").await, staff_id(&server, "eve").await);
    server.caught_up().await;
    let csrf = root.get("/console/account").await.csrf();
    let form = [("csrf", csrf.as_str())];
    let mut watch = Watch::begin(&server).await;
    root.post(&format!("/console/devices/{}/archive", device.id), &form).await;
    watch.left("RecordArchived", "archiving").await;
    root.post(&format!("/console/devices/{ID}/archive"), &form).await;
    watch.left("ActRefused", "archiving what is not there").await;
    let erase = [("csrf", csrf.as_str()), ("request", ID), ("expires", "1")];
    let answer = root.post(&format!("/console/devices/{}/commands/erase", device.id), &erase).await;
    assert_eq!(answer.status, 409, "{}", answer.body);
    watch.left("ActRefused", "erasing a personal device").await;
    act(&root, own, "disable", &[]).await;
    watch.left("ActRefused", "disabling oneself").await;
    for (what, fields, event) in [
        ("roles", &[("auditor", "on")][..], "PrivilegesChanged"),
        ("password", &[], "PasswordChanged"),
        ("end-sessions", &[], "StaffSessionsEnded"),
        ("disable", &[], "LocalAccountDisabled"),
        ("enable", &[], "LocalAccountEnabled"),
    ] {
        act(&root, eve, what, fields).await;
        watch.left(event, what).await;
    }
    server.stop().await;
}

#[actix_web::test]
async fn what_somebody_does_at_their_own_account_leaves_a_fact() {
    const PASSWORD: &str = "another four plain words";
    let server = TestServer::start().await;
    let mut watch = Watch::begin(&server).await;
    let grace = Browser::signed_in(&server, "grace", &[Privilege::Auditor]).await;
    watch.left("StaffSignedIn", "signing in").await;
    Browser::new(&server).sign_in("grace", "wrong").await;
    watch.left("StaffSignInRefused", "a wrong password").await;
    let csrf = grace.get("/console/account").await.csrf();
    grace.post("/console/confirm/password", &[("csrf", &csrf), ("password", "wrong"), ("next", "")]).await;
    watch.left("PasswordConfirmationRefused", "a wrong password to confirm").await;
    grace.post("/console/account/password", &[("csrf", &csrf), ("password", PASSWORD), ("again", PASSWORD)]).await;
    watch.left("PasswordChanged", "another password").await;
    Browser::new(&server).sign_in("grace", PASSWORD).await;
    let csrf = grace.get("/console/account").await.csrf();
    grace.post("/console/account/sessions/end-others", &[("csrf", &csrf)]).await;
    watch.left("StaffSessionsEnded", "ending the other sessions").await;
    grace.post("/console/sign-out", &[("csrf", &csrf)]).await;
    watch.left("StaffSignedOut", "signing out").await;
    server.stop().await;
}
