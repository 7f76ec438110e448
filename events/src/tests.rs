//! Tests of the names of streams and keys. They are in every existing log, so they must never change.

use crate::device::{CommandId, DeviceId};
use crate::enrollment::EnrollmentId;
use crate::person::PersonId;
use crate::staff::{PasskeyId, StaffId};
use crate::{EventId, Position, StreamName, settings, system};
use serde_json::json;
use uuid::{Uuid, uuid};

const ID: Uuid = uuid!("0192f3c4-5d6e-7f80-9a1b-2c3d4e5f6071");
const TEXT: &str = "0192f3c4-5d6e-7f80-9a1b-2c3d4e5f6071";

#[test]
fn every_aggregate_has_its_stream() {
    for (stream, category) in [
        (EnrollmentId(ID).stream(), "enrollment"),
        (DeviceId(ID).stream(), "device"),
        (PersonId(ID).stream(), "person"),
        (StaffId(ID).stream(), "staff"),
    ] {
        assert_eq!(stream.as_str(), format!("{category}-{TEXT}"));
        assert_eq!((stream.category(), stream.id()), (category, TEXT));
    }
    assert_eq!(StaffId(ID).activity_stream("20261117").as_str(), format!("access-{TEXT}-20261117"));
    assert_eq!(system::log_stream().as_str(), "log-main");
    assert_eq!(settings::stream().as_str(), "settings-main");
}

#[test]
fn whatever_is_sealed_about_somebody_has_a_key_of_their_own() {
    for (key, kind) in [
        (EnrollmentId(ID).enrollment_key(), "visit"),
        (DeviceId(ID).key(), "device"),
        (PersonId(ID).key(), "person"),
        (StaffId(ID).key(), "staff"),
    ] {
        assert_eq!(key.0, format!("{kind}-{TEXT}"));
    }
}

#[test]
fn a_device_and_the_enrollment_that_brought_it_lead_to_each_other() {
    assert_eq!(EnrollmentId(ID).device(), DeviceId(ID));
    assert_eq!(DeviceId(ID).enrollment(), EnrollmentId(ID));
}

#[test]
fn ids_are_shown_as_uuids_and_positions_as_numbers() {
    let shown = [
        EnrollmentId(ID).to_string(),
        DeviceId(ID).to_string(),
        CommandId(ID).to_string(),
        PersonId(ID).to_string(),
        StaffId(ID).to_string(),
        PasskeyId(ID).to_string(),
        EventId(ID).to_string(),
    ];
    assert_eq!(shown, [TEXT; 7]);
    assert_eq!(Position(12).to_string(), "12");
    assert_eq!(StreamName::of("device", ID).to_string(), format!("device-{TEXT}"));
}

#[test]
fn the_events_of_one_effect_have_ids_that_follow_from_their_cause() {
    let cause = EventId(ID);
    assert_eq!(cause.caused("push", 0), cause.caused("push", 0), "a repeated effect has the same event id");
    let others = [cause.caused("push", 1), cause.caused("renewal", 0), cause.caused("push", 0).caused("push", 0)];
    assert!(!others.contains(&cause.caused("push", 0)));
    assert_eq!(cause.caused("push", 0).0.get_version_num(), 5);
}

#[test]
fn a_stream_name_is_written_as_it_is_and_no_other_text_is_read_as_one() {
    let name = StreamName::of("device", ID);
    assert_eq!(String::from(name.clone()), format!("device-{TEXT}"));
    assert_eq!(json!(name), format!("device-{TEXT}"));
    let read = |text: &str| serde_json::from_value::<StreamName>(json!(text));
    assert_eq!(read(&format!("device-{TEXT}")).unwrap(), name);
    let longest = format!("device-{}", "a".repeat(193));
    assert_eq!(read(&longest).unwrap().as_str().len(), 200);
    for text in
        ["", "device", "-1", "device-", "Device-1", "dev1ce-1", "device-a_b", "device-é", &format!("{longest}a")]
    {
        assert!(read(text).is_err(), "{text:?}");
    }
}
