//! What an invitation proves, and links that are confirmed without an administrator.

use super::*;
use events::enrollment::{
    DeviceFamily, EnrollmentEvent, EnrollmentId, OsVersion, Platform, SecretHash, SignInMethodName,
};
use events::invitation::{
    InvitationDelivery, InvitationEvent, InvitationId, InvitationToken, Recipient, RecipientDetails,
};
use events::personal::Personal;
use harness::desk::write;
use harness::waiting::until;

/// An invitation for a record.
struct Invited<'a> {
    scene: &'a Scene,
    id: InvitationId,
}

impl Invited<'_> {
    async fn issue(scene: &Scene, record: RecordId, delivery: InvitationDelivery) -> Invited<'_> {
        let world = &scene.server.app().platform.world;
        let invited = Invited { scene, id: InvitationId(world.uuid()) };
        let details = Personal::new(invited.id.key(), RecipientDetails::default());
        let recipient = Recipient { person: None, keys: vec![], details };
        let (record, language, expires) = (Some(record), "en".into(), world.now().plus_seconds(30 * DAY));
        invited
            .write(InvitationEvent::InvitationIssued { recipient, record, wave: None, delivery, language, expires })
            .await;
        invited
    }

    async fn write(&self, event: InvitationEvent) {
        let now = self.scene.server.app().platform.world.now();
        write(&self.scene.server, &self.id.stream(), now, event).await;
    }

    /// Issues a code that is valid for this number of seconds.
    async fn code(&self, seconds: i64) {
        let expires = self.scene.server.app().platform.world.now().plus_seconds(seconds);
        self.write(InvitationEvent::InvitationCodeIssued { code: "0123".into(), expires }).await;
    }

    /// The enrollment of the device used it.
    async fn used_by(&self, device: DeviceId, token: InvitationToken) {
        let (now, enrollment) = (self.scene.server.app().platform.world.now(), device.enrollment());
        let person = person_of(self.scene, device).await;
        let presented = EnrollmentEvent::InvitationPresented { invitation: self.id, token };
        write(&self.scene.server, &enrollment.stream(), now, presented).await;
        self.write(InvitationEvent::InvitationOpened { enrollment, token }).await;
        self.write(InvitationEvent::InvitationUsed { enrollment, person, token }).await;
        self.scene.server.reacted().await;
    }
}

async fn automatic(scene: &Scene) {
    scene.server.settings(|settings| settings.reenrollment.confirm_automatically = true).await;
}

async fn confirmed(scene: &Scene, pair: Pair) -> bool {
    link_of(scene, pair.record, pair.successor).await.is_some_and(|link| link.state == LinkState::Confirmed)
}

/// Grace's phone, enrolled and enrolled again as another record while the first one is still managed.
async fn twice(scene: &Scene, person: &str, ios: &str) -> (Device, Pair) {
    let old = enroll(scene, person, &iphone(ios)).await;
    let successor = id_of(&enroll(scene, person, &iphone(ios)).await);
    let pair = Pair { record: own(&old), successor };
    (old, pair)
}

#[tokio::test(flavor = "multi_thread")]
async fn only_an_invitation_that_the_old_management_delivered_proves_the_device() {
    let (scene, _clock) = stage().await;
    for ((delivery, proves), (ios, person)) in
        [(InvitationDelivery::Mail, false), (InvitationDelivery::ByHand, false), (InvitationDelivery::WebClip, true)]
            .into_iter()
            .zip(TRAVELERS)
    {
        let (_, pair) = twice(&scene, person, ios).await;
        let invitation = Invited::issue(&scene, pair.record, delivery).await;
        invitation.used_by(pair.successor, InvitationToken::Link).await;
        let link = link_of(&scene, pair.record, pair.successor).await.unwrap();
        assert_eq!(link.proof.is_same_device, proves, "{delivery:?}: {link:?}");
        assert_eq!(evidence(&link).contains(&LinkEvidence::InvitedDevice {}), proves, "{delivery:?}: {link:?}");
    }
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_that_another_enrollment_used_proves_nothing() {
    let (scene, _clock) = stage().await;
    let (_, pair) = twice(&scene, "grace", "18.2").await;
    let other = id_of(&enroll(&scene, "grace", &iphone("18.2")).await);
    let invitation = Invited::issue(&scene, pair.record, InvitationDelivery::WebClip).await;
    let presented = EnrollmentEvent::InvitationPresented { invitation: invitation.id, token: InvitationToken::Link };
    let now = scene.server.app().platform.world.now();
    write(&scene.server, &pair.successor.enrollment().stream(), now, presented).await;
    invitation.used_by(other, InvitationToken::Link).await;
    assert!(!link_of(&scene, pair.record, pair.successor).await.unwrap().proof.is_same_device);
    assert!(link_of(&scene, pair.record, other).await.unwrap().proof.is_same_device);
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_of_the_page_counts_as_the_invitation_of_the_device_for_ten_minutes() {
    let (scene, clock) = stage().await;
    for (age, is_of_device) in [(600, true), (601, false)] {
        let (_, pair) = twice(&scene, "grace", "18.2").await;
        clock.advance_seconds(3_600);
        let invitation = Invited::issue(&scene, pair.record, InvitationDelivery::WebClip).await;
        invitation.code(1_800).await;
        clock.advance_seconds(age);
        invitation.used_by(pair.successor, InvitationToken::DeviceCode).await;
        let link = link_of(&scene, pair.record, pair.successor).await.unwrap();
        assert_eq!(evidence(&link).contains(&LinkEvidence::InvitedDevice {}), is_of_device, "{age} s");
        assert!(!link.proof.is_same_device, "{age} s: it may have been typed on another phone");
    }
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_of_the_page_counts_less_if_a_second_phone_of_the_person_signed_in_meanwhile() {
    let (scene, clock) = stage().await;
    for (person, is_of_device) in [("grace", false), ("bob", true)] {
        let (_, pair) = twice(&scene, "grace", "18.2").await;
        clock.advance_seconds(3_600);
        let invitation = Invited::issue(&scene, pair.record, InvitationDelivery::WebClip).await;
        invitation.code(1_800).await;
        clock.advance_seconds(60);
        enroll(&scene, person, &iphone("18.2")).await;
        clock.advance_seconds(60);
        invitation.used_by(pair.successor, InvitationToken::DeviceCode).await;
        let link = link_of(&scene, pair.record, pair.successor).await.unwrap();
        let told = evidence(&link);
        assert_eq!(told.contains(&LinkEvidence::InvitedDevice {}), is_of_device, "{person} signed in on another phone");
    }
    scene.strike().await;
}

/// A person signs in with a code, and enrolls no device. `ios`: what the browser says.
async fn given_up(scene: &Scene, invitation: &Invited<'_>, person: PersonId, ios: &str) {
    let world = &scene.server.app().platform.world;
    let (now, enrollment) = (world.now(), EnrollmentId(world.random_uuid()));
    let secret = |text: &str| Personal::new(enrollment.enrollment_key(), text.to_owned());
    let platform = Platform { family: DeviceFamily::IPhone, version: OsVersion::parse(ios) };
    let session = SecretHash("00".into());
    let token = InvitationToken::DeviceCode;
    for event in [
        EnrollmentEvent::VisitOpened {
            session: session.clone(),
            user_agent: secret("Safari"),
            platform,
            language: "en".into(),
        },
        EnrollmentEvent::InvitationPresented { invitation: invitation.id, token },
        EnrollmentEvent::UserSignedIn {
            method: SignInMethodName::LocalAccount,
            person,
            account: "00".into(),
            user_name: Personal::new(person.key(), "grace".to_owned()),
            session,
        },
    ] {
        write(&scene.server, &enrollment.stream(), now, event).await;
    }
    invitation.write(InvitationEvent::InvitationOpened { enrollment, token }).await;
    invitation.write(InvitationEvent::InvitationUsed { enrollment, person, token }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_that_is_typed_again_after_the_removal_of_the_old_management_counts_as_the_invitation_of_the_device() {
    let (scene, clock) = stage().await;
    for (ios, is_of_device) in [("18.2", true), ("18.3", false)] {
        let (_, pair) = twice(&scene, "grace", "18.2").await;
        clock.advance_seconds(3_600);
        let invitation = Invited::issue(&scene, pair.record, InvitationDelivery::WebClip).await;
        invitation.code(1_800).await;
        clock.advance_seconds(60);
        given_up(&scene, &invitation, person_of(&scene, pair.successor).await, ios).await;
        clock.advance_seconds(60);
        invitation.used_by(pair.successor, InvitationToken::DeviceCode).await;
        let link = link_of(&scene, pair.record, pair.successor).await.unwrap();
        let told = evidence(&link);
        assert_eq!(told.contains(&LinkEvidence::InvitedDevice {}), is_of_device, "typed first on iOS {ios}");
    }
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_another_enrollment_used_before_proves_the_person_alone() {
    let (scene, _clock) = stage().await;
    let (_, pair) = twice(&scene, "grace", "18.2").await;
    let invitation = Invited::issue(&scene, pair.record, InvitationDelivery::WebClip).await;
    given_up(&scene, &invitation, person_of(&scene, pair.successor).await, "18.2").await;
    invitation.used_by(pair.successor, InvitationToken::Link).await;
    let link = link_of(&scene, pair.record, pair.successor).await.unwrap();
    assert!(!link.proof.is_same_device, "the link may have been sent to another phone: {link:?}");
    assert!(evidence(&link).contains(&LinkEvidence::InvitedPerson {}), "{link:?}");
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_own_record_is_confirmed_without_staff_when_the_last_condition_becomes_true() {
    let (scene, _clock) = stage().await;
    automatic(&scene).await;
    for (ios, person) in TRAVELERS {
        // The end comes first.
        let mut old = enroll(&scene, person, &iphone(ios)).await;
        let record = own(&old);
        let invitation = Invited::issue(&scene, record, InvitationDelivery::WebClip).await;
        old.remove_mdm_profile().await.unwrap();
        let pair = Pair { record, successor: id_of(&enroll(&scene, person, &iphone(ios)).await) };
        scene.server.reacted().await;
        assert!(!confirmed(&scene, pair).await, "iOS {ios}: without an invitation that was used");
        invitation.used_by(pair.successor, InvitationToken::Link).await;
        until("the confirmation", async || confirmed(&scene, pair).await).await;
        // The invitation is used first.
        let (old, pair) = twice(&scene, person, ios).await;
        let invitation = Invited::issue(&scene, pair.record, InvitationDelivery::WebClip).await;
        invitation.used_by(pair.successor, InvitationToken::Link).await;
        assert!(!confirmed(&scene, pair).await, "iOS {ios}: the old management stands");
        unregister(&scene, &old).await;
        until("the confirmation", async || confirmed(&scene, pair).await).await;
        let told = events_of(&scene, &pair.record.stream()).await;
        assert_eq!(told.iter().filter(|event| *event == "LinkConfirmed").count(), 1, "iOS {ios}: {told:?}");
    }
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_confirmed_without_staff_and_without_a_device_bound_invitation() {
    let (scene, _clock) = stage().await;
    automatic(&scene).await;
    scene.server.settings(|settings| settings.reenrollment.strong_score = 10).await;
    let phone = iphone("18.2");
    let mut old = enroll(&scene, "grace", &phone).await;
    let record = own(&old);
    old.remove_mdm_profile().await.unwrap();
    let pair = Pair { record, successor: id_of(&enroll(&scene, "grace", &phone).await) };
    let invitation = Invited::issue(&scene, pair.record, InvitationDelivery::Mail).await;
    invitation.used_by(pair.successor, InvitationToken::Link).await;
    let link = link_of(&scene, pair.record, pair.successor).await.unwrap();
    assert_eq!((link.band, link.state), (LinkBand::Strong, LinkState::Proposed), "a strong link is not enough");
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_staff_undid_is_not_confirmed_without_staff_again() {
    let (mut scene, _clock) = stage().await;
    automatic(&scene).await;
    let (old, pair) = twice(&scene, "grace", "18.2").await;
    let invitation = Invited::issue(&scene, pair.record, InvitationDelivery::WebClip).await;
    invitation.used_by(pair.successor, InvitationToken::Link).await;
    unregister(&scene, &old).await;
    until("the confirmation", async || confirmed(&scene, pair).await).await;
    scene.server.app().reenrollment.undo(pair, &operator(&scene)).await.unwrap();
    scene.server.reacted().await;
    assert!(!confirmed(&scene, pair).await);
    scene.server.restart().await;
    scene.server.reacted().await;
    assert!(!confirmed(&scene, pair).await);
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_imported_record_is_confirmed_without_staff_when_a_later_export_lacks_it() {
    let (scene, clock) = stage().await;
    automatic(&scene).await;
    let row = |id: &str, contact: &str| format!("{id},\"iPhone14,5\",iPhone 13,15.7,{contact},2021-09-30,\n");
    import(&scene, "Jamf Pro", &(row("1", "2026-01-10") + &row("2", "2026-01-10"))).await;
    let old = record(&scene, "Jamf Pro", "1");
    let new = id_of(&enroll(&scene, "grace", &iphone("18.2")).await);
    let person = person_of(&scene, new).await;
    resolve(&scene, old, RecordOwner::Unique { person }).await;
    let pair = Pair { record: old, successor: new };
    let invitation = Invited::issue(&scene, old, InvitationDelivery::WebClip).await;
    invitation.used_by(new, InvitationToken::Link).await;
    assert!(link_of(&scene, old, new).await.unwrap().proof.is_same_device);
    // Nothing in this export is newer than the enrollment, so it may be an old file.
    import(&scene, "Jamf Pro", &row("2", "2026-01-11")).await;
    scene.server.reacted().await;
    assert!(!confirmed(&scene, pair).await);
    import(&scene, "Jamf Pro", &(row("1", "2026-01-10") + &row("2", "2026-01-11"))).await;
    clock.advance_seconds(3 * DAY);
    let today = scene.server.app().platform.world.now().day();
    import(&scene, "Jamf Pro", &row("2", &today)).await;
    until("the confirmation", async || confirmed(&scene, pair).await).await;
    scene.strike().await;
}
