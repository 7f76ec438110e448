//! The pages of invitations in both engines: from the link to the sign-in, the code for Settings, and the refusals.

use crate::invitations::{invite, invite_device, operator, path, server};
use harness::browser::{Axe, Browser, DESK, Engine, Looks, PHONE, browser, look_at, speak, wait_for};
use harness::guest::{WINDOWS, iphone};

/// Enlarges the text to 200 percent, as "Larger Text" of iOS does.
async fn enlarge(browser: &Browser) {
    let enlarge = "document.documentElement.style.fontSize = '200%'";
    browser.client.execute(enlarge, vec![]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_is_opened_in_both_engines_and_can_be_read_by_everybody() {
    let (server, _) = server().await;
    server.settings(|settings| settings.organization = "Example School".into()).await;
    for engine in [Engine::WebKit, Engine::Chromium] {
        let test = format!("invitation-{engine:?}").to_lowercase();
        let axe = Axe::of(engine, &test);
        let [mailed, bound] = [invite(&server).await, invite_device(&server).await];
        for (width, height) in [PHONE, DESK] {
            let size = if (width, height) == PHONE { "phone" } else { "desk" };
            let looks = |user_agent| Looks { user_agent, width, height, dark: size == "desk", language: "en" };
            let old = iphone("17.5");
            let Some(shown) = browser(engine, &test, &looks(&old)).await else { continue };
            shown.client.goto(&format!("{}{}", server.url(), path(&server, mailed, 0))).await.unwrap();
            look_at(&shown, axe.as_ref(), &format!("{test}-{size}-page")).await;
            speak(&shown, "ja").await;
            enlarge(&shown).await;
            look_at(&shown, axe.as_ref(), &format!("{test}-{size}-large")).await;
            speak(&shown, "en").await;
            wait_for(&shown, "#continue button").await.click().await.unwrap();
            wait_for(&shown, "#invited").await;
            look_at(&shown, axe.as_ref(), &format!("{test}-{size}-invited")).await;
            shown.close().await;

            let new = iphone("18.2");
            let Some(shown) = browser(engine, &test, &looks(&new)).await else { continue };
            shown.client.goto(&format!("{}{}", server.url(), path(&server, bound, 0))).await.unwrap();
            wait_for(&shown, "#continue button").await.click().await.unwrap();
            wait_for(&shown, "#code").await;
            look_at(&shown, axe.as_ref(), &format!("{test}-{size}-code")).await;
            enlarge(&shown).await;
            look_at(&shown, axe.as_ref(), &format!("{test}-{size}-code-large")).await;
            shown.client.goto(&format!("{}/enroll/sign-in", server.url())).await.unwrap();
            wait_for(&shown, "#invitation summary").await.click().await.unwrap();
            wait_for(&shown, "#code").await.send_keys("000-000").await.unwrap();
            wait_for(&shown, "#invitation button").await.click().await.unwrap();
            wait_for(&shown, "#wrong-code").await;
            look_at(&shown, axe.as_ref(), &format!("{test}-{size}-wrong-code")).await;
            shown.close().await;
        }
        let Some(shown) = browser(
            engine,
            &test,
            &Looks { user_agent: WINDOWS, width: DESK.0, height: DESK.1, dark: false, language: "en" },
        )
        .await
        else {
            continue;
        };
        let link = format!("{}{}", server.url(), path(&server, mailed, 0));
        shown.client.goto(&link).await.unwrap();
        wait_for(&shown, ".qr").await;
        look_at(&shown, axe.as_ref(), &format!("{test}-qr")).await;
        shown.close().await;
    }
    let mailed = invite(&server).await;
    server.app().invitations.revoke(mailed, &operator()).await.unwrap();
    let (test, user_agent) = ("invitation-closed", iphone("17.5"));
    let looks = Looks { user_agent: &user_agent, width: PHONE.0, height: PHONE.1, dark: false, language: "en" };
    if let Some(shown) = browser(Engine::Chromium, test, &looks).await {
        shown.client.goto(&format!("{}{}", server.url(), path(&server, mailed, 0))).await.unwrap();
        look_at(&shown, Axe::load(test).as_ref(), test).await;
        shown.close().await;
    }
    server.stop().await;
}
