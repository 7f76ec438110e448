//! Tests of many people at once, and of the commands `simulate` and `demo`.

use events::Event;
use events::enrollment::EnrollmentEvent;
use harness::cast::{PASSWORD, Scene};
use harness::waiting::PATIENCE;
use simulator::keys::KeyPool;
use simulator::load::{self, Load};
use simulator::model::IosVersion;
use simulator::walk::Ownership;
use std::collections::HashSet;
use std::process::{Command, Output};

fn load_on(scene: &Scene) -> Load {
    Load {
        address: scene.address(),
        devices: 12,
        concurrency: 4,
        ios: IosVersion::new(17, 5),
        ownership: Ownership::Personal,
        user_names: vec!["ada".into()],
        password: PASSWORD.into(),
        wait_for_push: Some(PATIENCE),
        keys: KeyPool::shared(1).unwrap(),
        push_server: scene.push_server.clone(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn devices_that_share_a_key_enroll_at_once_and_have_certificates_of_their_own() {
    let scene = Scene::set().await;
    let mut told = 0;
    let report = load::run(load_on(&scene), |_| told += 1).await;
    assert_eq!((report.enrolled, report.failed, told), (12, 0, 12), "{:?}", report.failures);
    let enrollments = scene.server.events_of("enrollment").await;
    let serials: Vec<String> = enrollments
        .into_iter()
        .filter_map(|event| match event {
            Event::Enrollment(EnrollmentEvent::IdentityIssued { identity, .. }) => Some(identity.serial),
            _ => None,
        })
        .collect();
    assert_eq!(serials.len(), 12);
    assert_eq!(serials.iter().collect::<HashSet<_>>().len(), 12);
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn under_load_failures_are_counted_with_their_reason() {
    let scene = Scene::set().await;
    let load = Load { password: "a wrong one".into(), devices: 2, concurrency: 1, ..load_on(&scene) };
    let report = load::run(load, |_| {}).await;
    assert_eq!((report.enrolled, report.failed), (0, 2));
    assert!(report.failures.keys().all(|why| why.contains("sign in")), "{:?}", report.failures);
    scene.strike().await;
}

fn muster(arguments: &[&str]) -> Output {
    let mut command = Command::new(harness::binary::path());
    command.args(arguments).env("MUSTER_SIMULATE_PASSWORD", PASSWORD).output().unwrap()
}

async fn run(arguments: Vec<String>) -> (Option<i32>, String) {
    let ran = tokio::task::spawn_blocking(move || muster(&arguments.iter().map(String::as_str).collect::<Vec<_>>()));
    let output = ran.await.unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(said).unwrap())
}

fn words(line: &str) -> Vec<String> {
    line.split(' ').map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn demo_shows_every_step_both_logs_and_where_to_look() {
    let (code, said) = run(words("demo --exit")).await;
    assert_eq!(code, Some(0), "{said}");
    for step in ["arrival", "sign-in", "ownership", "certificate", "account", "profile", "completion"] {
        assert!(said.contains(&format!("\n  {step:<12}  ")), "step {step}: {said}");
    }
    for words in [
        " 2  UserSignedIn         ada via local account",
        "MdmProfileServed     User Enrollment",
        "Device Enrollment",
        "In the inventory: iPhone 13 of ada, enrolled.",
        "In the inventory: iPad Air of ada, enrolled.",
        "its domain names the server: https://localhost:",
        "AccessTokenIssued",
        "/console/devices",
        "administrator",
        "helpdesk",
        "/console/preview, as helpdesk",
    ] {
        assert!(said.contains(words), "{words:?} is missing in {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn demo_tells_how_a_device_leaves_another_product_and_is_linked_to_its_earlier_records() {
    let (code, said) = run(words("demo --exit")).await;
    assert_eq!(code, Some(0), "{said}");
    let mut rest = said.as_str();
    for words in [
        "The school imports the records",
        "muster import records jamf-pro.csv --complete --owner user_name=local:user_name",
        "3 records of phones with the Personal Device Profile of Jamf Pro",
        "The migration board before: 3 to invite.",
        "A wave invites the owners by a Web Clip that Jamf Pro puts on each phone: 3 owners invited.",
        "The migration board after the invitations: 3 invited.",
        "Grace enrolls her iPhone, which still has its old profile",
        "taps the icon on the Home Screen, then Continue: the invitation is opened",
        "signs in as grace",
        "her old record: “iPhone 13”, “Enrolled in 2021 with Jamf Pro”",
        "it warns: “Wi-Fi, mail and certificates that came with the old management are removed with it.”",
        "says: it is this iPhone",
        "asks: “Is the old management removed from this iPhone?”",
        "Remove Management",
        "says: it is removed",
        "the iPhone sends its push token: it is enrolled",
        "Muster proposes that this iPhone is the iPhone 13 in the records of Jamf Pro",
        "19 points (strong): same person +3, invitation delivered to the old device +10, the person said: this device +3, \
         same model +2, OS version not older +1.",
        "retired? Proven: its only owner signed in, and another product managed it.",
        "the same device? Proven.",
        "It is confirmed",
        "The migration board after that: 2 invited, 1 done.",
        "Grace updates her iPhone and enrolls it again from Settings",
        "the iPhone sends CheckOut",
        "signs in as grace",
        "the iPhone sends its push token: it is enrolled",
        "Muster proposes that this iPhone is the iPhone that was enrolled here before",
        "9 points (probable): same person +3, same model +2, OS version not older +1, old management removed shortly before",
        "retired? Proven: its only owner signed in, and its management has ended.",
        "It is confirmed",
        "The lineage of Grace’s iPhone",
        "2021-09-10        Jamf Pro  iPhone 13, iOS 15.7.1, Personal Device Profile, last contact 2026-06-30",
        "Muster    iPhone 13, iOS 17.5, User Enrollment, removed ",
        "Muster    iPhone 13, iOS 18.2, User Enrollment, enrolled\n",
    ] {
        let Some((_, after)) = rest.split_once(words) else { panic!("{words:?} is missing in {rest}") };
        rest = after;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn demo_fails_where_it_cannot_listen() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let (code, said) = run(words(&format!("demo --exit --listen {address}"))).await;
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("cannot listen"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn simulate_reports_rates_and_latencies_and_fails_if_a_device_does() {
    let scene = Scene::set().await;
    let url = scene.address();
    let (code, said) =
        run(words(&format!("simulate --url {url} --devices 3 --concurrency 2 --user ada --keys 1"))).await;
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("3 enrolled, 0 failed") && said.contains("enrollments a second"), "{said}");
    assert!(said.contains("median") && said.contains("TokenUpdate"), "{said}");
    let (code, said) = run(words(&format!("simulate --url {url} --devices 1 --user nobody --keys 1"))).await;
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("0 enrolled, 1 failed"), "{said}");
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn simulate_says_which_kind_of_device_the_settings_allow_and_enrolls_no_other() {
    let scene = Scene::set().await;
    let url = scene.address();
    for (allowed, wanted) in [("personal", "institutional"), ("institutional", "personal")] {
        let kind = match allowed {
            "personal" => events::enrollment::Ownership::Personal,
            _ => events::enrollment::Ownership::Institutional,
        };
        scene.server.settings(|settings| settings.ownership_kinds = [kind].into()).await;
        let (code, said) =
            run(words(&format!("simulate --url {url} --devices 1 --user ada --keys 1 --kind {wanted}"))).await;
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains("ownership_kinds") && said.contains(&format!("allows only {allowed} devices")), "{said}");
    }
    assert!(scene.server.events_of("device").await.is_empty(), "a device of the other kind was enrolled");
    scene.strike().await;
}
