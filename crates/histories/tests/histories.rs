//! What the histories of a plan consist of, without a store.

#[path = "histories/streams.rs"]
mod streams;

use events::personal::keys::MasterKey;
use events::settings::Settings;
use events::{Event, Timestamp};
use histories::{Append, END, Histories, NEVER, Plan, START, Secrets};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

/// Enough devices for every type of event.
const DEVICES: u32 = 4_000;

/// Microseconds of a day.
const DAY: i64 = 86_400_000_000;

static APPENDS: LazyLock<Vec<Append>> = LazyLock::new(|| of(Plan::of(DEVICES)).collect());

fn of(plan: Plan) -> Histories {
    let secrets = Secrets::derive(&MasterKey::from_bytes([7; 32]));
    Histories::new(plan, secrets, Settings::default(), "https://mdm.example.org".to_owned())
}

fn events() -> impl Iterator<Item = &'static Event> {
    APPENDS.iter().flat_map(|append| &append.drafts).map(|draft| &draft.event)
}

/// 64 bits of everything that has no random key: stream, type, id and instant.
fn digest(plan: Plan) -> u64 {
    let mut digest = 0xcbf2_9ce4_8422_2325_u64;
    for append in of(plan) {
        for draft in &append.drafts {
            let text = format!("{} {} {} {}", append.stream, draft.event.type_name(), draft.id, draft.at.0);
            // FNV-1a.
            digest =
                text.bytes().fold(digest, |digest, byte| (digest ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        }
    }
    digest
}

#[test]
fn the_same_plan_gives_the_same_histories_and_another_seed_gives_others() {
    let plan = Plan { devices: 300, seed: 7 };
    assert_eq!(digest(plan), digest(plan));
    assert_ne!(digest(plan), digest(Plan { seed: 8, ..plan }));
    assert_ne!(digest(plan), digest(Plan { devices: 301, ..plan }));
}

#[test]
fn a_history_has_as_many_devices_as_planned_and_about_28_events_for_each() {
    for devices in [1, 45, 300] {
        let streams: BTreeSet<_> = of(Plan::of(devices))
            .filter(|append| append.stream.category() == "device")
            .map(|append| append.stream)
            .collect();
        assert_eq!(streams.len(), devices as usize);
    }
    let devices: BTreeSet<_> =
        APPENDS.iter().map(|append| &append.stream).filter(|of| of.category() == "device").collect();
    assert_eq!(devices.len(), DEVICES as usize);
    let each = events().count() as f64 / f64::from(DEVICES);
    assert!((25.0..32.0).contains(&each), "{each} events for each device");
}

#[test]
fn time_never_goes_backwards_and_stays_in_the_three_years() {
    let mut last = Timestamp(START * 1_000_000);
    for append in APPENDS.iter() {
        assert!(append.at() >= last, "{} at {:?} after {last:?}", append.stream, append.at());
        assert!(append.drafts.iter().all(|draft| draft.at == append.at()));
        last = append.at();
    }
    // The last scenes last up to a month.
    assert!(last.0 < END * 1_000_000 + 31 * DAY, "{last:?}");
}

#[test]
fn every_type_of_event_is_generated_or_has_a_reason_why_it_is_not() {
    let generated: BTreeSet<String> = events().map(Event::type_name).collect();
    let never: BTreeSet<String> = NEVER.iter().map(|(name, _)| (*name).to_owned()).collect();
    let missing: Vec<_> =
        Event::type_names().into_iter().filter(|name| !generated.contains(*name) && !never.contains(*name)).collect();
    assert!(missing.is_empty(), "neither generated nor in NEVER: {missing:?}");
    let both: Vec<_> = generated.intersection(&never).collect();
    assert!(both.is_empty(), "generated and in NEVER: {both:?}");
    let unknown: Vec<_> = never.iter().filter(|name| !Event::type_names().contains(&name.as_str())).collect();
    assert!(unknown.is_empty(), "no such event: {unknown:?}");
}

#[test]
fn an_event_belongs_to_the_category_of_its_stream_and_an_id_is_used_once() {
    let mut ids = BTreeSet::new();
    for append in APPENDS.iter() {
        for draft in &append.drafts {
            assert_eq!(draft.event.category(), append.stream.category(), "{}", append.stream);
            assert!(ids.insert(draft.id), "{} twice, in {}", draft.id, append.stream);
        }
    }
}

#[test]
fn an_append_names_the_keys_of_all_its_personal_fields() {
    for append in APPENDS.iter() {
        for draft in &append.drafts {
            let mut keys = Vec::new();
            events::personal::personal_keys(&draft.event.to_parts().1, &mut keys);
            keys.extend(draft.source.as_ref().map(|source| source.key().clone()));
            let missing: Vec<_> = keys.iter().filter(|key| !append.keys.contains(key)).collect();
            assert!(missing.is_empty(), "{} {}: {missing:?}", append.stream, draft.event.type_name());
        }
    }
}

#[test]
fn personal_texts_are_distinct_and_addresses_of_people_change() {
    let mut names: BTreeMap<String, usize> = BTreeMap::new();
    let mut addresses: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for draft in APPENDS.iter().flat_map(|append| &append.drafts) {
        if let Event::Person(events::person::PersonEvent::PersonKnown { attributes, .. }) = &draft.event {
            let mail = attributes.mail.as_ref().map(|mail| mail.text().to_owned()).unwrap_or_default();
            *names.entry(mail).or_default() += 1;
        }
        if let Some(source) = &draft.source {
            addresses.entry(source.key().0.clone()).or_default().insert(source.text().to_owned());
        }
    }
    // Somebody who returns gets another account with the same address.
    let shared = names.values().filter(|count| **count > 1).count();
    assert!(shared * 50 < names.len(), "{shared} of {} mail addresses belong to several people", names.len());
    let several = addresses.values().filter(|addresses| addresses.len() > 1).count();
    assert!(several * 5 > addresses.len(), "{several} of {} have several addresses", addresses.len());
}

#[test]
fn all_versions_from_13_to_27_and_all_languages_and_providers_occur() {
    let (mut versions, mut languages, mut methods) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for event in events() {
        match event {
            Event::Device(events::device::DeviceEvent::DeviceAuthenticated { os_version, .. }) => {
                versions.extend(os_version.map(|version| version.major));
            }
            Event::Enrollment(events::enrollment::EnrollmentEvent::VisitOpened { language, .. }) => {
                languages.insert(language.clone());
            }
            Event::Enrollment(events::enrollment::EnrollmentEvent::UserSignedIn { method, .. }) => {
                methods.insert(method.as_str());
            }
            _ => {}
        }
    }
    assert_eq!(versions, BTreeSet::from([13, 14, 15, 16, 17, 18, 26, 27]));
    assert_eq!(languages, BTreeSet::from(["de", "en", "ja"].map(str::to_owned)));
    assert_eq!(methods, BTreeSet::from(["directory", "local_account", "open_id_connect", "saml"]));
}

#[test]
fn names_are_derived_as_the_server_derives_them() {
    use events::enrollment::SignInMethodName::Directory;
    let master = MasterKey::from_bytes([9; 32]);
    let (ours, servers) = (Secrets::derive(&master), platform::secrets::Secrets::derive(&master));
    assert_eq!(
        ours.account(Directory, "ldaps://ldap.example.org", "7"),
        servers.name("account", &["directory", "ldaps://ldap.example.org", "7"])
    );
    assert_eq!(ours.hardware("00008110-0012").id(), servers.name("hardware", &["000081100012"]));
    assert_eq!(ours.migration("Jamf Pro"), servers.migration("Jamf Pro"));
    assert_eq!(ours.name_key("Ada").map(|key| key.0), Some(servers.name("record-name", &["ada"])[..16].to_owned()));
}
