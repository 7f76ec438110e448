//! Tests of the words of previous records.

use super::PreviousKind;

#[test]
fn every_kind_of_enrollment_is_read_as_it_is_written() {
    for kind in PreviousKind::ALL {
        assert_eq!(PreviousKind::parse(kind.as_str()), Some(kind));
        assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
    }
    assert_eq!(PreviousKind::parse("jamf"), None);
}
