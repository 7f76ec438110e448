//! Profiles made from Apple's schema alone, by code that shares nothing with the checking code: those that Apple allows are taken, each in
//! one of three encodings, signed or not; those with one thing wrong are refused by the name of the key. Left out, and it says so, where
//! `../shared/apple-schema` is not there.

use super::schema::{ios, is_foreign, list, read, schema, text};
use super::{DEVICE, USER};
use crate::app::commands::upload;
use crate::apple::{Target, Weight};
use events::enrollment::{EnrollmentKind, OsVersion};
use openssl::asn1::Asn1Time;
use openssl::cms::{CMSOptions, CmsContentInfo};
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::x509::{X509, X509NameBuilder};
use plist::{Dictionary, Value};
use serde_yaml_ng::Value as Yaml;

/// The release that the schema is from.
const VERSION: (u64, u64, u64) = (18, 1, 0);
/// What is tried by other tests, or by nobody: the frame, management itself, and a home screen that is defined by itself.
const ELSEWHERE: &[&str] = &["TopLevel", "CommonPayloadKeys", "com.apple.mdm", "com.apple.homescreenlayout"];

fn version(of: &Yaml, key: &str) -> Option<(u64, u64, u64)> {
    let text = text(ios(of).get(key)?)?;
    let mut parts = text.split('.').map(|part| part.parse().unwrap());
    Some((parts.next()?, parts.next().unwrap_or_default(), parts.next().unwrap_or_default()))
}

fn mode(of: &Yaml) -> Option<String> {
    ios(of).get("userenrollment")?.get("mode").and_then(text)
}

fn is_supervised(of: &Yaml) -> bool {
    ios(of).get("supervised").and_then(Yaml::as_bool) == Some(true)
}

fn name(key: &Yaml) -> &str {
    key["key"].as_str().unwrap()
}

fn kind(key: &Yaml) -> String {
    text(&key["type"]).unwrap()
}

fn is_required(key: &Yaml) -> bool {
    key.get("presence").and_then(text).as_deref() == Some("required")
}

/// Exists on this version, and this kind of enrollment may have it.
fn is_allowed(of: &Yaml, enrollment: EnrollmentKind) -> bool {
    let mode = mode(of);
    let by_mode = match enrollment {
        USER => !matches!(mode.as_deref(), Some("forbidden" | "ignored")),
        DEVICE => mode.as_deref() != Some("required"),
    };
    let exists = version(of, "introduced").is_none_or(|since| since <= VERSION);
    by_mode && exists && !is_foreign(of) && version(of, "removed").is_none_or(|until| VERSION < until)
}

/// A scalar that the schema gives: a default or a permitted value.
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

/// A value that Apple allows: the default where there is one. `whole`: with every key inside that is allowed.
fn sample(key: &Yaml, enrollment: EnrollmentKind, whole: bool) -> Value {
    if name(key) == "Subject" {
        let pair = Value::Array(vec!["O".into(), "Example".into()]);
        return Value::Array(vec![Value::Array(vec![pair])]);
    }
    let listed = list(key, "rangelist").first();
    if let Some(value) = listed.and_then(|value| given(key, value)).or_else(|| default(key)) {
        return value;
    }
    let inside = list(key, "subkeys");
    let member = inside.iter().find(|member| is_allowed(member, enrollment) && !is_supervised(member));
    match kind(key).as_str() {
        "<boolean>" => true.into(),
        "<integer>" => key.get("range").and_then(|range| range.get("min")).and_then(Yaml::as_i64).unwrap_or(1).into(),
        "<real>" => Value::Real(1.0),
        "<date>" => Value::Date(plist::Date::from_xml_format("2030-01-01T00:00:00Z").unwrap()),
        "<data>" => Value::Data(vec![1, 2, 3]),
        "<array>" => Value::Array(member.map(|member| sample(member, enrollment, whole)).into_iter().collect()),
        "<dictionary>" if inside.iter().any(|key| name(key).starts_with("ANY")) => Dictionary::new().into(),
        "<dictionary>" => keys(inside, enrollment, whole).into(),
        _ => match (member, key.get("format").and_then(text).unwrap_or_default()) {
            (Some(word), _) => name(word).into(),
            (None, format) if format.contains("https") => "https://example.com/".into(),
            (None, format) if format.contains("{12}") => "00000000-0000-4000-8000-000000000000".into(),
            _ => "example".into(),
        },
    }
}

/// The required keys; `whole`: all, those for supervised devices at their default.
fn keys(all: &[Yaml], enrollment: EnrollmentKind, whole: bool) -> Dictionary {
    let wanted = |key: &&Yaml| {
        let harmless = !is_supervised(key) || default(key).is_some();
        let needed = is_required(key) || mode(key).as_deref() == Some("required");
        is_allowed(key, enrollment) && (needed && !is_supervised(key) || whole && harmless)
    };
    all.iter().filter(wanted).map(|key| (name(key).to_owned(), sample(key, enrollment, whole))).collect()
}

fn profile(payload_type: &str, payload: &Dictionary) -> Dictionary {
    let named = |nth: u8, kind: &str| -> Dictionary {
        let entries: [(&str, Value); 4] = [
            ("PayloadType", kind.into()),
            ("PayloadVersion", 1.into()),
            ("PayloadIdentifier", format!("org.example.generated.{nth}").into()),
            ("PayloadUUID", format!("00000000-0000-4000-8000-00000000000{nth}").into()),
        ];
        entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
    };
    let mut inner = named(1, payload_type);
    inner.extend(payload.clone());
    let mut whole = named(0, "Configuration");
    whole.insert("PayloadDisplayName".into(), "Büro 🙂".into());
    whole.insert("PayloadRemovalDisallowed".into(), false.into());
    whole.insert("PayloadContent".into(), Value::Array(vec![inner.into()]));
    whole
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

    /// One of the six forms that a file may have.
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

fn target(kind: EnrollmentKind) -> Target {
    Target::new(kind, Some(OsVersion::new(18, 1)))
}

/// What is found in the file, each with its weight.
fn found(file: &[u8], kind: EnrollmentKind) -> Vec<(String, Weight)> {
    let upload = upload::open(file).unwrap_or_else(|why| panic!("{why}"));
    let found = upload.findings("org.example.enrollment", target(kind));
    found.into_iter().map(|found| (found.path, found.weight)).collect()
}

/// Payload types, each with its file of the schema.
type Payloads = Vec<(String, Yaml)>;

/// The payloads of iPhone and iPad, and the types of those of other platforms.
fn payloads() -> Option<(Payloads, Vec<String>)> {
    let schema = schema()?;
    let (mut here, mut elsewhere) = (vec![], vec![]);
    let mut files: Vec<_> =
        std::fs::read_dir(schema.join("mdm/profiles")).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    for path in files {
        let stem = path.file_stem().unwrap().to_str().unwrap().to_owned();
        // The Kerberos extension has the payload type of every extension.
        if ELSEWHERE.contains(&stem.as_str()) || stem.contains('(') {
            continue;
        }
        let theirs = read(&path);
        let payload_type = text(&theirs["payload"]["payloadtype"]).unwrap();
        if ios(&theirs["payload"]).is_null() || is_foreign(&theirs["payload"]) {
            elsewhere.push(payload_type);
        } else {
            here.push((payload_type, theirs));
        }
    }
    Some((here, elsewhere))
}

#[test]
fn every_payload_that_apple_allows_is_taken_bare_and_with_its_defaults_written_out() {
    let Some((here, _)) = payloads() else { return };
    let (signer, mut counted) = (Signer::new(), 0);
    for kind in [DEVICE, USER] {
        for (payload_type, theirs) in &here {
            let payload = &theirs["payload"];
            // Apple corrected the mode later; the overlay has it.
            let corrected = payload_type == "com.apple.cellularprivatenetwork.managed" && kind == USER;
            if !is_allowed(payload, kind) || is_supervised(payload) || corrected {
                continue;
            }
            for whole in [false, true] {
                let made = profile(payload_type, &keys(list(theirs, "payloadkeys"), kind, whole));
                for form in [counted % 6, (counted + 3) % 6] {
                    let found = found(&signer.file(&made, form), kind);
                    assert_eq!(found, [], "{payload_type} for {kind:?}, form {form}, whole: {whole}");
                }
                counted += 1;
            }
        }
    }
    println!("valid profiles made from Apple's schema: {counted}, each in two forms");
    assert!(counted >= 60, "{counted}");
}

/// Another value than Apple allows: of another type, or none of the listed ones.
fn wrong(key: &Yaml) -> Value {
    match kind(key).as_str() {
        "<string>" if !list(key, "rangelist").is_empty() => "none of these".into(),
        "<data>" => "text".into(),
        _ => Value::Data(vec![1]),
    }
}

/// A value that restricts something: not the default.
fn restricting(key: &Yaml, kind: EnrollmentKind) -> Value {
    match default(key) {
        Some(Value::Boolean(truth)) => (!truth).into(),
        _ => sample(key, kind, false),
    }
}

#[test]
fn a_profile_with_one_thing_wrong_is_refused_by_the_name_of_the_key() {
    let Some((here, elsewhere)) = payloads() else { return };
    let (signer, mut counted) = (Signer::new(), 0);
    let mut refuse = |payload_type: &str, payload: &Dictionary, kind, key: &str| {
        let made = profile(payload_type, payload);
        let found = found(&signer.file(&made, counted % 6), kind);
        let named = found.iter().any(|(path, weight)| path.contains(key) && *weight == Weight::Forbidden);
        assert!(named, "{payload_type}: {key} for {kind:?}: {found:?}");
        counted += 1;
    };
    for (payload_type, theirs) in &here {
        let all = list(theirs, "payloadkeys");
        for kind in [DEVICE, USER] {
            if !is_allowed(&theirs["payload"], kind) || is_supervised(&theirs["payload"]) {
                refuse(payload_type, &keys(all, kind, false), kind, payload_type);
                continue;
            }
            let right = keys(all, kind, false);
            for required in right.keys() {
                let mut lacks = right.clone();
                lacks.remove(required);
                refuse(payload_type, &lacks, kind, required);
            }
            let exists =
                |key: &&Yaml| !is_foreign(key) && version(key, "introduced").is_none_or(|since| since <= VERSION);
            for key in all.iter().filter(exists) {
                let forbidden = !is_allowed(key, kind) || is_supervised(key);
                let value = if forbidden { restricting(key, kind) } else { wrong(key) };
                // A supervised-only key that says what is so without it is taken.
                if default(key).as_ref() == Some(&value) && is_allowed(key, kind) {
                    continue;
                }
                let mut payload = right.clone();
                payload.insert(name(key).to_owned(), value);
                refuse(payload_type, &payload, kind, name(key));
            }
        }
    }
    for payload_type in elsewhere.iter().filter(|name| here.iter().all(|(other, _)| other != *name)) {
        refuse(payload_type, &Dictionary::new(), DEVICE, payload_type);
    }
    println!("invalid profiles made from Apple's schema: {counted}");
    assert!(counted >= 60, "{counted}");
}
