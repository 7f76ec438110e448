//! OpenID Connect sign-in in the sheet that Settings opens: everything known before the round trip is still known
//! after it.

use crate::single_sign_on::provider::AtProvider;
use crate::single_sign_on::{SCHOOL, school};
use events::enrollment::{DeviceFamily, EnrollmentEvent, EnrollmentMode, Ownership};
use harness::TestServer;
use harness::account::{link, trust};
use harness::guest::{Answer, Guest, iphone};
use harness::test_name;
use reqwest::header::LOCATION;
use simulator::device::Device;
use simulator::keys::KeyPool;
use simulator::model::{Family, Hardware};
use simulator::push_server::PushServer;

async fn sheet(server: &TestServer, link: &str, languages: &str) -> Guest {
    // The sheet's user agent does not matter, because the device has reported that it is an iPad.
    let mut guest = Guest::new(server, &iphone("18.2"));
    guest.languages = languages.into();
    assert_eq!(guest.get(link).await.status, 200);
    guest
}

/// Taps the button on the page of the link, logs in at the provider, and returns.
async fn sign_in(server: &TestServer, guest: &mut Guest, link: &str, login: &str) -> Answer {
    let token = link.strip_prefix("/enroll/account/").unwrap();
    let answer = guest.post(&format!("/enroll/sign-in/{SCHOOL}"), &[("account", token)]).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let back = AtProvider::new(server).log_in(&answer.link("onward"), login).await;
    assert!(!back.contains("account") && !back.contains("byod") && !back.contains("adde"), "{back}");
    guest.get(&back).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_provider_vouches_and_tells_the_managed_apple_id_and_the_device_is_handed_a_token_at_once() {
    let test = test_name!();
    let Some((server, _provider)) = school(test).await else { return };
    let families = [(DeviceFamily::IPad, Ownership::Institutional)];
    server.settings(|settings| settings.account_driven.families = families.into()).await;
    let ipad = Hardware::new(Family::IPad, "18.2".parse().unwrap());
    let device = Device::new(ipad, KeyPool::fresh(), PushServer::nowhere());
    trust(&server, &device);
    let link = link(&server, &device, "mdm-adde").await;
    let mut guest = sheet(&server, &link, "de").await;
    let answer = sign_in(&server, &mut guest, &link, "alice").await;
    assert_eq!(answer.status, 308, "{}", answer.body);
    let address = answer.headers[LOCATION].to_str().unwrap();
    assert!(
        address.starts_with("apple-remotemanagement-user-login://authentication-results?access-token="),
        "{address}"
    );
    let events = crate::single_sign_on::enrollment_events(&server).await;
    let opened = events.iter().find_map(|event| match event {
        EnrollmentEvent::VisitOpened { platform, language, .. } => Some((platform.family, language.clone())),
        _ => None,
    });
    assert_eq!(opened, Some((DeviceFamily::IPad, "de".to_owned())));
    let begun = EnrollmentEvent::AccountDrivenBegun { mode: EnrollmentMode::Adde, state: None };
    assert!(events.contains(&begun), "the mode must be kept");
    let assigned = events.iter().find_map(|event| match event {
        EnrollmentEvent::ManagedAppleIdAssigned { managed_apple_id } => Some(managed_apple_id.text().to_owned()),
        _ => None,
    });
    assert_eq!(
        assigned.as_deref(),
        Some("alice@appleid.example.test"),
        "the address comes from the provider, not from the input"
    );
    server.stop().await;
}
