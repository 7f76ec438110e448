//! Checks everything that the server sends to devices in these tests against Apple's rules, for the version and the
//! enrollment type of the device that gets it. A violation fails the test, and the list of checked items is printed at
//! the end.

use apple::{EnrollmentKind, OsVersion, Target, Violation, Weight};
use plist::{Dictionary, Value};
use simulator::inspection::Given;
use simulator::model::{Family, Hardware};
use simulator::profile;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};

const KINDS: [EnrollmentKind; 2] = [EnrollmentKind::UserEnrollment, EnrollmentKind::DeviceEnrollment];

/// One line of the list: the item, and the enrollment type it is for.
type Line = (String, &'static str);

#[derive(Default)]
struct Seen {
    times: usize,
    devices: BTreeSet<(&'static str, OsVersion)>,
}

struct Book {
    seen: BTreeMap<Line, Seen>,
    wrong: Vec<String>,
}

static BOOK: Mutex<Book> = Mutex::new(Book { seen: BTreeMap::new(), wrong: Vec::new() });

/// Makes every simulated device report what it receives.
pub fn begin() {
    simulator::inspection::inspect_with(look);
}

/// Checks what a device received against the rules.
#[track_caller]
pub fn look(given: &Given<'_>) {
    crate::profiles_given::note(given);
    let (names, kinds, violations) = check(given);
    let said: Vec<String> = violations.iter().map(Violation::to_string).collect();
    let device = (family(given.to), version(given.to));
    let mut book = BOOK.lock().unwrap_or_else(PoisonError::into_inner);
    for name in names {
        let seen = book.seen.entry((name, kinds)).or_default();
        seen.times += 1;
        seen.devices.insert(device);
    }
    if !said.is_empty() {
        let wrong = format!("for {} {}, {kinds}: {}", device.0, device.1, said.join("; "));
        book.wrong.push(wrong.clone());
        drop(book);
        panic!("a device received what Apple's rules do not permit, {wrong}");
    }
}

fn family(hardware: &Hardware) -> &'static str {
    match hardware.family {
        Family::IPhone => "iPhone",
        Family::IPad => "iPad",
    }
}

fn version(hardware: &Hardware) -> OsVersion {
    OsVersion::parse(&hardware.ios.to_string()).unwrap()
}

type Checked = (Vec<String>, &'static str, Vec<Violation>);

fn check(given: &Given<'_>) -> Checked {
    let version = Some(version(given.to));
    let managed = given.user_enrollment.map(|user_enrollment| match user_enrollment {
        true => EnrollmentKind::UserEnrollment,
        false => EnrollmentKind::DeviceEnrollment,
    });
    match given.content_type.split(';').next().unwrap_or_default() {
        "application/xml" => {
            let kind = managed.expect("only managed devices receive commands");
            command(given.body, Target { kind, version, supervised: given.to.supervised })
        }
        "application/json" => document(given.body, managed, version),
        "application/x-apple-aspen-config" => profile_file(given.body, managed, version),
        other => panic!("a device received a body of type {other:?}, which means nothing to it: {:?}", given.body),
    }
}

fn command(body: &[u8], target: Target) -> Checked {
    let envelope = Value::from_reader_xml(body).unwrap().into_dictionary().unwrap();
    let keys: BTreeSet<&str> = envelope.keys().map(String::as_str).collect();
    assert_eq!(keys, ["Command", "CommandUUID"].into(), "the envelope of a command");
    let command = &envelope["Command"];
    let mut violations = apple::check_command(command, target);
    let command = command.as_dictionary().unwrap();
    let mut names = vec![format!("command {}", text(command, "RequestType"))];
    if let Some(file) = command.get("Payload").and_then(Value::as_data) {
        let profile = Value::Dictionary(profile::open(file).unwrap().0);
        violations.extend(profile_by_command(&profile, target));
        names.push(format!("profile by command: {}", payload_types(&profile)));
    }
    (names, name_of(target.kind), violations)
}

// The enrollment profile is the server's own, so the device uses every key of it. In a profile that an administrator
// uploads, a device ignores unknown keys.
fn profile_by_command(profile: &Value, target: Target) -> Vec<Violation> {
    if payloads(profile).any(|payload| text(payload, "PayloadType") == "com.apple.mdm") {
        return apple::check_profile(profile, target);
    }
    let found = apple::check_upload(profile, "", target);
    found.into_iter().filter(|found| found.weight == Weight::Forbidden).collect()
}

fn document(body: &[u8], managed: Option<EnrollmentKind>, version: Option<OsVersion>) -> Checked {
    let document: serde_json::Value = serde_json::from_slice(body).unwrap();
    match (document.get("code").and_then(serde_json::Value::as_str), managed) {
        // A request to the well-known address does not contain a version. Older devices show the same in their own
        // words.
        (Some("com.apple.well-known.failed"), None) => {
            let violations = apple::check_refusal(&document, Target::new(EnrollmentKind::UserEnrollment, None));
            (vec!["document com.apple.well-known.failed".into()], "not enrolled", violations)
        }
        (Some(code), Some(kind)) => (
            vec![format!("document {code}")],
            name_of(kind),
            apple::check_refusal(&document, Target::new(kind, version)),
        ),
        _ if document.get("error").or(document.get("token_type")).is_some() => {
            (vec!["document of a token".into()], "not enrolled", apple::check_token(&document))
        }
        _ => (vec!["document of discovery".into()], "not enrolled", apple::check_discovery(&document, version)),
    }
}

// The enrollment type is that of the device; if unknown, the one that the profile is for. A profile without an MDM
// payload goes to devices of both types.
fn profile_file(file: &[u8], managed: Option<EnrollmentKind>, version: Option<OsVersion>) -> Checked {
    let profile = Value::Dictionary(profile::open(file).expect("the profile can be opened").0);
    if apple::is_profile_service(&profile) {
        let kind = EnrollmentKind::DeviceEnrollment;
        return (
            vec!["Profile Service".into()],
            name_of(kind),
            apple::check_profile_service(&profile, Target::new(kind, version)),
        );
    }
    let names = vec![format!("profile: {}", payload_types(&profile))];
    match managed.or_else(|| kind_of(&profile)) {
        Some(kind) => (names, name_of(kind), apple::check_profile(&profile, Target::new(kind, version))),
        None => {
            let both = KINDS.into_iter().flat_map(|kind| apple::check_profile(&profile, Target::new(kind, version)));
            (names, "both kinds", both.collect())
        }
    }
}

fn payloads(profile: &Value) -> impl Iterator<Item = &Dictionary> {
    let top = profile.as_dictionary().unwrap();
    top.get("PayloadContent").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_dictionary)
}

fn kind_of(profile: &Value) -> Option<EnrollmentKind> {
    let mdm = payloads(profile).find(|payload| text(payload, "PayloadType") == "com.apple.mdm")?;
    let personal = mdm.contains_key("ManagedAppleID") || text(mdm, "EnrollmentMode") == "BYOD";
    Some(if personal { EnrollmentKind::UserEnrollment } else { EnrollmentKind::DeviceEnrollment })
}

fn payload_types(profile: &Value) -> String {
    let types: Vec<&str> = payloads(profile).map(|payload| text(payload, "PayloadType")).collect();
    types.join(", ").replace("com.apple.", "")
}

fn text<'a>(dictionary: &'a Dictionary, key: &str) -> &'a str {
    dictionary.get(key).and_then(Value::as_string).unwrap_or_default()
}

fn name_of(kind: EnrollmentKind) -> &'static str {
    match kind {
        EnrollmentKind::UserEnrollment => "User Enrollment",
        EnrollmentKind::DeviceEnrollment => "Device Enrollment",
    }
}

fn report(book: &Book) -> String {
    let total: usize = book.seen.values().map(|seen| seen.times).sum();
    let mut report =
        format!("\nchecked against Apple's rules, each with the version and enrollment type of its device: {total}\n");
    for ((what, kinds), seen) in &book.seen {
        let mut devices: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for (family, version) in &seen.devices {
            devices.entry(family).or_default().push(version.to_string());
        }
        let devices: Vec<String> =
            devices.iter().map(|(family, versions)| format!("{family} {}", versions.join(" "))).collect();
        let _ = writeln!(report, "  {:>5} times  {what} ({kinds}; {})", seen.times, devices.join(", "));
    }
    for wrong in &book.wrong {
        let _ = writeln!(report, "  WRONG {wrong}");
    }
    report
}

// The test runner has no hook after the last test. A task may panic over a violation unnoticed; this function then
// fails the run.
#[dtor::dtor(unsafe)]
fn print_what_was_checked() {
    let book = BOOK.lock().unwrap_or_else(PoisonError::into_inner);
    if !book.seen.is_empty() {
        crate::say(&report(&book));
    }
    if !book.wrong.is_empty() {
        std::process::abort();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(content_type: &'static str, body: &[u8], ios: &str, user_enrollment: Option<bool>) -> Vec<String> {
        let hardware = Hardware::new(Family::IPhone, ios.parse().unwrap());
        let (_, _, violations) = check(&Given { to: &hardware, user_enrollment, content_type, body });
        violations.iter().map(Violation::to_string).collect()
    }

    fn command(inside: &str) -> Vec<u8> {
        let command = format!("<key>Command</key><dict>{inside}</dict>");
        format!("<plist version=\"1.0\"><dict><key>CommandUUID</key><string>1</string>{command}</dict></plist>")
            .into_bytes()
    }

    #[test]
    fn what_a_device_must_not_be_given_is_noticed() {
        let erase = command("<key>RequestType</key><string>EraseDevice</string>");
        let erase = |personal| given("application/xml; charset=UTF-8", &erase, "17.5", Some(personal));
        assert_eq!(erase(false), [""; 0]);
        assert_eq!(erase(true), ["EraseDevice is not for User Enrollment"]);
        let unrecognized = br#"{"code":"com.apple.unrecognized.device"}"#;
        assert_eq!(given("application/json", unrecognized, "17.0", Some(true)), [""; 0]);
        assert_eq!(given("application/json", unrecognized, "16.7", Some(true)).len(), 1);
        assert_eq!(given("application/json", br#"{"Servers":[]}"#, "17.0", None).len(), 1);
    }

    #[test]
    fn a_profile_of_the_other_mode_is_noticed() {
        let payload =
            "<key>PayloadType</key><string>com.apple.mdm</string><key>EnrollmentMode</key><string>BYOD</string>";
        let content = format!("<key>PayloadContent</key><array><dict>{payload}</dict></array>");
        let header = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>";
        let profile = format!("{header}<plist version=\"1.0\"><dict>{content}</dict></plist>").into_bytes();
        let (own, other) = (Some(true), Some(false));
        let kind_told = |managed| {
            let hardware = Hardware::new(Family::IPhone, "17.5".parse().unwrap());
            let content_type = "application/x-apple-aspen-config";
            check(&Given { to: &hardware, user_enrollment: managed, content_type, body: &profile }).1
        };
        assert_eq!((kind_told(own), kind_told(None)), ("User Enrollment", "User Enrollment"));
        assert_eq!(kind_told(other), "Device Enrollment");
    }

    #[test]
    fn of_an_uploaded_profile_only_what_is_forbidden_is_noticed_and_of_the_enrollment_profile_everything() {
        let profile = |payload_type: &str, inside: &str| {
            Value::from_reader_xml(&crate::profiles::profile(payload_type, inside)[..]).unwrap()
        };
        let target = Target::new(EnrollmentKind::DeviceEnrollment, OsVersion::parse("17.5"));
        let supervised = Target { supervised: true, ..target };
        let said = |payload_type, inside, target| profile_by_command(&profile(payload_type, inside), target).len();
        let restrictions = "com.apple.applicationaccess";
        assert_eq!(said(restrictions, "<key>allowTomorrow</key><false/>", target), 0);
        assert_eq!(said(restrictions, "<key>allowAirDrop</key><false/>", target), 1);
        assert_eq!(said(restrictions, "<key>allowAirDrop</key><false/>", supervised), 0);
        let unknown = profile_by_command(&profile("com.apple.mdm", "<key>Tomorrow</key><true/>"), target);
        assert!(unknown.iter().any(|found| found.path == "com.apple.mdm.Tomorrow"), "{unknown:?}");
    }

    #[test]
    #[should_panic(expected = "which means nothing to it")]
    fn a_body_of_a_type_that_devices_do_not_know_is_noticed() {
        given("text/html", b"<p>", "17.0", Some(true));
    }

    #[test]
    #[should_panic(expected = "the envelope of a command")]
    fn an_envelope_with_more_than_a_command_is_noticed() {
        let more = b"<plist version=\"1.0\"><dict><key>Other</key><string>1</string></dict></plist>";
        given("application/xml", more, "17.0", Some(true));
    }
}
