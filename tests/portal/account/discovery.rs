//! Tests of the discovery document.

use events::enrollment::{DeviceFamily, Ownership};
use harness::account::{identifier, scene};
use harness::cast::{Scene, Visitor};
use serde_json::{Value, json};
use simulator::account::AccountError;
use simulator::acts::Nobody;
use simulator::model::Family;

async fn asked(scene: &Scene, query: &str) -> (u16, String, Value) {
    let url = format!("{}/.well-known/com.apple.remotemanagement{query}", scene.server.url());
    let answer = scene.server.client().get(url).send().await.unwrap();
    let content_type = answer.headers()["content-type"].to_str().unwrap().to_owned();
    let status = answer.status().as_u16();
    (status, content_type, serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_answer_is_the_same_for_everybody_and_one_server_by_family() {
    let scene = scene().await;
    scene
        .server
        .settings(|settings| {
            settings.account_driven.families =
                [(DeviceFamily::IPhone, Ownership::Personal), (DeviceFamily::IPad, Ownership::Institutional)].into();
        })
        .await;
    let document = |version: &str| {
        let url = format!("{}/mdm/account/{version}", scene.server.url());
        json!({ "Servers": [{ "Version": version, "BaseURL": url }] })
    };
    for user in ["grace%40example.com", "nobody%40example.com", "%00%27", ""] {
        let query = format!("?user-identifier={user}&model-family=iPhone");
        assert_eq!(asked(&scene, &query).await, (200, "application/json".into(), document("mdm-byod")), "{user}");
    }
    assert_eq!(asked(&scene, "?model-family=iPad").await.2, document("mdm-adde"));
    assert_eq!(asked(&scene, "").await.2, document("mdm-byod"), "a static file on another host has only one answer");
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_served_is_told_so_in_a_document_that_the_device_can_show() {
    let scene = scene().await;
    scene
        .server
        .settings(|settings| settings.account_driven.families.retain(|family, _| *family != DeviceFamily::IPad))
        .await;
    for family in ["Mac", "AppleTV", "RealityDevice", "Watch", "iPad"] {
        let (status, content_type, document) = asked(&scene, &format!("?model-family={family}")).await;
        assert_eq!((status, content_type.as_str()), (403, "application/json"), "{family}");
        assert_eq!(document["code"], "com.apple.well-known.failed");
        assert!(document["message"].as_str().unwrap().contains("Example School"));
    }
    let mut walk = harness::account::walk(&scene, Visitor::personal(Family::IPad, "18.2"));
    let refused = walk.enroll_with_account(&identifier(&scene, "grace"), &mut Nobody).await.unwrap_err();
    assert!(matches!(refused, AccountError::Discovery(_)), "{refused}");
    assert!(refused.to_string().contains("does not offer account-driven enrollment"), "{refused}");
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn kinds_that_are_switched_off_are_not_offered_by_account_either() {
    let scene = scene().await;
    scene.server.settings(|settings| settings.ownership_kinds = [Ownership::Institutional].into()).await;
    assert_eq!(asked(&scene, "?model-family=iPhone").await.0, 403);
    scene.strike().await;
}
