//! The files with links of a wave: lists, profiles in a ZIP file, cards to print. Each is recorded before it is sent.

use super::waves::begun;
use super::web_clips::{clip, opened};
use super::{WAVES, administrator, issued, person, records, secrets, with_mail};
use events::Event;
use events::invitation::{InvitationDelivery, InvitationId};
use events::staff::{ExportFormat, Privilege, StaffActivityEvent};
use harness::TestServer;
use harness::desk::Browser;
use invitations::Invitee;
use plist::Value;
use std::io::Read as _;

/// The exports that the log has, with their numbers of rows.
async fn exported(server: &TestServer) -> Vec<(ExportFormat, u64)> {
    let events = server.events_of("access").await;
    let found = events.into_iter().filter_map(|event| match event {
        Event::StaffActivity(StaffActivityEvent::InvitationsExported { format, rows, .. }) => Some((format, rows)),
        _ => None,
    });
    found.collect()
}

#[tokio::test]
async fn the_links_of_a_wave_that_is_handed_over_are_exported() {
    let server = TestServer::start().await;
    let root = administrator(&server).await;
    let ada = person(&server, "ada").await;
    let records = records(&server, &root, &["ada", "grace", "eve"], ada).await;
    let wave = begun(&server, &records, InvitationDelivery::ByHand).await;
    let mut ids: Vec<InvitationId> = vec![];
    for record in &records {
        ids.push(issued(&server, Invitee::Record(*record), Some(wave), InvitationDelivery::ByHand).await);
    }
    let context = platform::context::Context::operator(uuid::Uuid::from_u128(1));
    server.app().invitations.revoke(ids[1], &context).await.unwrap();
    server.caught_up().await;
    let path = format!("{WAVES}/{wave}");
    let page = root.get(&path).await;
    for part in ["/export?format=csv", "/export?format=jsonl", "/print"] {
        let link = page.attribute(&format!("a[href='{path}{part}']"), "href");
        assert!(link.is_some(), "{part}: {}", page.body);
    }
    let csv = root.get(&format!("{path}/export")).await.body;
    let rows: Vec<&str> = csv.lines().collect();
    assert_eq!(rows.len(), 3, "the revoked one is left out: {csv}");
    assert!(rows[0].starts_with("\"record_id\",\"name\",\"mail\",\"state\",\"link\",\"code\""), "{csv}");
    for (row, (record, id)) in rows[1..].iter().zip([(records[0], ids[0]), (records[2], ids[2])]) {
        let [secret, code] = secrets(&server, id).await;
        assert!(row.starts_with(&format!("\"{record}\"")) && row.contains(&secret) && row.contains(&code), "{row}");
    }
    let json = root.get(&format!("{path}/export?format=jsonl")).await.body;
    let first: serde_json::Value = serde_json::from_str(json.lines().next().unwrap()).unwrap();
    assert_eq!(first["name"], "ada Lovelace");
    assert_eq!(exported(&server).await, [(ExportFormat::Csv, 2), (ExportFormat::Jsonl, 2)]);
    assert_eq!(root.get(&format!("{path}/devices")).await.status, 404, "they prove no device");
    assert_eq!(root.get(&format!("{path}/export?format=xml")).await.status, 400);
    let auditor = Browser::signed_in(&server, "grace", &[Privilege::Auditor]).await;
    for what in ["export", "print", "devices"] {
        assert_eq!(auditor.get(&format!("{path}/{what}")).await.status, 403, "{what}");
    }
    server.stop().await;
}

#[tokio::test]
async fn the_links_of_a_wave_that_muster_mails_are_in_no_file() {
    let server = with_mail().await;
    let root = administrator(&server).await;
    let ada = person(&server, "ada").await;
    let records = records(&server, &root, &["ada"], ada).await;
    let wave = begun(&server, &records, InvitationDelivery::ByHand).await;
    assert_eq!(root.get(&format!("{WAVES}/{wave}/export")).await.status, 200);
    let mailed = begun(&server, &records, InvitationDelivery::Mail).await;
    let page = root.get(&format!("{WAVES}/{mailed}")).await;
    assert!(!page.body.contains("/export"), "{}", page.body);
    for what in ["export", "print", "devices"] {
        assert_eq!(root.get(&format!("{WAVES}/{mailed}/{what}")).await.status, 404, "{what}");
    }
    server.stop().await;
}

#[tokio::test]
async fn the_profiles_of_a_wave_of_web_clips_are_in_a_zip_file_with_a_list_for_the_other_product() {
    let server = TestServer::start().await;
    let root = administrator(&server).await;
    let ada = person(&server, "ada").await;
    let records = records(&server, &root, &["ada", "grace"], ada).await;
    let wave = begun(&server, &records, InvitationDelivery::WebClip).await;
    let mut links = vec![];
    for record in &records {
        let id = issued(&server, Invitee::Record(*record), Some(wave), InvitationDelivery::WebClip).await;
        links.push(server.app().invitations.link(id, 0));
    }
    let path = format!("{WAVES}/{wave}");
    let offered = root.get(&path).await.attribute("a[href*=\"/devices?part=1\"]", "href").unwrap();
    let (headers, file) = root.download(&offered).await;
    assert_eq!(headers["content-type"], "application/zip");
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(file)).unwrap();
    let mut read = |name: &str| {
        let mut content = Vec::new();
        archive.by_name(name).unwrap().read_to_end(&mut content).unwrap();
        content
    };
    let list = String::from_utf8(read("devices.csv")).unwrap();
    let rows: Vec<&str> = list.lines().collect();
    assert_eq!(
        rows[0],
        "\"source\",\"device_id\",\"serial_number\",\"udid\",\"record_id\",\"url\",\"profile\",\"valid_until\""
    );
    assert_eq!(rows.len(), 3, "{list}");
    for (nth, link) in links.iter().enumerate() {
        let serial = format!("F2LXJ0{nth:05}");
        let name = format!("profiles/{:04}-{serial}.mobileconfig", nth + 1);
        let begins =
            format!("\"Old Jamf\",\"{}\",\"{serial}\",\"\",\"{}\",\"{link}\",\"{name}\"", nth + 1, records[nth]);
        assert!(rows[nth + 1].starts_with(&begins), "{} {begins}", rows[nth + 1]);
        if let Some(profile) = opened(&server, &read(&name)) {
            assert_eq!(clip(&profile).get("URL").and_then(Value::as_string), Some(link.as_str()));
        }
    }
    assert_eq!(archive.len(), 3);
    assert_eq!(exported(&server).await, [(ExportFormat::Csv, 2)]);
    assert_eq!(root.get(&format!("{path}/print")).await.status, 404, "a card would hand the link over");
    for wrong in ["0", "x", "-1"] {
        assert_eq!(root.get(&format!("{path}/devices?part={wrong}")).await.status, 400, "{wrong}");
    }
    let (_, none) = root.download(&format!("{path}/devices?part=2")).await;
    assert_eq!(zip::ZipArchive::new(std::io::Cursor::new(none)).unwrap().len(), 1, "only the list");
    server.stop().await;
}

#[tokio::test]
async fn the_print_page_has_a_card_for_each_open_invitation_two_hundred_at_most() {
    let server = TestServer::start().await;
    let root = administrator(&server).await;
    let ada = person(&server, "ada").await;
    let names: Vec<String> = (0..203).map(|nth| format!("p{nth}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let records = records(&server, &root, &names, ada).await;
    let wave = begun(&server, &records, InvitationDelivery::ByHand).await;
    let mut codes = vec![];
    for nth in [0, 1, 199, 200, 202] {
        let id = issued(&server, Invitee::Record(records[nth]), Some(wave), InvitationDelivery::ByHand).await;
        codes.push(secrets(&server, id).await[1].clone());
    }
    let first = root.get(&format!("{WAVES}/{wave}/print")).await;
    assert_eq!(first.texts(".qrs .who"), ["p0 Lovelace", "p1 Lovelace", "p199 Lovelace"]);
    assert_eq!(first.texts(".qrs .code"), codes[..3]);
    let until = first.texts(".qrs .muted")[0].clone();
    assert_eq!(until.replace(|c: char| c.is_ascii_digit(), "0"), "Nur für dich, bis 0000-00-00");
    assert!(first.attribute(".qrs svg path", "d").is_some());
    assert!(!first.body.contains(" style="), "{}", first.body);
    let second = root.get(&first.attribute("a[rel=next]", "href").unwrap()).await;
    assert_eq!(second.texts(".qrs .code"), codes[3..]);
    assert_eq!(second.attribute("a[rel=next]", "href"), None);
    assert_eq!(exported(&server).await, [(ExportFormat::Csv, 3), (ExportFormat::Csv, 2)]);
    server.stop().await;
}
