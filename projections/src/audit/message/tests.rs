//! Tests of the audit trail's sentences: each reason has its own words, and each value appears in its sentence.

use super::{Message, message, words};
use crate::audit::english;
use events::Event;
use events::device::{AnswerFault, AppStatus, CommandStatus, MdmError, RejectionReason};
use events::enrollment::{
    Absence, Access, AttributeName, EnrollmentEvent, EnrollmentKind, Ownership, SignInMethodName, Untold,
};
use events::staff::{ExportFormat, Privilege, StaffActivityEvent};
use events::system::{RefusalEvent, SuppressedRefusals, SuppressedSource};
use events::upcast::upcast;
use events::{KeyName, Personal};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::path::Path;

/// Returns every value of an enum without fields, as listed in serde's error message for an unknown value.
fn every<T: DeserializeOwned + Debug>() -> Vec<T> {
    let error = serde_json::from_value::<T>(json!("?")).unwrap_err().to_string();
    let (_, expected) = error.split_once("expected").unwrap();
    let names = expected.split('`').skip(1).step_by(2);
    names.map(|name| serde_json::from_value(json!(name)).unwrap()).collect()
}

/// Leaks the text, so that it lives as long as the test.
fn kept(text: String) -> &'static str {
    Box::leak(text.into_boxed_str())
}

/// Asserts that each value has its own words.
fn told_apart<T: DeserializeOwned + Debug + Copy>(tell: fn(T) -> &'static str) {
    let mut told: BTreeMap<&str, T> = BTreeMap::new();
    for value in every::<T>() {
        let words = tell(value);
        assert!(!words.is_empty(), "{value:?}");
        if let Some(other) = told.insert(words, value) {
            panic!("{other:?} and {value:?} have the same words: {words:?}");
        }
    }
    assert!(told.len() > 1, "{told:?}");
}

#[test]
fn an_auditor_can_tell_every_reason_from_every_other() {
    told_apart(words::sign_in_refusal);
    told_apart(words::supersession);
    told_apart(words::attestation_refusal);
    told_apart(words::enrollment_refusal);
    told_apart(words::form_refusal);
    told_apart(words::identity_refusal);
    told_apart(words::device_request_refusal);
    told_apart(words::message_refusal);
    told_apart(words::renewal_failure);
    told_apart(words::evidence_name);
    told_apart(words::profile_service_refusal);
    told_apart(EnrollmentKind::name);
    told_apart(words::mode_words);
    told_apart(words::sign_in_again);
    told_apart(words::device_signature);
    told_apart(SignInMethodName::label);
    told_apart(words::format);
    told_apart(words::api_refusal);
    told_apart(words::resource);
    told_apart(words::purpose);
    told_apart(words::factor);
    told_apart(words::factor_refusal);
    told_apart(words::fault);
    told_apart(|fault: AnswerFault| kept(words::faults(&[fault])));
    told_apart(|privilege: Privilege| kept(words::privileges(&[privilege].into())));
}

#[test]
fn apps_are_told_apart_as_far_as_a_person_can_see_it() {
    let told: BTreeSet<&str> = every::<AppStatus>().into_iter().map(words::app_status).collect();
    assert_eq!(told.len(), 18, "validations share words, and so do prompts for an update: {told:?}");
    assert_ne!(words::app_status(AppStatus::Prompting), words::app_status(AppStatus::PromptingForUpdate));
    let told: BTreeSet<&str> = every::<RejectionReason>().into_iter().map(words::rejection).collect();
    assert_eq!(told.len(), 9, "the two reasons for a missing licence share words: {told:?}");
}

#[test]
fn what_a_provider_did_not_tell_is_named() {
    let untold = |attribute, why| words::untold(&[Untold { attribute, why }]);
    let told: BTreeSet<String> = [
        untold(AttributeName::Groups, Absence::Silent),
        untold(AttributeName::Groups, Absence::Elsewhere),
        untold(AttributeName::Claim("department".into()), Absence::Silent),
        untold(AttributeName::Claim("department".into()), Absence::Elsewhere),
    ]
    .into();
    assert_eq!(told.len(), 4);
    assert_eq!(told.iter().filter(|told| told.contains("department")).count(), 2);
}

#[test]
fn what_a_rule_lets_somebody_enroll_is_listed_and_nothing_is_a_word() {
    let access = |offered: &[Ownership], account_driven| Access {
        provider: "main".into(),
        rule: None,
        offered: offered.iter().copied().collect(),
        account_driven,
        terms_required: false,
        devices_per_person: None,
        untold: vec![],
    };
    assert_eq!(words::kinds(&access(&[], false)), "nothing");
    let all = words::kinds(&access(&[Ownership::Personal, Ownership::Institutional], true));
    for part in ["personal", "devices of the organization", "Settings"] {
        assert!(all.contains(part), "{all}");
    }
    assert!(!words::kinds(&access(&[Ownership::Personal], false)).contains("organization"));
}

#[test]
fn an_error_of_a_device_is_told_in_its_words_where_these_are_kept_and_else_by_number() {
    let error = |domain: &str, description: Option<&str>| MdmError {
        code: 12_021,
        domain: domain.into(),
        description: description.map(|text| Personal::new(KeyName("device-1".into()), text.to_owned())),
    };
    assert_eq!(words::errors(&[error("MCMDMErrorDomain", None)], Personal::shown), "MCMDMErrorDomain 12021");
    assert_eq!(words::errors(&[error("", None)], Personal::shown), "12021");
    let both =
        words::errors(&[error("MCMDMErrorDomain", Some("The profile is invalid.")), error("X", None)], Personal::shown);
    assert_eq!(both, "The profile is invalid., X 12021");
    assert!(!words::errors(&[], Personal::shown).is_empty());
}

/// Returns every frozen sample of an event, upcast to its current version.
fn samples() -> Vec<(String, Event)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../events/samples");
    let sample = |file: std::io::Result<std::fs::DirEntry>| {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        let mut sample: Value = serde_json::from_str(&text).unwrap();
        let version = u16::try_from(sample["version"].as_u64().unwrap()).unwrap();
        let name = sample["type"].as_str().unwrap().to_owned();
        let data = upcast(&name, version, sample["data"].take()).unwrap();
        let event = Event::from_parts(sample["category"].as_str().unwrap(), &name, data).unwrap();
        (name, event)
    };
    std::fs::read_dir(folder).unwrap().map(sample).collect()
}

fn sentence(event: &Event) -> String {
    let Message { key, values, .. } = message(event);
    english(key, &values)
}

#[test]
fn every_event_is_told_in_a_sentence_of_its_own_without_gaps() {
    let mut told: BTreeMap<String, String> = BTreeMap::new();
    for (name, event) in samples() {
        let said = sentence(&event);
        assert!(!said.is_empty(), "{name}");
        assert!(!said.contains(['{', '}']) && !said.contains("(erased)"), "{name}: {said:?}");
        let other = told.insert(said.clone(), name.clone()).filter(|other| *other != name);
        assert_eq!(other, None, "{name} has the sentence of another event: {said:?}");
    }
}

#[test]
fn every_answer_to_a_command_is_told_apart() {
    let answered = |status: CommandStatus| {
        let data =
            json!({ "command": uuid::Uuid::nil(), "status": status, "errors": [], "rejection": null, "body": "" });
        sentence(&Event::from_parts("device", "MdmCommandAnswered", data).unwrap())
    };
    let told: BTreeSet<String> = every::<CommandStatus>().into_iter().map(answered).collect();
    assert_eq!(told.len(), 4, "{told:?}");
}

#[test]
fn a_decision_of_the_access_rules_names_the_rule_or_what_it_lacked() {
    let decided = |rule: Option<&str>, untold: &[Untold]| {
        let access = Access {
            provider: "main".into(),
            rule: rule.map(str::to_owned),
            offered: [Ownership::Personal].into(),
            account_driven: false,
            terms_required: false,
            devices_per_person: None,
            untold: untold.to_vec(),
        };
        sentence(&Event::Enrollment(EnrollmentEvent::AccessDecided { access }))
    };
    let groups = [Untold { attribute: AttributeName::Groups, why: Absence::Silent }];
    let by_rule = decided(Some("pupils"), &[]);
    assert!(by_rule.contains("pupils") && by_rule.contains("personal devices"), "{by_rule}");
    let unknown = decided(None, &groups);
    assert!(unknown.contains("groups") && unknown.contains("main"), "{unknown}");
    assert!(![by_rule, unknown].contains(&decided(None, &[])), "no rule matched, and nothing was unknown");
}

#[test]
fn looking_at_everything_is_told_apart_from_looking_at_a_part() {
    let filters = |some: bool| if some { vec!["actor".to_owned()] } else { vec![] };
    let format = ExportFormat::Csv;
    for told in [
        (|filters| StaffActivityEvent::AuditTrailViewed { filters }) as fn(Vec<String>) -> StaffActivityEvent,
        |filters| StaffActivityEvent::VisitListViewed { filters },
        |filters| StaffActivityEvent::AuditTrailExported { filters, format: ExportFormat::Csv, rows: 3 },
        |filters| StaffActivityEvent::InventoryExported { filters, format: ExportFormat::Csv, rows: 3 },
    ] {
        let [whole, part] = [false, true].map(|some| message(&Event::StaffActivity(told(filters(some)))).key);
        assert_ne!(whole, part);
        assert!(part.contains("part") || part.contains("searched"), "{part}");
    }
    let exported = StaffActivityEvent::InventoryExported { filters: filters(true), format, rows: 3 };
    let said = sentence(&Event::StaffActivity(exported));
    assert!(said.contains('3') && said.contains("CSV") && said.contains("actor"), "{said}");
}

#[test]
fn refusals_that_were_only_counted_are_told_with_their_sources_and_the_others_if_there_are_any() {
    let source = |address: &str, count| SuppressedSource {
        source: Personal::new(KeyName("refusals-1".into()), address.to_owned()),
        count,
    };
    let told = |others| {
        let sources = vec![source("192.0.2.7", 9), source("192.0.2.8", 4)];
        let refusals = SuppressedRefusals { count: 13 + others, sources, others };
        message(&Event::Refusal(RefusalEvent::RefusalsSuppressed(refusals))).values["sources"].clone()
    };
    assert_eq!(told(0).as_deref(), Some("192.0.2.7 (9), 192.0.2.8 (4)"));
    assert_eq!(told(2).as_deref(), Some("192.0.2.7 (9), 192.0.2.8 (4), others (2)"));
}
