//! Tests of invitations at the portal: what a link and a code open, who uses them, and what they tell nobody.

mod codes;
mod refused;

use decisions::enrollment::{Command as OfEnrollment, Enrollment};
use decisions::invitation::{Command, Invitation, Moment};
use events::Event;
use events::device::DeviceId;
use events::enrollment::EnrollmentId;
use events::invitation::{InvitationDelivery, InvitationEvent, InvitationId, InvitationRefusal, InvitationToken};
use events::record::{ImportId, PersonalDetails, PreviousKind, RecordDetails, RecordId, RecordOwner};
use events::staff::Privilege;
use events::{Personal, Timestamp};
use harness::TestServer;
use harness::desk::managed;
use harness::guest::{Guest, IPAD_AS_MAC, PASSWORD, WINDOWS, iphone};
use harness::{devices, logs};
use invitations::{Invitee, Request};
use platform::context::Context;
use reqwest::header::HeaderMap;
use std::sync::Arc;
use uuid::Uuid;
use world::{ManualClock, World};

pub const ADA: &str = "ada@school.example";
pub const GRACE: &str = "grace@school.example";
const DAY: i64 = 86_400;

/// Starts a server with two people who may enroll, on the test's own clock.
pub async fn server() -> (TestServer, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::at(devices::now()));
    let server = TestServer::start_with(World::at(clock.clone()), |_| {}).await;
    server.add_user(ADA, PASSWORD, &[Privilege::Enroll]).await;
    server.add_user(GRACE, PASSWORD, &[Privilege::Enroll]).await;
    (server, clock)
}

pub fn operator() -> Context {
    Context::operator(Uuid::from_u128(1))
}

/// Issues an invitation that expires in a day.
pub async fn issue(server: &TestServer, invitee: Invitee, delivery: InvitationDelivery) -> InvitationId {
    let app = server.app();
    let id = app.invitations.id_of(&format!("{invitee:?}"));
    let expires = app.platform.world.now().plus_seconds(DAY);
    let request = Request { id, invitee, wave: None, delivery, language: "en".into(), expires };
    app.invitations.issue(&request, &operator()).await.unwrap();
    id
}

/// Invites ada by her mail address.
pub async fn invite(server: &TestServer) -> InvitationId {
    let invitee = Invitee::Mail { address: ADA.into(), full_name: Some("Ada Lovelace".into()) };
    issue(server, invitee, InvitationDelivery::ByHand).await
}

/// Imports a record of ada's device and invites her to enroll it again, by a Web Clip on that device.
pub async fn invite_device(server: &TestServer) -> InvitationId {
    let app = server.app();
    let record = RecordId(uuid::Builder::from_custom_bytes([7; 16]).into_uuid());
    let personal = PersonalDetails {
        source_id: "4711".into(),
        serial_number: Some("F2LSECRET".into()),
        user_name: Some(ADA.into()),
        ..PersonalDetails::default()
    };
    let details = RecordDetails {
        kind: PreviousKind::PersonalDeviceProfile,
        product_name: None,
        model_name: Some("iPhone Secret".into()),
        os_version: None,
        last_contact: None,
        enrolled_at: None,
        profile_identifier: None,
        site: None,
        personal: Personal::new(record.key(), personal),
    };
    let secrets = &app.platform.secrets;
    let user_name = events::record::OwnerAttribute::UserName;
    let command = decisions::record::Command::Import {
        import: ImportId(Uuid::from_u128(9)),
        source: "Jamf Pro".into(),
        details: Box::new(details),
        owner_keys: sign_in::owner_key(secrets, identity::LOCAL, user_name, ADA).into_iter().collect(),
        names: vec![],
        owner: Some(RecordOwner::Account {}),
    };
    app.platform.perform::<decisions::record::Record>(&record.stream(), &command, &operator()).await.unwrap();
    // The owner of a record is read from a projection. A sign-in before it is known is an effect's, which is retried.
    server.caught_up().await;
    issue(server, Invitee::Record(record), InvitationDelivery::WebClip).await
}

/// Returns the path of the link of a generation.
pub fn path(server: &TestServer, invitation: InvitationId, generation: u32) -> String {
    let link = server.app().invitations.link(invitation, generation);
    link.strip_prefix(&server.url()).unwrap().to_owned()
}

pub async fn state(server: &TestServer, invitation: InvitationId) -> Arc<Invitation> {
    server.app().invitations.state(invitation).await.unwrap()
}

/// Returns the names of the events of an invitation after it was issued.
pub async fn events(server: &TestServer, invitation: InvitationId) -> Vec<String> {
    let log = server.log_of(&invitation.stream()).await;
    log.iter().skip(1).map(|entry| entry.event.type_name()).collect()
}

/// The enrollment that used the invitation gets its device.
async fn enroll_used(server: &TestServer, invitation: InvitationId) {
    let used = state(server, invitation).await.used.unwrap();
    let now = server.app().platform.world.now();
    managed(server, DeviceId(used.enrollment.0), used.person, now).await;
    server.caught_up().await;
}

async fn sign_in(guest: &mut Guest, name: &str) -> harness::guest::Answer {
    guest.post("/enroll/sign-in", &[("user_name", name), ("password", PASSWORD)]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_is_opened_by_its_button_and_used_by_the_sign_in() {
    let (server, _) = server().await;
    server.settings(|settings| settings.organization = "Example School".into()).await;
    let id = invite(&server).await;
    let link = path(&server, id, 0);
    let mut guest = Guest::new(&server, &iphone("17.5"));
    let page = guest.get(&link).await;
    assert_eq!(page.status, 200);
    assert!(page.body.contains("Example School invites you to enroll"), "{}", page.body);
    assert_eq!(guest.post(&link, &[]).await.led_to(), Some("/enroll"));
    assert_eq!(guest.get("/enroll").await.led_to(), Some("/enroll/sign-in"));
    let page = guest.get("/enroll/sign-in").await;
    assert!(page.body.contains("You were invited."), "{}", page.body);
    assert_eq!(sign_in(&mut guest, ADA).await.led_to(), Some("/enroll/ownership"));
    assert_eq!(events(&server, id).await, ["InvitationOpened", "InvitationUsed"]);
    let used = state(&server, id).await.used.unwrap();
    assert_eq!((used.token, used.is_device_bound), (InvitationToken::Link, false));
    // A second person who has the link, and the same person on another device.
    enroll_used(&server, id).await;
    let mut other = Guest::new(&server, &iphone("17.5"));
    let page = other.get(&link).await;
    assert_eq!(page.status, 410);
    assert!(page.body.contains("This invitation was used already."), "{}", page.body);
    assert_eq!(guest.get(&link).await.led_to(), Some("/enroll"), "the enrollment goes on");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn scanners_and_link_previews_that_fetch_a_link_do_not_spend_it() {
    let (server, _) = server().await;
    let id = invite(&server).await;
    let link = path(&server, id, 0);
    let before = server.whole_log().await.len();
    for agent in ["Mozilla/5.0 (compatible; MailScanner/1.0)", WINDOWS, IPAD_AS_MAC, &iphone("17.5"), ""] {
        let mut scanner = Guest::new(&server, agent);
        for _ in 0..3 {
            let page = scanner.get(&link).await;
            assert_eq!(page.status, 200, "{agent}");
            assert_eq!(page.header("x-robots-tag"), "noindex, nofollow");
            assert!(page.header("cache-control").contains("no-store"), "{:?}", page.headers);
            assert_eq!(page.header("referrer-policy"), "same-origin");
            assert_eq!(scanner.head(&link).await.status, 200);
        }
    }
    assert_eq!(server.whole_log().await.len(), before, "a request of the page records nothing");
    let mut guest = Guest::new(&server, &iphone("17.5"));
    guest.get(&link).await;
    assert_eq!(guest.post(&link, &[]).await.led_to(), Some("/enroll"), "it can still be opened");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_click_leads_to_the_same_page_and_opens_nothing_again() {
    let (server, _) = server().await;
    let id = invite(&server).await;
    let link = path(&server, id, 0);
    let mut guest = Guest::new(&server, &iphone("17.5"));
    guest.get(&link).await;
    assert_eq!(guest.post(&link, &[]).await.led_to(), Some("/enroll"));
    guest.get(&link).await;
    for _ in 0..3 {
        assert_eq!(guest.post(&link, &[]).await.led_to(), Some("/enroll"));
    }
    assert_eq!(events(&server, id).await, ["InvitationOpened"]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_gives_up_can_open_it_again_in_another_browser() {
    let (server, _) = server().await;
    let id = invite(&server).await;
    let link = path(&server, id, 0);
    let [mut first, mut second] = [0, 1].map(|_| Guest::new(&server, &iphone("17.5")));
    for guest in [&mut first, &mut second] {
        guest.get(&link).await;
        assert_eq!(guest.post(&link, &[]).await.led_to(), Some("/enroll"));
        guest.get("/enroll/sign-in").await;
    }
    sign_in(&mut second, ADA).await;
    let before = state(&server, id).await.used.unwrap();
    sign_in(&mut first, ADA).await;
    let after = state(&server, id).await.used.unwrap();
    assert_ne!(before.enrollment, after.enrollment, "no device enrolled in the other browser");
    enroll_used(&server, id).await;
    let mut third = Guest::new(&server, &iphone("17.5"));
    third.get("/enroll/sign-in").await;
    let page = third.post(&link, &[]).await;
    assert!(page.body.contains("This invitation was used already."), "{}", page.body);
    assert_eq!(reasons(&server, id).await, [InvitationRefusal::Used]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forwarded_link_enrolls_a_foreign_person_without_the_invitation_and_stays_valid() {
    let (server, _) = server().await;
    let id = invite(&server).await;
    let link = path(&server, id, 0);
    let mut grace = Guest::new(&server, &iphone("17.5"));
    grace.get(&link).await;
    grace.post(&link, &[]).await;
    grace.get("/enroll/sign-in").await;
    let signed_in = sign_in(&mut grace, GRACE).await;
    assert_eq!(signed_in.led_to(), Some("/enroll/not-invited?why=other_person"));
    let page = grace.get("/enroll/not-invited?why=other_person").await;
    assert!(page.body.contains("This invitation is for somebody else."), "{}", page.body);
    assert!(!page.body.contains(ADA) && !page.body.contains("Lovelace"), "{}", page.body);
    assert_eq!(grace.get("/enroll").await.led_to(), Some("/enroll/ownership"), "she enrolls without it");
    assert_eq!(reasons(&server, id).await, [InvitationRefusal::OtherPerson]);

    let mut ada = Guest::new(&server, &iphone("17.5"));
    ada.get(&link).await;
    ada.post(&link, &[]).await;
    ada.get("/enroll/sign-in").await;
    assert_eq!(sign_in(&mut ada, ADA).await.led_to(), Some("/enroll/ownership"));
    assert!(state(&server, id).await.used.is_some());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn before_the_sign_in_no_page_tells_anything_about_the_recipient() {
    let (server, _) = server().await;
    let [by_mail, of_record] = [invite(&server).await, invite_device(&server).await];
    for agent in [WINDOWS, IPAD_AS_MAC, &iphone("17.5"), &iphone("18.2")] {
        let mut guest = Guest::new(&server, agent);
        for id in [by_mail, of_record] {
            let link = path(&server, id, 0);
            let mut bodies = vec![guest.get(&link).await.body, guest.post(&link, &[]).await.body];
            bodies.push(guest.get("/enroll/sign-in").await.body);
            for body in bodies {
                for secret in [ADA, "Lovelace", "F2LSECRET", "iPhone Secret", "Jamf"] {
                    assert!(!body.contains(secret), "{agent}: {secret} in {body}");
                }
            }
        }
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_desktop_shows_the_link_as_a_qr_code_and_other_browsers_say_how_to_open_it_in_safari() {
    let (server, _) = server().await;
    let id = invite(&server).await;
    let link = path(&server, id, 0);
    let mut desktop = Guest::new(&server, WINDOWS);
    let page = desktop.get(&link).await.body;
    assert!(page.contains("class=\"qr\"") && page.contains(&format!("{}{link}", server.url())), "{page}");
    assert_eq!(desktop.post(&link, &[]).await.led_to(), Some(link.as_str()), "a desktop opens nothing");
    let bound = path(&server, invite_device(&server).await, 0);
    let page = desktop.get(&bound).await.body;
    assert!(page.contains("Open it there") && !page.contains(&bound), "no device but its own opens it: {page}");
    let chrome = iphone("17.5").replace("Version/17.5", "CriOS/126.0");
    let page = Guest::new(&server, &chrome).get(&link).await.body;
    assert!(page.contains("Open this page in Safari") && page.contains(&link), "{page}");
    let mut ipad = Guest::new(&server, IPAD_AS_MAC);
    let page = ipad.get(&link).await.body;
    let token = link.strip_prefix("/invitation/").unwrap();
    assert!(page.contains(&format!("name=\"invitation\" value=\"{token}\"")), "{page}");
    let answered = ipad.post("/enroll/device", &[("device", "ipad"), ("invitation", token)]).await;
    assert_eq!(answered.led_to(), Some(link.as_str()));
    assert!(ipad.get(&link).await.body.contains("You are invited"), "the answer leads back to the invitation");
    let elsewhere = ipad.post("/enroll/device", &[("device", "ipad"), ("invitation", "//evil.example")]).await;
    assert_eq!(elsewhere.led_to(), Some("/enroll"));
    assert_eq!(events(&server, id).await, Vec::<String>::new());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_language_of_the_page_can_be_changed() {
    let (server, _) = server().await;
    let link = path(&server, invite(&server).await, 0);
    let token = link.strip_prefix("/invitation/").unwrap();
    let mut guest = Guest::new(&server, &iphone("17.5"));
    guest.get(&link).await;
    let changed = guest.post("/enroll/language", &[("language", "de"), ("invitation", token)]).await;
    assert_eq!(changed.led_to(), Some(link.as_str()));
    assert!(guest.get(&link).await.body.contains("lädt Sie ein"));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_between_opening_and_sign_in_loses_nothing() {
    let (mut server, _) = server().await;
    let id = invite(&server).await;
    let mut guest = Guest::new(&server, &iphone("17.5"));
    let link = path(&server, id, 0);
    guest.get(&link).await;
    guest.post(&link, &[]).await;
    server.restart().await;
    let mut after = Guest::new(&server, &iphone("17.5"));
    after.cookies = guest.cookies.clone();
    assert!(after.get("/enroll/sign-in").await.body.contains("You were invited."));
    sign_in(&mut after, ADA).await;
    assert_eq!(events(&server, id).await, ["InvitationOpened", "InvitationUsed"]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_that_a_crash_left_unused_is_used_by_an_effect() {
    let (server, _) = server().await;
    let id = invite(&server).await;
    let mut guest = Guest::new(&server, &iphone("17.5"));
    guest.sign_in(ADA, PASSWORD).await;
    let enrollment = EnrollmentId(only_enrollment(&server).await);
    // As a process leaves it that ends before it uses the invitation.
    let now = server.app().platform.world.now();
    let shown = decisions::invitation::Shown::Link(Some(0));
    let open = Command::Open { enrollment: Some(enrollment), shown, at: Moment::of(now) };
    server.app().platform.perform::<Invitation>(&id.stream(), &open, &operator()).await.unwrap();
    let present = OfEnrollment::PresentInvitation { invitation: id, token: InvitationToken::Link };
    server.app().platform.perform::<Enrollment>(&enrollment.stream(), &present, &operator()).await.unwrap();
    server.reacted().await;
    assert_eq!(events(&server, id).await, ["InvitationOpened", "InvitationUsed"]);
    server.stop().await;
}

async fn only_enrollment(server: &TestServer) -> Uuid {
    let log = server.whole_log().await;
    let mut all: Vec<String> = log
        .iter()
        .filter(|entry| matches!(entry.event, Event::Enrollment(_)))
        .map(|entry| entry.stream.id().to_owned())
        .collect();
    all.dedup();
    assert_eq!(all.len(), 1, "{all:?}");
    Uuid::parse_str(&all[0]).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_asked_for_whom_the_device_is_uses_the_invitation_with_the_answer() {
    let (server, _) = server().await;
    let tess = "tess@school.example";
    server.add_user(tess, PASSWORD, &[Privilege::Enroll, Privilege::EnrollForOthers]).await;
    let invitee = Invitee::Mail { address: tess.into(), full_name: None };
    let id = issue(&server, invitee, InvitationDelivery::ByHand).await;
    let link = path(&server, id, 0);
    let mut guest = Guest::new(&server, &iphone("17.5"));
    guest.get(&link).await;
    guest.post(&link, &[]).await;
    guest.get("/enroll/sign-in").await;
    assert_eq!(sign_in(&mut guest, tess).await.led_to(), Some("/enroll/for-whom"));
    assert_eq!(events(&server, id).await, ["InvitationOpened"], "it is not known yet for whom the device is");
    guest.get("/enroll/for-whom").await;
    guest.post("/enroll/for-whom", &[("oneself", "yes")]).await;
    assert_eq!(events(&server, id).await, ["InvitationOpened", "InvitationUsed"]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn links_and_codes_are_not_logged() {
    let (server, _) = server().await;
    let id = invite(&server).await;
    let link = path(&server, id, 0);
    let code = server.app().invitations.code(id, 0).await.unwrap();
    let mut guest = Guest::new(&server, &iphone("17.5"));
    guest.get(&link).await;
    guest.head(&link).await;
    guest.post(&link, &[]).await;
    guest.post("/enroll/invitation", &[("code", &code)]).await;
    let lines = logs::so_far();
    assert!(lines.contains("/invitation/"), "the route is logged");
    let secret = link.rsplit_once('.').unwrap().1;
    assert!(!lines.contains(secret), "the secret of a link is logged");
    assert!(!lines.contains(&code), "a code is logged");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_from_another_site_opens_nothing() {
    let (server, _) = server().await;
    let id = invite(&server).await;
    let link = path(&server, id, 0);
    let code = server.app().invitations.code(id, 0).await.unwrap();
    let mut guest = Guest::new(&server, &iphone("17.5"));
    guest.get(&link).await;
    guest.csrf = "forged".into();
    let before = server.whole_log().await.len();
    let forms: [(&str, &[(&str, &str)]); 2] = [(&link, &[]), ("/enroll/invitation", &[("code", &code)])];
    for (form, fields) in forms {
        guest.csrf = "forged".into();
        assert_eq!(guest.post_with(form, fields, HeaderMap::new()).await.status, 403, "{form}");
    }
    assert_eq!(server.whole_log().await.len(), before);
    server.stop().await;
}

/// Returns the refusals of an invitation.
async fn refusals(server: &TestServer, invitation: InvitationId) -> Vec<InvitationEvent> {
    let log = server.log_of(&invitation.stream()).await;
    let of_invitation = log.into_iter().filter_map(|entry| match entry.event {
        Event::Invitation(event @ InvitationEvent::InvitationRefused { .. }) => Some(event),
        _ => None,
    });
    of_invitation.collect()
}

/// Returns why an invitation was refused.
async fn reasons(server: &TestServer, invitation: InvitationId) -> Vec<InvitationRefusal> {
    let reasons = refusals(server, invitation).await.into_iter().filter_map(|event| match event {
        InvitationEvent::InvitationRefused { why, .. } => Some(why),
        _ => None,
    });
    reasons.collect()
}

/// Returns a time so many days from now on the server's clock.
fn in_days(server: &TestServer, days: i64) -> Timestamp {
    server.app().platform.world.now().plus_seconds(days * DAY)
}
