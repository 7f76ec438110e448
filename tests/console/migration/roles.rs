//! Who does what in a migration: the table of docs/re-enrollment.md, route by route.

use super::{BOARD, Old, import, record};
use events::Event;
use events::staff::{Privilege, StaffActivityEvent};
use harness::TestServer;
use harness::desk::{Browser, enrolled};

const ROLES: [Privilege; 3] = [Privilege::Administrator, Privilege::HelpDesk, Privilege::Auditor];

/// What is done: the row of the table, the method, the path, and whether administrator, help desk and auditor may.
fn table(id: &str, device: &str) -> Vec<(&'static str, bool, String, [bool; 3])> {
    let of_record = format!("/console/records/{id}");
    let link = format!("/console/links/{id}/{device}");
    vec![
        ("See the board, records and links", false, BOARD.to_owned(), [true, true, true]),
        ("See the board, records and links", false, of_record.clone(), [true, true, true]),
        ("See the board, records and links", false, "/console/links".to_owned(), [true, true, true]),
        ("Import records and undo imports", true, "/console/imports/uploads/x/import".to_owned(), [true, false, false]),
        ("Invite, begin waves, see links of invitations", true, format!("{BOARD}/invite"), [true, true, false]),
        ("Close and reopen the migration of a source", true, format!("{BOARD}/close"), [true, false, false]),
        (
            "Export what is safe to delete at the source",
            false,
            "/console/records/deletable".to_owned(),
            [true, false, false],
        ),
        ("Confirm and reject links", true, format!("{link}/confirm"), [true, true, false]),
        ("Confirm and reject links", true, format!("{link}/reject"), [true, true, false]),
        ("Confirm and reject links", true, format!("{link}/undo"), [true, true, false]),
        ("Write notes", true, format!("{of_record}/notes"), [true, true, false]),
        ("Make and end exceptions", true, format!("{of_record}/exception"), [true, false, false]),
        ("Make and end exceptions", true, format!("{of_record}/exception/end"), [true, false, false]),
        ("Make and end exceptions", true, format!("{BOARD}/except/try"), [true, false, false]),
        ("Make and end exceptions", true, format!("{BOARD}/except/do"), [true, false, false]),
        ("Make and end exceptions", true, format!("{BOARD}/end-exception/try"), [true, false, false]),
        ("Make and end exceptions", true, format!("{BOARD}/end-exception/do"), [true, false, false]),
        ("Export the board", false, format!("{BOARD}/export"), [true, false, false]),
    ]
}

#[tokio::test]
async fn each_role_may_what_the_table_says_and_each_refusal_is_recorded() {
    let server = TestServer::start().await;
    import(&server, &[Old::new(1)]).await;
    let device = enrolled(&server, "ada", server.app().platform.world.now()).await;
    for (nth, role) in ROLES.into_iter().enumerate() {
        let staff = Browser::signed_in(&server, &format!("staff{nth}"), &[role]).await;
        let csrf = staff.get("/console/account").await.csrf();
        let mut refused = 0;
        for (what, posts, path, may) in table(&record(1).to_string(), &device.to_string()) {
            let answer = match posts {
                true => staff.post(&path, &[("csrf", &csrf)]).await,
                false => staff.get(&path).await,
            };
            assert_eq!(answer.status != 403, may[nth], "{role:?}: {what}: {path}: {}", answer.status);
            refused += usize::from(!may[nth]);
        }
        let is_refusal =
            |event: &&Event| matches!(event, Event::StaffActivity(StaffActivityEvent::AccessRefused { .. }));
        let all = server.events_of("access").await.iter().filter(is_refusal).count();
        let before: usize = (0..nth).map(refusals).sum();
        assert_eq!(all - before, refused, "{role:?}");
    }
    server.stop().await;
}

fn refusals(role: usize) -> usize {
    table("", "").iter().filter(|(.., may)| !may[role]).count()
}

#[test]
fn the_document_has_the_same_table() {
    let document = include_str!("../../../docs/re-enrollment.md");
    for (what, _, _, may) in table("", "") {
        let [administrator, help_desk, auditor] = may.map(|may| if may { "yes" } else { "no" });
        let row = format!("| {what} | {administrator} | {help_desk} | {auditor} |");
        assert!(document.lines().any(|line| line == row), "docs/re-enrollment.md has no row {row}");
    }
}

#[tokio::test]
async fn who_may_not_act_sees_the_board_without_exports_and_only_with_the_forms_they_may_use() {
    let server = TestServer::start().await;
    import(&server, &[Old::new(1)]).await;
    for (name, role) in [("heidi", Privilege::HelpDesk), ("grace", Privilege::Auditor)] {
        let staff = Browser::signed_in(&server, name, &[role]).await;
        let board = staff.get(BOARD).await;
        assert!(board.texts("nav[aria-label=Main] a").contains(&"Migration".to_owned()));
        assert_eq!(board.texts(".board tbody tr").len(), 1, "{name}");
        let invites = board.texts("main form[method=post] button");
        let expected: &[&str] = if role == Privilege::HelpDesk { &["Invite the owners…"] } else { &[] };
        assert_eq!(invites, expected, "{name}");
        assert_eq!(board.texts("a[download]").len(), 0);
        let page = staff.get(&format!("/console/records/{}", record(1))).await;
        let forms: Vec<String> = page.texts("main details summary");
        assert_eq!(forms.contains(&"Add a note…".to_owned()), role == Privilege::HelpDesk, "{forms:?}");
        assert!(!forms.contains(&"Make an exception…".to_owned()), "{forms:?}");
    }
    let nobody = Browser::new(&server);
    assert_eq!(nobody.get(BOARD).await.status, 303);
    server.stop().await;
}

#[tokio::test]
async fn a_form_without_the_sessions_token_changes_nothing() {
    let server = TestServer::start().await;
    import(&server, &[Old::new(1)]).await;
    let root = Browser::signed_in(&server, "root", &[Privilege::Administrator]).await;
    let before = server.events_of("record").await.len();
    for (_, posts, path, _) in table(&record(1).to_string(), &record(1).to_string()) {
        if posts {
            let fields = [("csrf", "0"), ("why", "stays"), ("note", "x"), ("which", "all")];
            assert_eq!(root.post(&path, &fields).await.status, 403, "{path}");
        }
    }
    assert_eq!(server.events_of("record").await.len(), before);
    server.stop().await;
}
