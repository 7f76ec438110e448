//! What the portal's pages say, with sample data: all of them in English, the main ones in German and Japanese.

use enroll::preview::{self, PAGES};
use events::enrollment::Ownership;
use events::settings::Terms;
use harness::{TestServer, outline};

/// The pages of the usual way, and where it may end.
const TRANSLATED: [&str; 11] = [
    "sign-in",
    "for-whom",
    "previous",
    "ownership",
    "terms",
    "ca",
    "managed-apple-id",
    "mdm",
    "waiting",
    "enrolled",
    "stopped",
];

/// Pages that say something else on other versions of iOS.
const OTHER_VERSIONS: [(&str, &str); 5] =
    [("sign-in", "18.2"), ("ca", "10.2"), ("ca", "12.0"), ("previous", "12.0"), ("mdm-institutional", "26.1")];

async fn page(server: &TestServer, page: &str, version: &str, language: &str) -> String {
    let query = format!("page={page}&family=iPhone&version={version}&language={language}");
    let address = format!("{}{}?{query}", server.url(), preview::path(&server.app().platform));
    let answer = server.client().get(address).send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 200, "{query}");
    answer.text().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pages_of_the_portal_say_what_was_reviewed() {
    let server = TestServer::start().await;
    server
        .settings(|settings| {
            let text =
                [("en".into(), "# Rules\n\nBe *kind*. See [all rules](https://example.com/rules).".into())].into();
            settings.terms.insert(Ownership::Personal, Terms { version: "2026-09".into(), text });
            settings.help = Some("help@example.com".into());
            settings.self_service_url = Some("https://apps.apple.com/app/id1".into());
        })
        .await;
    let mut texts = Vec::new();
    for (name, _) in PAGES {
        texts.push((format!("{name}.en"), outline::main(&page(&server, name, "17.5", "en").await)));
    }
    for (name, version) in OTHER_VERSIONS {
        let text = outline::main(&page(&server, name, version, "en").await);
        texts.push((format!("{name}.ios-{}.en", version.replace('.', "-")), text));
    }
    for language in ["de", "ja"] {
        for name in TRANSLATED {
            texts.push((format!("{name}.{language}"), outline::main(&page(&server, name, "17.5", language).await)));
        }
    }
    for language in ["en", "de", "ja"] {
        let text = outline::whole(&page(&server, "ownership", "17.5", language).await);
        texts.push((format!("with-its-frame.{language}"), text));
    }
    server.stop().await;
    test_support::snapshots!("pages", texts);
}
