//! Links that open nothing: each says why, and the form is recorded.

use super::*;
use events::invitation::RenewalCause;

/// Asserts that the page and the form of a link say this, and that the form records this reason.
async fn says(server: &TestServer, id: InvitationId, generation: u32, text: &str, why: InvitationRefusal) {
    let link = path(server, id, generation);
    let mut guest = Guest::new(server, &iphone("17.5"));
    let before = refusals(server, id).await.len();
    let page = guest.get(&link).await;
    assert_eq!(page.status, 410, "{text}");
    assert!(page.body.contains(text) && page.body.contains("Enroll without an invitation"), "{}", page.body);
    assert_eq!(refusals(server, id).await.len(), before, "a request of the page records nothing");
    let page = guest.post(&link, &[]).await;
    assert_eq!(page.status, 410, "{text}");
    assert!(page.body.contains(text), "{}", page.body);
    let expected = InvitationEvent::InvitationRefused { why, enrollment: None };
    assert_eq!(refusals(server, id).await.last(), Some(&expected));
    assert!(guest.cookies.keys().all(|name| !name.contains("enrollment")), "no enrollment was opened");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_invitation_says_so() {
    let (server, _) = server().await;
    let id = invite(&server).await;
    server.app().invitations.revoke(id, &operator()).await.unwrap();
    says(&server, id, 0, "This invitation was withdrawn.", InvitationRefusal::Revoked).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_invitation_says_so_and_the_timer_records_it() {
    let (server, clock) = server().await;
    let id = invite(&server).await;
    clock.advance_seconds(DAY);
    says(&server, id, 0, "This invitation has expired.", InvitationRefusal::Expired).await;
    server.caught_up().await;
    server.timer_looked().await;
    server.timer_looked().await;
    let recorded = events(&server, id).await;
    assert_eq!(recorded.iter().filter(|name| *name == "InvitationExpired").count(), 1, "{recorded:?}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_renewal_only_the_new_link_works() {
    let (server, _) = server().await;
    let id = invite(&server).await;
    let expires = in_days(&server, 2);
    server.app().invitations.renew(id, RenewalCause::SentAgain, expires, &operator()).await.unwrap();
    says(&server, id, 0, "This invitation was replaced by a newer one.", InvitationRefusal::Replaced).await;
    let link = path(&server, id, 1);
    let mut guest = Guest::new(&server, &iphone("17.5"));
    guest.get(&link).await;
    assert_eq!(guest.post(&link, &[]).await.led_to(), Some("/enroll"));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_with_another_secret_is_told_nothing_about_the_invitation() {
    let (server, _) = server().await;
    let id = invite(&server).await;
    server.app().invitations.revoke(id, &operator()).await.unwrap();
    let genuine = path(&server, id, 0);
    let nobody = path(&server, InvitationId(Uuid::from_u128(7)), 0);
    let (named, _) = genuine.rsplit_once('.').unwrap();
    for forged in [format!("{genuine}A"), format!("{named}."), nobody, "/invitation/nonsense".to_owned()] {
        let mut guest = Guest::new(&server, &iphone("17.5"));
        let page = guest.get(&forged).await;
        assert_eq!(page.status, 404, "{forged}");
        assert!(page.body.contains("there is no such invitation"), "{forged}: {}", page.body);
        let page = guest.post(&forged, &[]).await;
        assert_eq!(page.status, 404, "{forged}");
        assert!(!page.body.contains("withdrawn"), "{forged}: {}", page.body);
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_opened_it_in_time_uses_it_although_it_expires_before_the_sign_in() {
    let (server, clock) = server().await;
    let id = invite(&server).await;
    let link = path(&server, id, 0);
    let mut guest = Guest::new(&server, &iphone("17.5"));
    clock.advance_seconds(DAY - 60);
    guest.get(&link).await;
    guest.post(&link, &[]).await;
    guest.get("/enroll/sign-in").await;
    clock.advance_seconds(120);
    assert_eq!(sign_in(&mut guest, ADA).await.led_to(), Some("/enroll/ownership"));
    assert!(state(&server, id).await.used.is_some());
    server.stop().await;
}
