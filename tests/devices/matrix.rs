//! Walks every relevant version of iOS, on iPhone and iPad, through both kinds of enrollment and every way to enroll,
//! from the enrollment to its end. The test prints what was walked, and fails if a step is missing.
//!
//! iPhones sign their messages, iPads present their identity in TLS. Account-driven enrollment uses an access token or
//! a code, so that every version covers both.

use crate::renewal::{ALL_DUE, clock, count, serve_profile, until, world};
use devices::commands::{build, security_info};
use events::device::{AppStatus, CommandId, DeviceEvent};
use events::enrollment::{EnrollmentKind, Ownership};
use events::settings::{AuthenticationMethod, ProfileService as Setting};
use events::{Actor, ActorKind};
use harness::account::{self, institutional};
use harness::cast::{Scene, Visitor, id_of};
use harness::waiting::{self, PATIENCE};
use harness::with_device_listener;
use muster::config::Config;
use openssl::x509::X509;
use platform::context::Context;
use plist::{Dictionary, Value};
use simulator::account::SignedIn;
use simulator::acts::Nobody;
use simulator::apps::bundle_identifier;
use simulator::commands::Reply;
use simulator::device::DeviceError;
use simulator::messages::Identifier;
use simulator::model::{Family, IosVersion};
use simulator::walk::{Ending, Walk};
use std::fmt::Write as _;
use world::ManualClock;

const VERSIONS: [&str; 7] = ["12.4", "13.1", "15.0", "17.5", "18.2", "26.1", "27.0"];
const STORE_ID: u64 = 7;
const DAYS: u32 = 90;
const ROOTS: &str = "org.example.roots";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// By the profile that the portal offers.
    Portal,
    /// By the portal, after the device reported its attributes to the Profile Service.
    ProfileService,
    /// From Settings (account-driven).
    Account,
}

/// Returns the ways to enroll that a version supports. User Enrollment by profile: iOS 13.1 to 17; account-driven User
/// Enrollment: from 15; account-driven Device Enrollment: from 17.
fn ways(kind: EnrollmentKind, ios: IosVersion) -> Vec<Way> {
    let from = |major, minor| ios >= IosVersion::new(major, minor);
    let (portal, account) = match kind {
        EnrollmentKind::UserEnrollment => (from(13, 1) && !from(18, 0), from(15, 0)),
        EnrollmentKind::DeviceEnrollment => (true, from(17, 0)),
    };
    let verified = kind == EnrollmentKind::DeviceEnrollment;
    let ways = [(Way::Portal, portal), (Way::ProfileService, verified), (Way::Account, account)];
    ways.into_iter().filter(|(_, has)| *has).map(|(way, _)| way).collect()
}

/// A device and the steps that it has completed.
struct Walked {
    family: Family,
    ios: &'static str,
    kind: EnrollmentKind,
    way: Way,
    walk: Walk,
    through: Vec<&'static str>,
}

impl Walked {
    /// Returns whether the walk ends with an erasure instead of Unenroll.
    fn is_erased(&self) -> bool {
        self.way == Way::ProfileService
    }

    fn everything(&self) -> Vec<&'static str> {
        let again = (self.way == Way::Account).then_some("signed in again");
        let end = if self.is_erased() { "erased" } else { "unenrolled" };
        let before = ["enrolled", "first commands", "Self Service", "commands", "not now"].into_iter();
        before.chain(again).chain(["renewed", end]).collect()
    }

    fn name(&self) -> String {
        format!("{:?} {} {:?} {:?}", self.family, self.ios, self.kind, self.way)
    }
}

async fn enroll(scene: &Scene, family: Family, ios: &'static str, kind: EnrollmentKind, way: Way) -> Walked {
    let visitor = match kind {
        EnrollmentKind::UserEnrollment => Visitor::personal(family, ios),
        EnrollmentKind::DeviceEnrollment => Visitor::institutional(family, ios),
    };
    let name = format!("{family:?} {ios} {kind:?} {way:?}");
    let mut walk: Walk = match way {
        Way::Portal | Way::ProfileService => scene.walk(visitor),
        Way::Account => account::walk(scene, visitor),
    };
    walk.device.apps.licensed = vec![STORE_ID];
    let setting = Setting { enabled: way == Way::ProfileService, ..Setting::default() };
    let method = match (family, kind) {
        (Family::IPhone, EnrollmentKind::UserEnrollment) | (Family::IPad, EnrollmentKind::DeviceEnrollment) => {
            AuthenticationMethod::AppleAsWeb
        }
        _ => AuthenticationMethod::AppleOAuth2,
    };
    scene
        .server
        .settings(|settings| {
            settings.profile_service = setting;
            settings.account_driven.method = method;
        })
        .await;
    match way {
        Way::Portal | Way::ProfileService => {
            let ending =
                walk.run(&scene.address(), &mut Nobody).await.unwrap_or_else(|error| panic!("{name}: {error}"));
            assert!(matches!(ending, Ending::Enrolled(_)), "{name}: {ending:?}");
        }
        Way::Account => {
            let enrolled = walk.enroll_with_account(&account::identifier(scene, "grace"), &mut Nobody).await;
            enrolled.unwrap_or_else(|error| panic!("{name}: {error}"));
        }
    }
    assert_eq!(walk.device.management().unwrap().mdm.sign_message, family == Family::IPhone, "{name}");
    let personal = matches!(walk.device.management().unwrap().identifier, Identifier::EnrollmentId(_));
    assert_eq!(personal, kind == EnrollmentKind::UserEnrollment, "{name}");
    Walked { family, ios, kind, way, walk, through: vec!["enrolled"] }
}

/// Wakes the device until it has acknowledged all of these commands.
async fn acknowledge(walked: &mut Walked, mut wanted: Vec<&'static str>) {
    let what = format!("{}: {wanted:?}", walked.name());
    waiting::until(&what, async || {
        for handled in walked.walk.device.serve_once(PATIENCE).await.unwrap() {
            assert_eq!(handled.status, "Acknowledged", "{}: {handled:?}", walked.name());
            wanted.retain(|wanted| *wanted != handled.request_type);
        }
        wanted.is_empty()
    })
    .await;
}

async fn self_service(scene: &Scene, walked: &mut Walked) {
    acknowledge(walked, vec!["DeviceInformation", "SecurityInfo", "Settings", "InstallApplication"]).await;
    until(&scene.server, id_of(&walked.walk.device), "ManagedAppReported", 1).await;
    let log = scene.server.log_of(&id_of(&walked.walk.device).stream()).await;
    let reported = log.into_iter().find_map(|entry| match DeviceEvent::try_from(entry.event) {
        Ok(DeviceEvent::ManagedAppReported { status, .. }) => Some(status),
        _ => None,
    });
    assert_eq!(reported, Some(AppStatus::Prompting), "{}", walked.name());
    walked.through.extend(["first commands", "Self Service"]);
}

fn root_profile(scene: &Scene) -> Vec<u8> {
    let root = X509::from_pem(&scene.server.tls_root()).unwrap().to_der().unwrap();
    let payload = |payload_type: &str, name: &str, content: Value| -> Dictionary {
        [
            ("PayloadType", payload_type.into()),
            ("PayloadVersion", 1.into()),
            ("PayloadIdentifier", format!("org.example.{name}").into()),
            ("PayloadUUID", harness::devices::uuid().to_string().into()),
            ("PayloadContent", content),
        ]
        .map(|(key, value): (&str, Value)| (key.to_owned(), value))
        .into_iter()
        .collect()
    };
    let inside = payload("com.apple.security.root", "root", Value::Data(root));
    let profile = payload("Configuration", "roots", Value::Array(vec![Value::Dictionary(inside)]));
    let mut xml = Vec::new();
    Value::Dictionary(profile).to_writer_xml(&mut xml).unwrap();
    xml
}

async fn queue(scene: &Scene, walked: &Walked, commands: &[Dictionary]) {
    let (app, id) = (scene.server.app(), id_of(&walked.walk.device));
    let context = Context::of(Actor::new(ActorKind::Operator, "a test"), None, app.platform.world.uuid());
    for command in commands {
        let queued = app.devices.queue_command(id, CommandId(app.platform.world.uuid()), command, &context).await;
        queued.unwrap_or_else(|error| panic!("{}: {error}", walked.name()));
    }
}

async fn commands(scene: &Scene, walked: &mut Walked) {
    let mut wanted = vec![
        build::lock(None, None),
        build::profile_list(),
        build::certificate_list(),
        build::installed_apps(walked.kind),
        build::install_profile(&root_profile(scene)),
    ];
    let mut names = vec!["DeviceLock", "ProfileList", "CertificateList", "InstalledApplicationList", "InstallProfile"];
    if walked.kind == EnrollmentKind::DeviceEnrollment {
        wanted.push(build::clear_passcode());
        names.push("ClearPasscode");
    }
    queue(scene, walked, &wanted).await;
    acknowledge(walked, names).await;
    queue(scene, walked, &[build::remove_profile(ROOTS), build::remove_app(&bundle_identifier(STORE_ID))]).await;
    acknowledge(walked, vec!["RemoveProfile", "RemoveApplication"]).await;
    assert!(walked.walk.device.is_managed(), "{}: removing another profile must not end management", walked.name());
    walked.through.push("commands");
}

async fn put_off(scene: &Scene, clock: &ManualClock, walked: &mut Walked) {
    walked.walk.device.script.reply("SecurityInfo", Reply::NotNow);
    queue(scene, walked, &[security_info()]).await;
    let device = &mut walked.walk.device;
    let put_off = async || device.serve_once(PATIENCE).await.unwrap().iter().any(|handled| handled.status == "NotNow");
    waiting::until("the command", put_off).await;
    scene.server.caught_up().await;
    clock.advance_seconds(15 * 60);
    acknowledge(walked, vec!["SecurityInfo"]).await;
    walked.through.push("not now");
}

async fn signed_in_again(walked: &mut Walked) {
    let challenge = match walked.walk.device.poll().await {
        Err(DeviceError::SignInAgain { challenge }) => *challenge,
        other => panic!("{}: {other:?}", walked.name()),
    };
    walked.walk.forget_cookies();
    let signed_in = walked.walk.sign_in_again(&challenge, &mut Nobody).await.unwrap();
    assert!(matches!(signed_in, SignedIn::Token(_)), "{}: {signed_in:?}", walked.name());
    walked.walk.device.poll().await.unwrap();
    walked.through.push("signed in again");
}

async fn erased(scene: &Scene, walked: &mut Walked) {
    queue(scene, walked, &[build::erase()]).await;
    acknowledge(walked, vec!["EraseDevice"]).await;
    assert!(walked.walk.device.erased && !walked.walk.device.is_managed(), "{}", walked.name());
    walked.through.push("erased");
}

async fn renewed(scene: &Scene, clock: &ManualClock, walked: &mut Walked) {
    let id = id_of(&walked.walk.device);
    // A few renewals begin per minute, in an unspecified order.
    let asked = async || {
        clock.advance_seconds(61);
        scene.server.timer_looked().await;
        count(&scene.server, id, "IdentityRenewalRequested").await > 0
    };
    waiting::until(&format!("{} is asked to renew", walked.name()), asked).await;
    // A device whose person has just signed in again has already received the profile.
    if count(&scene.server, id, "IdentityRenewalCompleted").await == 0 {
        serve_profile(&mut walked.walk.device).await;
    }
    until(&scene.server, id, "IdentityRenewalCompleted", 1).await;
    walked.through.push("renewed");
}

async fn unenrolled(scene: &Scene, walked: &mut Walked) {
    let (app, id) = (scene.server.app(), id_of(&walked.walk.device));
    let context = Context::of(Actor::new(ActorKind::Operator, "a test"), None, app.platform.world.uuid());
    app.devices.unenroll(id, CommandId(app.platform.world.uuid()), &context).await.unwrap();
    let device = &mut walked.walk.device;
    let gone = async || {
        device.serve_once(PATIENCE).await.unwrap();
        !device.is_managed()
    };
    waiting::until("the end of management", gone).await;
    until(&scene.server, id, "DeviceCheckedOut", 1).await;
    walked.through.push("unenrolled");
}

async fn all_enrolled(scene: &Scene, family: Family) -> Vec<Walked> {
    let mut all = Vec::new();
    for kind in [EnrollmentKind::UserEnrollment, EnrollmentKind::DeviceEnrollment] {
        if kind == EnrollmentKind::DeviceEnrollment {
            // Discovery returns the same document to all devices of a family.
            institutional(scene).await;
        }
        for ios in VERSIONS {
            for way in ways(kind, ios.parse().unwrap()) {
                all.push(enroll(scene, family, ios, kind, way).await);
            }
        }
    }
    all
}

fn table(all: &[Walked]) -> String {
    let mut table = String::from("\nenrollments walked by the simulator, each with its own device:\n");
    for walked in all {
        let Walked { ios, through, .. } = walked;
        let (family, kind, way) =
            (format!("{:?}", walked.family), format!("{:?}", walked.kind), format!("{:?}", walked.way));
        let _ = writeln!(table, "  {family:<7} {ios:<5} {kind:<17} {way:<15} {}", through.join(", "));
    }
    table
}

async fn walk_all(family: Family, change: impl FnOnce(&mut Config)) {
    let clock = clock();
    let scene = account::scene_with(world(&clock), change).await;
    scene
        .server
        .settings(|settings| {
            settings.self_service.store_id = Some(STORE_ID);
            settings.self_service.licensed = [Ownership::Personal, Ownership::Institutional].into();
            settings.account_driven.sign_in_again_after_days = Some(DAYS);
        })
        .await;
    let mut all = all_enrolled(&scene, family).await;
    for walked in &mut all {
        self_service(&scene, walked).await;
        commands(&scene, walked).await;
        put_off(&scene, &clock, walked).await;
    }
    clock.advance_seconds(ALL_DUE);
    for walked in &mut all {
        if walked.way == Way::Account {
            signed_in_again(walked).await;
        }
        renewed(&scene, &clock, walked).await;
        if walked.is_erased() {
            erased(&scene, walked).await;
        } else {
            unenrolled(&scene, walked).await;
        }
    }
    for walked in &all {
        assert_eq!(walked.through, walked.everything(), "{}", walked.name());
    }
    // For personal devices: profile-based from 13.1 to 17, and account-driven from 15. For institutional devices: all
    // versions, all versions by Profile Service, and account-driven from 17.
    assert_eq!(all.len(), 3 + 5 + 7 + 7 + 4);
    harness::say(&table(&all));
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_version_of_iphones_walks_every_way_it_has_and_signs_its_messages() {
    walk_all(Family::IPhone, |_| {}).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_version_of_ipads_walks_every_way_it_has_and_presents_its_identity() {
    walk_all(Family::IPad, with_device_listener).await;
}
