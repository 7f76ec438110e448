//! Files, forms and rows that are broken or hostile, and imports at the same time.

use super::{ADA, BAD, administrator, ended, export, files, import, import_events, post, send, upload};
use events::staff::Privilege;
use harness::TestServer;
use harness::connection::Connection;
use harness::desk::{Browser, PASSWORD};
use harness::waiting::until;
use imports::uploads::LARGEST;
use imports::{ImportError, Order};
use platform::context::Context;
use records::Mapping;
use std::io::Read;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};

#[tokio::test]
async fn markup_and_formulas_in_a_row_are_shown_as_text() {
    let server = TestServer::start().await;
    let root = administrator(&server).await;
    let hostile = "19,F2LXJ0AAAA3,<b>eve</b>,\"<img src=x onerror=alert(1)>\",\"=cmd|'/c calc'!A0\",\
        <script>alert(1)</script>,Institutional,2023-03-04T05:06:07Z,<i>";
    let bad = ",F2LXJ0AAAA4,<script>alert(2)</script>,x,y,z,Institutional,2023-03-04T05:06:07Z,\u{202e}txt";
    let path = upload(&root, &[], export(&[hostile, bad])).await;
    let checked = ended(&root, &path).await;
    assert!(checked.texts(".row code")[0].contains("<script>alert(2)</script>"), "{}", checked.body);
    assert!(checked.texts(".row code")[0].contains("\\u{202e}txt"), "{}", checked.body);
    assert!(!checked.body.contains("<script"), "{}", checked.body);
    post(&root, &format!("{path}/import")).await;
    ended(&root, &path).await;
    server.caught_up().await;
    let list = root.get("/console/records").await;
    assert_eq!(list.texts("tbody th a"), ["=cmd|'/c calc'!A0"]);
    let record = root.get(&list.attribute("tbody th a", "href").unwrap()).await;
    assert!(record.texts("dd").contains(&"<img src=x onerror=alert(1)>".to_owned()), "{}", record.body);
    for page in [&list, &record] {
        for part in ["<script", "<img", "<b>eve"] {
            assert!(!page.body.contains(part), "{part}: {}", page.body);
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn the_name_of_a_file_is_only_shown() {
    let server = TestServer::start().await;
    let (_, mut connection, head) = signed_in(&server).await;
    let name = "../../../../tmp/<b>\u{202e}.csv";
    let body = format!("{}{}\r\n--b--\r\n", part(&head.csrf, name), String::from_utf8(export(&[ADA])).unwrap());
    connection.send(request(&head, body.len(), &body).as_bytes()).await;
    let answer = connection.answer().await;
    assert!(answer.starts_with("HTTP/1.1 303"), "{answer}");
    let root = Browser::new(&server);
    root.sign_in("root", PASSWORD).await;
    let list = root.get("/console/imports").await;
    assert_eq!(list.texts(".rows li a"), ["../../../../tmp/<b>\\u{202e}.csv"]);
    assert_eq!(files(&server), 2, "the file and the rows that it set aside, both in the folder");
    server.stop().await;
}

/// What a request by hand needs.
struct Head {
    cookie: String,
    csrf: String,
    origin: String,
}

async fn signed_in(server: &TestServer) -> (Browser, Connection, Head) {
    server.add_user("root", PASSWORD, &[Privilege::Administrator]).await;
    let root = Browser::new(server);
    let cookie = root.sign_in("root", PASSWORD).await.cookie().unwrap();
    let csrf = root.get("/console/imports").await.csrf();
    (root, Connection::to(server).await, Head { cookie, csrf, origin: server.url() })
}

fn part(csrf: &str, name: &str) -> String {
    format!(
        "--b\r\ncontent-disposition: form-data; name=\"csrf\"\r\n\r\n{csrf}\r\n\
         --b\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n"
    )
}

fn request(head: &Head, length: usize, body: &str) -> String {
    let Head { cookie, origin, .. } = head;
    format!(
        "POST /console/imports HTTP/1.1\r\nhost: localhost\r\norigin: {origin}\r\n\
         cookie: __Host-muster-console={cookie}\r\ncontent-type: multipart/form-data; boundary=b\r\n\
         content-length: {length}\r\n\r\n{body}"
    )
}

#[tokio::test]
async fn a_file_that_is_too_large_is_refused_before_it_is_sent() {
    let server = TestServer::start().await;
    let (_, mut connection, head) = signed_in(&server).await;
    let length = usize::try_from(LARGEST).unwrap() + 1024 * 1024;
    connection.send(request(&head, length, "").as_bytes()).await;
    let answer = connection.answer().await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    assert!(answer.contains("larger than 256 MB"), "{answer}");
    assert_eq!(files(&server), 0);
    server.stop().await;
}

#[tokio::test]
async fn an_upload_that_breaks_off_leaves_nothing() {
    let server = TestServer::start().await;
    let (root, mut connection, head) = signed_in(&server).await;
    let begun = format!("{}{}", part(&head.csrf, "a.csv"), String::from_utf8(export(&[ADA])).unwrap());
    connection.send(request(&head, 1_000_000, &begun).as_bytes()).await;
    until("the file is being received", async || files(&server) == 1).await;
    drop(connection);
    until("the file is gone", async || files(&server) == 0).await;
    assert_eq!(root.get("/console/imports").await.texts(".rows li").len(), 0);
    // A form without its end, although all its bytes arrived.
    let mut connection = Connection::to(&server).await;
    connection.send(request(&head, begun.len(), &begun).as_bytes()).await;
    assert!(connection.answer().await.starts_with("HTTP/1.1 400"));
    assert_eq!((files(&server), import_events(&server).await), (0, 0));
    server.stop().await;
}

#[tokio::test]
async fn an_empty_file_and_a_form_without_a_file_are_refused() {
    let server = TestServer::start().await;
    let root = administrator(&server).await;
    let empty = send(&root, &[], vec![]).await;
    assert_eq!((empty.status, empty.texts("h1").concat().as_str()), (400, "The file was not accepted"));
    let csrf = root.get("/console/imports").await.csrf();
    assert_eq!(root.post("/console/imports", &[("csrf", &csrf)]).await.status, 400);
    let large = [("csrf".to_owned(), csrf), ("mapping".to_owned(), "#".repeat(300 * 1024))];
    assert_eq!(root.upload("/console/imports", &large, export(&[ADA])).await.status, 400);
    assert_eq!(files(&server), 0);
    server.stop().await;
}

/// A file whose end does not come before the sender is dropped.
struct Endless {
    begun: std::io::Cursor<Vec<u8>>,
    end: Receiver<()>,
}

impl Read for Endless {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        match self.begun.read(buffer)? {
            0 => {
                let _ = self.end.recv();
                Ok(0)
            }
            read => Ok(read),
        }
    }
}

#[tokio::test]
async fn while_another_import_runs_no_import_and_no_undo_begins() {
    let server = TestServer::start().await;
    let root = administrator(&server).await;
    let done = import(&server, &root, &[], export(&[ADA])).await;
    let path = upload(&root, &[], export(&[ADA])).await;
    ended(&root, &path).await;

    let (end, received) = channel();
    // More than is read to find out what the file is.
    let long = format!("{BAD}{}", "x".repeat(100_000));
    let rows: Vec<&str> = std::iter::once(ADA).chain([long.as_str(); 40]).collect();
    let file = Endless { begun: std::io::Cursor::new(export(&rows)), end: received };
    let imports = Arc::clone(&server.app().imports);
    let context = Context::operator(server.app().platform.world.uuid());
    let order = Order { mapping: Mapping::default(), is_complete: false, is_rehearsal: false };
    let (told, _heard) = tokio::sync::mpsc::channel(100);
    let other = tokio::spawn(async move { imports.run(file, order, &context, &told).await });
    until("the other import runs", async || server.app().imports.running().is_some()).await;
    for act in [format!("{path}/import"), format!("{done}/undo")] {
        let refused = post(&root, &act).await;
        assert_eq!((refused.status, refused.texts("h1").concat().as_str()), (409, "Not now"), "{act}");
        assert!(refused.body.contains("Another import or undo runs"), "{}", refused.body);
    }
    until("it is in the list", async || {
        root.get("/console/imports").await.texts("td .chip").contains(&"Running".to_owned())
    })
    .await;
    // A further file is checked as soon as the other import has ended.
    let waiting = upload(&root, &[], export(&[ADA])).await;
    assert_eq!(root.get(&waiting).await.texts("h1 .chip"), ["Being checked"]);
    drop(end);
    let finished: Result<_, ImportError> = other.await.unwrap();
    assert_eq!(finished.unwrap().counts.unchanged, 1);
    assert_eq!(ended(&root, &waiting).await.texts("h1 .chip"), ["Checked"]);
    assert_eq!(post(&root, &format!("{path}/import")).await.status, 303);
    assert_eq!(ended(&root, &path).await.texts("h1 .chip"), ["Imported"]);
    server.stop().await;
}

#[tokio::test]
async fn an_uploaded_file_is_removed_after_an_hour() {
    let (server, clock) = crate::factors::server().await;
    let root = administrator(&server).await;
    let path = upload(&root, &[], export(&[ADA])).await;
    ended(&root, &path).await;
    clock.advance_seconds(3_601);
    server.app().uploads.remove_old();
    assert_eq!(files(&server), 0);
    let root = Browser::new(&server);
    root.sign_in("root", PASSWORD).await;
    let gone = root.get(&path).await;
    assert!(gone.status == 404 && gone.body.contains("removed after an hour"), "{}", gone.body);
    server.stop().await;
}
