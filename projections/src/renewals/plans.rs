//! Tests that every statement about renewals walks an index.

use super::kept::Kind;
use super::query::{BEGINNING, ENDING, Standing, selects};
use crate::plans::{assert_bounded, database};
use events::Timestamp;

#[test]
fn what_is_due_and_what_is_counted_is_looked_up() {
    let rows = database();
    for sql in [BEGINNING, ENDING] {
        assert_bounded(&rows, sql, &[]);
    }
    for kind in [Kind::All, Kind::Failing, Kind::Calm, Kind::CalmByDue] {
        assert_bounded(&rows, &kind.select(), &[]);
    }
    for standing in Standing::ALL {
        for (from, _) in selects(standing, Timestamp(1)) {
            // This index has the pending renewals only.
            assert_bounded(&rows, &format!("SELECT r.device {from}"), &["r USING INDEX renewals_by_end"]);
        }
    }
    let requested = "SELECT count(*) FROM renewals_devices WHERE requested_at > ?1 AND requested_at <= ?2";
    assert_bounded(&rows, requested, &[]);
}
