//! HTTP behaviour of the API and the pages: methods, unknown parameters, compression, entity tags of unchanged
//! resources.

use super::{Reply, ask, program};
use events::staff::Privilege;
use flate2::read::GzDecoder;
use harness::TestServer;
use harness::desk::{Browser, enrolled};
use harness::waiting::until;
use reqwest::header::{HeaderMap, HeaderValue};
use reqwest::{Method, Response};
use std::io::Read as _;

struct Scene {
    server: TestServer,
    token: String,
}

impl Scene {
    async fn set() -> Scene {
        let server = TestServer::start().await;
        let token = program(&server, "sync").await;
        enrolled(&server, "ada", server.app().platform.world.now()).await;
        Scene { server, token }
    }

    async fn request(&self, method: Method, path: &str, headers: &[(&'static str, &str)]) -> Response {
        let request = self.server.client().request(method, format!("{}{path}", self.server.url()));
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        request.bearer_auth(&self.token).send().await.unwrap()
    }

    async fn ask(&self, path: &str) -> Reply {
        ask(&self.server, path, Some(&self.token)).await
    }
}

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

#[tokio::test]
async fn a_wrong_method_is_answered_with_those_that_there_are() {
    let scene = Scene::set().await;
    let (read, form) = ("GET, HEAD", "GET, HEAD, POST");
    for (method, path, allowed) in [
        (Method::POST, "/api/v1/devices", read),
        (Method::DELETE, "/api/v1/audit?limit=1", read),
        (Method::PUT, "/console/devices", read),
        (Method::DELETE, "/console/sign-in", form),
        (Method::GET, "/console/sign-out", "POST"),
        (Method::DELETE, "/enroll/sign-in", form),
        (Method::HEAD, "/enroll/sign-out", "POST"),
        (Method::POST, "/crl", read),
        (Method::POST, "/.well-known/com.apple.remotemanagement", read),
    ] {
        let response = scene.request(method.clone(), path, &[]).await;
        let mut told: Vec<&str> = header(&response, "allow").split(", ").collect();
        told.sort_unstable();
        assert_eq!((response.status().as_u16(), told.join(", ").as_str()), (405, allowed), "{method} {path}");
    }
    let metrics = scene.server.client().post(format!("{}/metrics", scene.server.metrics_url())).send().await.unwrap();
    assert_eq!((metrics.status().as_u16(), header(&metrics, "allow")), (405, read));
    let refused = scene.request(Method::PATCH, "/api/v1/devices", &[]).await;
    let body: serde_json::Value = refused.json().await.unwrap();
    assert_eq!(body["error"]["code"], "method_not_allowed");
    scene.server.stop().await;
}

#[tokio::test]
async fn head_is_answered_as_get_without_the_body() {
    let scene = Scene::set().await;
    for path in ["/api/v1/devices", "/api/v1/audit?limit=0", "/console/sign-in", "/enroll", "/console/console.css"] {
        let (get, head) = (scene.request(Method::GET, path, &[]).await, scene.request(Method::HEAD, path, &[]).await);
        assert_eq!(head.status(), get.status(), "{path}");
        for name in ["content-type", "content-length", "cache-control", "etag"] {
            assert_eq!(header(&head, name), header(&get, name), "{path}: {name}");
        }
        assert_eq!(head.bytes().await.unwrap().len(), 0, "{path}");
    }
    let no_token = scene.server.client().head(format!("{}/api/v1/devices", scene.server.url())).send().await.unwrap();
    assert_eq!(no_token.status(), 401);
    for path in ["metrics", "healthz", "readyz"] {
        let url = format!("{}/{path}", scene.server.metrics_url());
        // The server is ready some moments after its start.
        until(path, async || scene.server.client().head(&url).send().await.unwrap().status() == 200).await;
    }
    scene.server.stop().await;
}

#[tokio::test]
async fn a_parameter_that_is_unknown_or_not_understood_is_named() {
    let scene = Scene::set().await;
    for (path, name) in [
        ("/api/v1/devices?ownership=personal", "ownership"),
        ("/api/v1/devices?state=enrolled&Q=ada", "Q"),
        ("/api/v1/devices?state=stolen", "state"),
        ("/api/v1/devices?kind=tv", "kind"),
        ("/api/v1/devices?identity=lost", "identity"),
        ("/api/v1/devices?as_of=yesterday", "as_of"),
        ("/api/v1/devices?archived=no", "archived"),
        ("/api/v1/devices?after=7", "after"),
        ("/api/v1/devices?limit=many", "limit"),
        ("/api/v1/devices?limit=5&limit=6", "limit"),
        ("/api/v1/audit?state=enrolled", "state"),
        ("/api/v1/audit?to=tomorrow", "to"),
        ("/api/v1/audit?actor=nobody", "actor"),
        ("/api/v1/audit?outcome=-splendid", "outcome"),
        ("/api/v1/audit?correlation=x", "correlation"),
        ("/api/v1/audit?after=7", "after"),
        // In the API, an empty value is an error.
        ("/api/v1/devices?limit=", "limit"),
        ("/api/v1/devices?state=", "state"),
        ("/api/v1/devices?person=", "person"),
        ("/api/v1/devices?q=%20", "q"),
        ("/api/v1/audit?type=", "type"),
        // No event can have this value.
        ("/api/v1/audit?type=Nope", "type"),
        ("/api/v1/audit?type=-Nope", "type"),
        ("/api/v1/audit?actor_id=x", "actor_id"),
        ("/api/v1/audit?source=x", "source"),
        ("/api/v1/audit?code=x", "code"),
        ("/api/v1/audit?q=%ff", "q"),
        ("/api/v1/devices?q=%00", "q"),
    ] {
        let Reply { status, body, .. } = scene.ask(path).await;
        let error = &body["error"];
        assert_eq!((status, &error["code"], &error["parameter"]), (400, &"bad_request".into(), &name.into()), "{path}");
        assert!(error["message"].as_str().unwrap().starts_with(&format!("{name}: ")), "{path}: {body}");
    }
    for path in ["type=DeviceEnrolled", "actor_id=command-line", "source=127.0.0.1", "code=4f7k2p", "q=%EF%BF%BD"] {
        assert_eq!(scene.ask(&format!("/api/v1/audit?{path}")).await.status, 200, "{path}");
    }
    let told = scene.ask("/api/v1/devices?ownership=personal").await.body["error"]["message"].to_string();
    assert!(told.contains("Known parameters: q, state, kind"), "{told}");
    scene.server.stop().await;
}

#[tokio::test]
async fn a_page_of_the_console_says_which_filter_it_does_not_know() {
    let scene = Scene::set().await;
    let roles = [Privilege::Administrator, Privilege::Auditor, Privilege::HelpDesk];
    let browser = Browser::signed_in(&scene.server, "root", &roles).await;
    let device = enrolled(&scene.server, "eve", scene.server.app().platform.world.now()).await;
    for page in ["devices", "devices/export", "audit", "audit/export", "visits", "funnel", &format!("devices/{device}")]
    {
        let answer = browser.get(&format!("/console/{page}?ownership=personal")).await;
        assert_eq!((answer.status, answer.texts("h1").concat().as_str()), (400, "Invalid request"), "{page}");
        assert!(answer.texts("main p").concat().contains("“ownership”"), "{page}: {}", answer.body);
    }
    for (page, name) in [("devices?state=stolen", "state"), ("audit?device=mine", "device"), ("visits?step=x", "step")]
    {
        let answer = browser.get(&format!("/console/{page}")).await;
        assert!(answer.texts("main p").concat().contains(&format!("“{name}”")), "{page}: {}", answer.body);
    }
    let (device, enrollment) = (format!("devices/{device}/commands/ask"), format!("visits/{device}"));
    for page in [
        "",
        "commands",
        "commands/ask",
        "earlier",
        "staff",
        "settings",
        "settings/change",
        "account",
        &device,
        &enrollment,
    ] {
        let answer = browser.get(&format!("/console/{page}?ownership=personal")).await;
        assert_eq!(answer.status, 400, "{page}: {}", answer.body);
        let told = answer.texts("main p").concat();
        assert!(told.contains("“ownership”") && told.contains("This page has no parameters."), "{page}: {told}");
    }
    for page in ["sign-in", "second-factor", "confirm"] {
        assert_eq!(browser.get(&format!("/console/{page}?ownership=personal")).await.status, 400, "{page}");
    }
    for (page, name) in [("audit?type=Nope", "type"), ("audit?code=x", "code"), ("devices?q=%ff", "q")] {
        let answer = browser.get(&format!("/console/{page}")).await;
        assert_eq!(answer.status, 400, "{page}");
        assert!(answer.texts("main p").concat().contains(&format!("“{name}”")), "{page}: {}", answer.body);
    }
    // A browser sends every field of a form, also the empty ones.
    for page in ["devices?q=&state=&person=", "audit?type=&q=&code=&source=", "visits?q=&step=", "preview?page="] {
        assert_eq!(browser.get(&format!("/console/{page}")).await.status, 200, "{page}");
    }
    let hostile = browser.get("/console/devices?%3Cb%3E%E2%80%AE=1").await;
    assert!(hostile.body.contains("“&lt;b&gt;\\u{202e}”"), "{}", hostile.body);
    scene.server.stop().await;
}

fn unpacked(bytes: &[u8]) -> String {
    let mut text = String::new();
    GzDecoder::new(bytes).read_to_string(&mut text).unwrap();
    text
}

#[tokio::test]
async fn what_holds_no_secret_of_a_form_is_compressed_for_who_asks_and_no_page_is() {
    const GZIP: (&str, &str) = ("accept-encoding", "gzip");
    let scene = Scene::set().await;
    for path in ["/api/v1/devices", "/console/console.css", "/assets/portal.css"] {
        let plain = scene.request(Method::GET, path, &[]).await;
        assert_eq!(header(&plain, "content-encoding"), "", "{path}");
        assert!(header(&plain, "vary").eq_ignore_ascii_case("accept-encoding"), "{path}");
        let packed = scene.request(Method::GET, path, &[GZIP]).await;
        assert_eq!((header(&packed, "content-encoding"), header(&packed, "etag")), ("gzip", header(&plain, "etag")));
        assert!(header(&packed, "vary").eq_ignore_ascii_case("accept-encoding"), "{path}");
        let (plain, packed) = (plain.text().await.unwrap(), packed.bytes().await.unwrap());
        assert_eq!((unpacked(&packed), packed.len() < plain.len()), (plain, true), "{path}");
    }
    let none = scene.request(Method::GET, "/api/v1/devices", &[("accept-encoding", "identity;q=0")]).await;
    assert_eq!((none.status().as_u16(), header(&none, "content-type")), (406, "application/json"));
    assert!(none.text().await.unwrap().contains("\"not_acceptable\""));
    let metrics = scene.server.client().get(format!("{}/metrics", scene.server.metrics_url()));
    let metrics = metrics.header(GZIP.0, GZIP.1).send().await.unwrap();
    assert!(unpacked(&metrics.bytes().await.unwrap()).contains("muster_alarms_total"));

    let roles = [Privilege::Administrator, Privilege::Auditor];
    let browser = Browser::signed_in(&scene.server, "root", &roles).await;
    let gzip = HeaderMap::from_iter([(reqwest::header::ACCEPT_ENCODING, HeaderValue::from_static("gzip"))]);
    for path in ["/console/devices?q=a", "/console/audit?q=a", "/console/sign-in", "/enroll", "/console/settings"] {
        let page = browser.get_with(path, gzip.clone()).await;
        assert!(!page.headers.contains_key("content-encoding"), "{path}");
    }
    for path in ["/console/devices/export", "/console/audit/export"] {
        assert_eq!(browser.get_with(path, gzip.clone()).await.headers["content-encoding"], "gzip", "{path}");
    }
    scene.server.stop().await;
}

#[tokio::test]
async fn records_that_a_program_has_already_are_not_sent_again() {
    let scene = Scene::set().await;
    let path = "/api/v1/devices?state=enrolled";
    let first = scene.request(Method::GET, path, &[]).await;
    let tag = header(&first, "etag").to_owned();
    assert!(tag.starts_with("W/\""), "{tag}");
    assert_eq!(header(&first, "cache-control"), "private, no-cache");
    for known in [tag.clone(), format!("\"other\", {tag}"), "*".to_owned()] {
        for encoding in ["identity", "gzip"] {
            let headers = [("if-none-match", known.as_str()), ("accept-encoding", encoding)];
            let same = scene.request(Method::GET, path, &headers).await;
            assert_eq!((same.status().as_u16(), header(&same, "etag")), (304, tag.as_str()), "{known}");
            assert_eq!(same.bytes().await.unwrap().len(), 0);
        }
    }
    let strange = scene.request(Method::GET, path, &[("if-none-match", "\"other\"")]).await;
    assert_eq!(strange.status(), 200);
    enrolled(&scene.server, "eve", scene.server.app().platform.world.now()).await;
    let changed = scene.request(Method::GET, path, &[("if-none-match", &tag)]).await;
    assert_eq!(changed.status(), 200);
    assert_ne!(header(&changed, "etag"), tag);
    let refused = scene.request(Method::GET, "/api/v1/devices?limit=0", &[("if-none-match", "*")]).await;
    assert_eq!((refused.status().as_u16(), header(&refused, "cache-control")), (400, "no-store"));
    scene.server.stop().await;
}
