//! Tests `muster discovery`, with and without obstacles between a domain and the server.

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use events::enrollment::DeviceFamily;
use harness::account::scene;
use harness::binary::{Said, muster, muster_at};
use harness::cast::Scene;
use openssl::ssl::{SslAcceptor, SslFiletype, SslMethod};

/// Starts another host for the people's domain; `answer` returns its responses.
fn host(scene: &Scene, answer: fn(&str, &HttpRequest) -> HttpResponse) -> String {
    let pki = &scene.server.app().config.pki;
    let mut tls = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server()).unwrap();
    tls.set_certificate_chain_file(&pki.tls_certificate).unwrap();
    tls.set_private_key_file(&pki.tls_key, SslFiletype::PEM).unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let to = scene.server.url();
    let server = HttpServer::new(move || {
        let to = to.clone();
        App::new().default_service(web::to(move |request: HttpRequest| {
            let response = answer(&to, &request);
            async move { response }
        }))
    });
    let server = server.workers(1).disable_signals().listen_openssl(listener, tls).unwrap().run();
    tokio::spawn(server);
    format!("localhost:{port}")
}

async fn check(scene: &Scene, domain: String) -> Said {
    let root = scene.server.app().config.pki.tls_root.clone().unwrap();
    let run = move || muster(&["discovery", "check", &domain, "--root", root.to_str().unwrap()], "");
    tokio::task::spawn_blocking(run).await.unwrap()
}

fn domain(scene: &Scene) -> String {
    scene.server.url().trim_start_matches("https://").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_whole_way_to_the_sign_in_page_is_walked_for_both_families() {
    let scene = scene().await;
    let said = check(&scene, domain(&scene)).await.expect_success();
    for told in
        ["iPhone with iOS 18.2:", "iPad with iOS 18.2:", "mdm-byod at https://", "401, sign in at", "the page: “"]
    {
        assert!(said.contains(told), "{told} is not in {said}");
    }
    assert_eq!(said.matches("it would go on with signing in").count(), 2, "{said}");
    assert!(!said.contains("byod-iphone."), "the link is secret: {said}");
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_that_drops_the_query_is_found_and_one_that_keeps_it_is_followed() {
    let scene = scene().await;
    let keeps = host(&scene, |to, request| {
        let address = format!("{to}{}?{}", request.path(), request.query_string());
        HttpResponse::TemporaryRedirect().insert_header(("Location", address)).finish()
    });
    let said = check(&scene, keeps).await.expect_success();
    assert!(said.contains(": 307 to "), "{said}");
    scene
        .server
        .settings(|settings| settings.account_driven.families.retain(|family, _| *family == DeviceFamily::IPad))
        .await;
    let drops = host(&scene, |to, request| {
        HttpResponse::TemporaryRedirect().insert_header(("Location", format!("{to}{}", request.path()))).finish()
    });
    let said = check(&scene, drops).await;
    assert_ne!(said.code, Some(0));
    assert!(said.out.contains("the redirect dropped the query") && said.out.contains("$is_args$args"), "{said:?}");
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stands_in_the_way_is_said_with_what_to_do() {
    let scene = scene().await;
    let nothing = host(&scene, |_, _| HttpResponse::NotFound().finish());
    let said = check(&scene, nothing).await;
    assert_eq!(said.code, Some(1));
    assert!(said.out.contains("404") && said.out.contains("asks Apple next"), "{said:?}");
    let html = host(&scene, |_, _| HttpResponse::Ok().body("<html>It works!</html>"));
    let said = check(&scene, html).await;
    assert!(said.out.contains("the document cannot be parsed") && said.out.contains("discovery show"), "{said:?}");
    let untrusted = domain(&scene);
    let said = tokio::task::spawn_blocking(move || muster(&["discovery", "check", &untrusted], "")).await.unwrap();
    assert!(said.out.contains("publicly trusted certificate"), "{said:?}");
    // This proxy hides the reason of a 401. A device would give up during enrollment, and would remove management
    // later.
    let bare = host(&scene, |_, request| {
        let here = format!("https://{}", request.connection_info().host());
        match request.method().as_str() {
            "GET" => HttpResponse::Ok()
                .json(serde_json::json!({ "Servers": [{ "Version": "mdm-byod", "BaseURL": format!("{here}/x") }] })),
            _ => HttpResponse::Unauthorized().finish(),
        }
    });
    let said = check(&scene, bare).await;
    assert!(said.out.contains("no WWW-Authenticate"), "{said:?}");
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn show_prints_a_document_that_another_host_can_serve() {
    let scene = scene().await;
    let config = scene.server.config_file();
    let file = muster_at(&config, &["discovery", "show", "--document", "iphone"], "").expect_success();
    let document: serde_json::Value = serde_json::from_str(&file).unwrap();
    assert_eq!(document["Servers"][0]["Version"], "mdm-byod");
    for version in ["15.0", "17.5", "26.0", "27.0"] {
        assert_eq!(apple::check_discovery(&document, apple::OsVersion::parse(version)), []);
    }
    let told = muster_at(&config, &["discovery", "show"], "").expect_success();
    assert!(
        told.contains("/.well-known/com.apple.remotemanagement") && told.contains("mdmenrollment.apple.com"),
        "{told}"
    );
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_family_that_the_settings_leave_out_is_told_apart_from_a_server_that_is_not_found() {
    let scene = scene().await;
    scene
        .server
        .settings(|settings| settings.account_driven.families.retain(|family, _| *family == DeviceFamily::IPhone))
        .await;
    let said = check(&scene, domain(&scene)).await;
    assert_eq!(said.code, Some(1));
    assert_eq!(said.out.matches("it would go on with signing in").count(), 1, "{said:?}");
    for told in ["refuses this kind of device", "does not offer account-driven enrollment", "account_driven.families"] {
        assert!(said.out.contains(told), "{told} is not in {said:?}");
    }
    assert!(!said.out.contains("asks Apple next") && !said.out.contains("discovery show"), "{said:?}");
    scene.strike().await;
}
