//! Tests of recorded views and exports: what is written is read again, whatever it names.

use super::{ApiResource, ExportFormat, StaffActivityEvent};
use crate::Event;
use crate::ids::{PersonId, RecordId};
use proptest::prelude::*;
use serde_json::json;
use std::collections::BTreeSet;
use uuid::Uuid;

fn viewed() -> impl Strategy<Value = StaffActivityEvent> {
    let id = any::<u128>().prop_map(Uuid::from_u128);
    let filters = prop::collection::vec(".{0,20}", 0..4);
    let format = prop_oneof![Just(ExportFormat::Csv), Just(ExportFormat::Jsonl)];
    let exported = (filters.clone(), format, any::<u64>());
    prop_oneof![
        Just(StaffActivityEvent::PreviousRecordListViewed {}),
        Just(StaffActivityEvent::ImportListViewed {}),
        Just(StaffActivityEvent::LinkListViewed {}),
        id.clone().prop_map(|id| StaffActivityEvent::PreviousRecordViewed { record: RecordId(id) }),
        id.prop_map(|id| StaffActivityEvent::PersonViewed { person: PersonId(id) }),
        exported.clone().prop_map(|(filters, format, rows)| StaffActivityEvent::LineageExported {
            filters,
            format,
            rows
        }),
        exported.prop_map(|(filters, format, rows)| StaffActivityEvent::PreviousRecordsExported {
            filters,
            format,
            rows
        }),
        (prop::sample::select(ApiResource::ALL.to_vec()), filters)
            .prop_map(|(resource, filters)| StaffActivityEvent::ApiRead { resource, filters }),
    ]
}

proptest! {
    #[test]
    fn a_view_is_read_as_it_was_written(event in viewed()) {
        let event = Event::StaffActivity(event);
        let (name, data) = event.to_parts();
        let text = serde_json::to_string(&data).unwrap();
        let read = Event::from_parts(event.category(), &name, serde_json::from_str(&text).unwrap()).unwrap();
        prop_assert_eq!(read, event);
    }
}

#[test]
fn the_list_of_resources_is_complete() {
    let error = serde_json::from_value::<ApiResource>(json!("?")).unwrap_err().to_string();
    let (_, expected) = error.split_once("expected").unwrap();
    let names: BTreeSet<String> = expected.split('`').skip(1).step_by(2).map(str::to_owned).collect();
    let listed = ApiResource::ALL.map(|resource| serde_json::to_value(resource).unwrap().as_str().unwrap().to_owned());
    assert_eq!(names, listed.into());
}
