//! Generating needs bounded memory.

use cap::Cap;
use population::{Organization, Shape, Teams};
use std::alloc::System;

#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, usize::MAX);

const MEGABYTE: usize = 1 << 20;

/// Both organizations in one test, because all tests of a binary share the allocator.
#[test]
fn a_stream_of_teams_needs_the_memory_of_one_team_and_20_000_people_need_half_a_gigabyte() {
    let shape = Shape::default();
    assert_eq!(shape.people, 20_000);
    let before = ALLOCATOR.max_allocated();
    let people: usize = Teams::new(&shape, 1).map(|team| team.people.len()).sum();
    let streamed = ALLOCATOR.max_allocated() - before;
    assert_eq!(people, 20_000);
    assert!(streamed < 4 * MEGABYTE, "{streamed} bytes");

    let organization = Organization::generate(&shape, 1);
    let whole = ALLOCATOR.max_allocated() - before;
    assert_eq!(organization.people.len(), 20_000);
    assert!(whole < 512 * MEGABYTE, "{whole} bytes");
    assert!(whole > streamed, "the allocator counts nothing");
}
