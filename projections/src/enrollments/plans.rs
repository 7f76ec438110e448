//! Tests that every list and count of enrollments walks an index.

use super::funnel::{DAYS, ENDED, OPEN};
use super::list::{WALKS, sql};
use super::query::select;
use crate::plans::{assert_bounded, database};

#[test]
fn lists_walk_an_index_in_the_order_of_the_log() {
    let rows = database();
    for (index, condition) in WALKS {
        assert_bounded(&rows, &sql(index, condition), &[]);
    }
    let stuck = format!(
        "{} WHERE v.state = 'open' AND (v.last <= ?1 OR v.refusals > 0) ORDER BY v.last DESC, v.n DESC LIMIT ?2",
        select("INDEXED BY visits_open")
    );
    assert_bounded(&rows, &stuck, &["v USING INDEX visits_open"]);
}

#[test]
fn the_funnel_reads_the_days_and_the_edges_of_its_period() {
    let rows = database();
    for sql in [DAYS, OPEN, ENDED, "SELECT step, reached, left FROM visits_steps WHERE visit = ?1"] {
        assert_bounded(&rows, sql, &[]);
    }
}
