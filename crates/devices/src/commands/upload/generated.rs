//! Checks profiles that are generated from Apple's schema, by code that shares nothing with the checked code. Profiles
//! that Apple allows must be accepted, each in one of three encodings, signed or unsigned. Profiles with one error must
//! be refused with the name of the key. If `../shared/apple-schema` is missing, the tests report that they are left
//! out.

use apple::schema::{head, ios, is_foreign, list, read, schema, text};
use apple::{EnrollmentKind, OsVersion, Target, Weight};
use openssl::asn1::Asn1Time;
use openssl::cms::{CMSOptions, CmsContentInfo};
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::x509::{X509, X509NameBuilder};
use plist::{Dictionary, Value};
use serde_yaml_ng::Value as Yaml;
use std::path::Path;

const USER: EnrollmentKind = EnrollmentKind::UserEnrollment;
const DEVICE: EnrollmentKind = EnrollmentKind::DeviceEnrollment;
/// The version of iOS that the schema describes.
const VERSION: (u64, u64, u64) = (18, 1, 0);
/// Files of the schema for which no payload is generated: the keys of the profile and those common to all payloads
/// ([`Frame`] adds them), the MDM payload, and the home screen layout, whose definition is recursive.
const ELSEWHERE: &[&str] = &["TopLevel", "CommonPayloadKeys", "com.apple.mdm", "com.apple.homescreenlayout"];

/// Returns the version that the schema states for `key`. `None` if it states none or `n/a`.
fn version(of: &Yaml, key: &str) -> Option<(u64, u64, u64)> {
    let text = text(ios(of).get(key)?).filter(|text| text != "n/a")?;
    let mut parts = text.split('.').map(|part| part.parse().unwrap());
    Some((parts.next()?, parts.next().unwrap_or_default(), parts.next().unwrap_or_default()))
}

fn mode(of: &Yaml) -> Option<String> {
    ios(of).get("userenrollment")?.get("mode").and_then(text)
}

/// Returns whether the key is only for supervised devices and the target is not supervised.
fn needs_supervision(of: &Yaml, target: Target) -> bool {
    !target.supervised && ios(of).get("supervised").and_then(Yaml::as_bool) == Some(true)
}

fn name(key: &Yaml) -> &str {
    key["key"].as_str().unwrap()
}

fn kind(key: &Yaml) -> String {
    text(&key["type"]).unwrap()
}

/// Returns whether the entry stands for keys of any name.
fn is_any(key: &Yaml) -> bool {
    name(key).starts_with("ANY")
}

fn is_required(key: &Yaml) -> bool {
    key.get("presence").and_then(text).as_deref() == Some("required")
}

/// Returns whether the key exists in [`VERSION`] and is permitted for the target's kind of enrollment.
fn is_allowed(of: &Yaml, target: Target) -> bool {
    let mode = mode(of);
    let by_mode = match target.kind {
        USER => !matches!(mode.as_deref(), Some("forbidden" | "ignored")),
        DEVICE => mode.as_deref() != Some("required"),
    };
    let exists = version(of, "introduced").is_none_or(|since| since <= VERSION);
    by_mode && exists && !is_foreign(of) && version(of, "removed").is_none_or(|until| VERSION < until)
}

/// Converts a scalar of the schema, which is a default or a permitted value.
fn given(key: &Yaml, value: &Yaml) -> Option<Value> {
    Some(match kind(key).as_str() {
        "<boolean>" => value.as_bool()?.into(),
        "<integer>" => value.as_i64()?.into(),
        "<real>" => Value::Real(value.as_f64()?),
        "<string>" => text(value)?.into(),
        _ => return None,
    })
}

fn default(key: &Yaml) -> Option<Value> {
    key.get("default").and_then(|default| given(key, default))
}

/// Returns a value that Apple allows: the first permitted value, else the default, else an example. `whole`: with every
/// permitted key inside it.
fn sample(key: &Yaml, target: Target, whole: bool) -> Value {
    if name(key) == "Subject" {
        let pair = Value::Array(vec!["O".into(), "Example".into()]);
        return Value::Array(vec![Value::Array(vec![pair])]);
    }
    let listed = list(key, "rangelist").first();
    if let Some(value) = listed.and_then(|value| given(key, value)).or_else(|| default(key)) {
        return value;
    }
    let inside = list(key, "subkeys");
    let member = inside.iter().find(|member| is_allowed(member, target) && !needs_supervision(member, target));
    match kind(key).as_str() {
        "<boolean>" => true.into(),
        "<integer>" => key.get("range").and_then(|range| range.get("min")).and_then(Yaml::as_i64).unwrap_or(1).into(),
        "<real>" => Value::Real(1.0),
        "<date>" => Value::Date(plist::Date::from_xml_format("2030-01-01T00:00:00Z").unwrap()),
        "<data>" => Value::Data(vec![1, 2, 3]),
        "<array>" => Value::Array(member.map(|member| sample(member, target, whole)).into_iter().collect()),
        "<dictionary>" if inside.iter().any(is_any) => Dictionary::new().into(),
        "<dictionary>" => keys(inside, target, whole).into(),
        _ => match (member, key.get("format").and_then(text).unwrap_or_default()) {
            (Some(word), _) => name(word).into(),
            (None, format) if format.contains("https") => "https://example.com/".into(),
            (None, format) if format.contains("{12}") => "00000000-0000-4000-8000-000000000000".into(),
            _ => "example".into(),
        },
    }
}

/// Returns the required keys with values. `whole`: all permitted keys; keys for supervised devices have their default.
fn keys(all: &[Yaml], target: Target, whole: bool) -> Dictionary {
    let wanted = |key: &&Yaml| {
        let bound = needs_supervision(key, target);
        let needed = is_required(key) || mode(key).as_deref() == Some("required");
        is_allowed(key, target) && (needed && !bound || whole && (!bound || default(key).is_some()))
    };
    all.iter().filter(wanted).map(|key| (name(key).to_owned(), sample(key, target, whole))).collect()
}

/// The schema of the profile around payloads, and of the keys that every payload may have.
struct Frame {
    top: Yaml,
    common: Yaml,
}

impl Frame {
    fn of(schema: &Path) -> Frame {
        let file = |name: &str| read(&schema.join(format!("mdm/profiles/{name}.yaml")));
        Frame { top: file("TopLevel"), common: file("CommonPayloadKeys") }
    }

    fn profile(&self, payload_type: &str, payload: &Dictionary, target: Target, whole: bool) -> Dictionary {
        let named = |of: &Yaml, nth: u8, kind: &str| -> Dictionary {
            let mut named = keys(list(of, "payloadkeys"), target, whole);
            let entries: [(&str, Value); 4] = [
                ("PayloadType", kind.into()),
                ("PayloadVersion", 1.into()),
                ("PayloadIdentifier", format!("org.example.generated.{nth}").into()),
                ("PayloadUUID", format!("00000000-0000-4000-8000-00000000000{nth}").into()),
            ];
            named.extend(entries.map(|(key, value)| (key.to_owned(), value)));
            named
        };
        let mut inner = named(&self.common, 1, payload_type);
        inner.extend(payload.clone());
        let mut profile = named(&self.top, 0, "Configuration");
        // This key would replace the content.
        profile.remove("EncryptedPayloadContent");
        profile.insert("PayloadDisplayName".into(), "Büro 🙂".into());
        profile.insert("PayloadContent".into(), Value::Array(vec![inner.into()]));
        profile
    }
}

struct Signer {
    key: PKey<Private>,
    certificate: X509,
}

impl Signer {
    fn new() -> Signer {
        let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
        let mut name = X509NameBuilder::new().unwrap();
        name.append_entry_by_text("CN", "Example").unwrap();
        let name = name.build();
        let mut builder = X509::builder().unwrap();
        builder.set_subject_name(&name).unwrap();
        builder.set_issuer_name(&name).unwrap();
        builder.set_pubkey(&key).unwrap();
        builder.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
        builder.set_not_after(&Asn1Time::days_from_now(30).unwrap()).unwrap();
        builder.sign(&key, MessageDigest::sha256()).unwrap();
        Signer { key, certificate: builder.build() }
    }

    /// Encodes the profile as a file. `form`: 0 to 2 for XML, binary and XML in UTF-16; 3 to 5 for the same, signed.
    fn file(&self, profile: &Dictionary, form: usize) -> Vec<u8> {
        let value = Value::Dictionary(profile.clone());
        let (mut xml, mut binary) = (vec![], vec![]);
        value.to_writer_xml(&mut xml).unwrap();
        value.to_writer_binary(&mut binary).unwrap();
        let content = match form % 3 {
            0 => xml,
            1 => binary,
            _ => {
                let text = String::from_utf8(xml).unwrap().replace("UTF-8", "UTF-16");
                [0xfeff].into_iter().chain(text.encode_utf16()).flat_map(u16::to_be_bytes).collect()
            }
        };
        if form < 3 {
            return content;
        }
        let (certificate, key) = (Some(&*self.certificate), Some(&*self.key));
        let signed = CmsContentInfo::sign(certificate, key, None, Some(&content), CMSOptions::BINARY);
        signed.unwrap().to_der().unwrap()
    }
}

fn target(kind: EnrollmentKind, supervised: bool) -> Target {
    Target { supervised, ..Target::new(kind, Some(OsVersion::new(18, 1))) }
}

/// Returns the path and the weight of each finding about the file.
fn found(file: &[u8], target: Target) -> Vec<(String, Weight)> {
    let upload = super::open(file).unwrap_or_else(|why| panic!("{why}"));
    let found = upload.findings("org.example.enrollment", target);
    found.into_iter().map(|found| (found.path, found.weight)).collect()
}

/// Payload types, each with the content of its schema file.
type Payloads = Vec<(String, Yaml)>;

/// Returns the payloads of iPhone and iPad, and the payload types of other platforms.
fn payloads(schema: &Path) -> (Payloads, Vec<String>) {
    let (mut here, mut elsewhere) = (vec![], vec![]);
    let mut files: Vec<_> =
        std::fs::read_dir(schema.join("mdm/profiles")).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    for path in files {
        let stem = path.file_stem().unwrap().to_str().unwrap().to_owned();
        // The Kerberos extension (a name in brackets) has the same payload type as all extensions.
        if ELSEWHERE.contains(&stem.as_str()) || stem.contains('(') {
            continue;
        }
        // Reads only the head, because payloads of other platforms have recursive definitions.
        let payload = &head(&path)["payload"];
        let payload_type = text(&payload["payloadtype"]).unwrap();
        if ios(payload).is_null() || is_foreign(payload) {
            elsewhere.push(payload_type);
        } else {
            here.push((payload_type, read(&path)));
        }
    }
    (here, elsewhere)
}

#[test]
fn every_payload_that_apple_allows_is_taken_bare_and_with_its_defaults_written_out() {
    let Some(schema) = schema() else { return };
    let (frame, signer, (here, _)) = (Frame::of(&schema), Signer::new(), payloads(&schema));
    let (mut counted, mut wrong) = (0, vec![]);
    for target in [target(DEVICE, false), target(DEVICE, true), target(USER, false)] {
        for (payload_type, theirs) in &here {
            let payload = &theirs["payload"];
            // Apple corrected the mode later. `tables/overlay.json` of the crate `apple` contains the correction.
            let corrected = payload_type == "com.apple.cellularprivatenetwork.managed" && target.kind == USER;
            if !is_allowed(payload, target) || needs_supervision(payload, target) || corrected {
                continue;
            }
            for whole in [false, true] {
                let own = keys(list(theirs, "payloadkeys"), target, whole);
                let made = frame.profile(payload_type, &own, target, whole);
                for form in [counted % 6, (counted + 3) % 6] {
                    let found = found(&signer.file(&made, form), target);
                    if !found.is_empty() {
                        wrong.push(format!("{payload_type} for {target:?}, form {form}, whole: {whole}: {found:?}"));
                    }
                }
                counted += 1;
            }
        }
    }
    println!("valid profiles made from Apple's schema: {counted}, each in two forms");
    assert!(wrong.is_empty(), "not accepted:\n{}", wrong.join("\n"));
    assert!(counted >= 60, "{counted}");
}

/// Returns a value that Apple does not allow: one of another type, or one that is not in the list.
fn wrong(key: &Yaml) -> Value {
    match kind(key).as_str() {
        "<string>" if !list(key, "rangelist").is_empty() => "none of these".into(),
        "<data>" => "text".into(),
        _ => Value::Data(vec![1]),
    }
}

/// Returns a value that restricts something, which the default does not.
fn restricting(key: &Yaml, target: Target) -> Value {
    match default(key) {
        Some(Value::Boolean(truth)) => (!truth).into(),
        _ => sample(key, target, false),
    }
}

/// Returns keys that make a valid profile invalid: each has a value of another type, or is not permitted on the device.
fn wrong_keys(all: &[Yaml], target: Target) -> impl Iterator<Item = (&str, Value)> {
    let exists = |key: &&Yaml| {
        !is_any(key) && !is_foreign(key) && version(key, "introduced").is_none_or(|since| since <= VERSION)
    };
    all.iter().filter(exists).filter_map(move |key| {
        let forbidden = !is_allowed(key, target) || needs_supervision(key, target);
        let value = if forbidden { restricting(key, target) } else { wrong(key) };
        // A key for supervised devices is accepted if its value is the default.
        let harmless = default(key).as_ref() == Some(&value) && is_allowed(key, target);
        (!harmless).then(|| (name(key), value))
    })
}

#[test]
fn a_profile_with_one_thing_wrong_is_refused_by_the_name_of_the_key() {
    let Some(schema) = schema() else { return };
    let (frame, signer, (here, elsewhere)) = (Frame::of(&schema), Signer::new(), payloads(&schema));
    let (mut counted, mut taken) = (0, vec![]);
    let mut refuse = |made: &Dictionary, target, key: &str| {
        let found = found(&signer.file(made, counted % 6), target);
        if !found.iter().any(|(path, weight)| path.contains(key) && *weight == Weight::Forbidden) {
            taken.push(format!("{key} for {target:?}: {found:?} in {made:?}"));
        }
        counted += 1;
    };
    for target in [target(DEVICE, false), target(USER, false)] {
        for (payload_type, theirs) in &here {
            let all = list(theirs, "payloadkeys");
            let right = keys(all, target, false);
            let mut refuse = |own: &Dictionary, key: &str| {
                refuse(&frame.profile(payload_type, own, target, false), target, key);
            };
            if !is_allowed(&theirs["payload"], target) || needs_supervision(&theirs["payload"], target) {
                refuse(&right, payload_type);
                continue;
            }
            for required in right.keys() {
                let mut lacks = right.clone();
                lacks.remove(required);
                refuse(&lacks, required);
            }
            for (key, value) in wrong_keys(all, target) {
                let mut own = right.clone();
                own.insert(key.to_owned(), value);
                refuse(&own, key);
            }
        }
        let own = Dictionary::from_iter([("Label", "Example"), ("URL", "https://example.com/")]);
        for (key, value) in wrong_keys(list(&frame.top, "payloadkeys"), target) {
            let mut made = frame.profile("com.apple.webClip.managed", &own, target, false);
            made.insert(key.to_owned(), value);
            // These keys decide whether the file is a profile with readable content at all.
            if !["PayloadIdentifier", "EncryptedPayloadContent"].contains(&key) {
                refuse(&made, target, key);
            }
        }
    }
    let on = target(DEVICE, false);
    for payload_type in elsewhere.iter().filter(|name| here.iter().all(|(other, _)| other != *name)) {
        refuse(&frame.profile(payload_type, &Dictionary::new(), on, false), on, payload_type);
    }
    println!("invalid profiles made from Apple's schema: {counted}");
    assert!(taken.is_empty(), "not refused by the key's name:\n{}", taken.join("\n"));
    assert!(counted >= 60, "{counted}");
}
