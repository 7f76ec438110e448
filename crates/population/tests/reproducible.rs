//! Seeds, sizes and stories.

use population::{Calendar, Organization, Shape, Story, Teams, What};

fn generate(people: u32, seed: u64) -> Organization {
    Organization::generate(&Shape::of(people), seed)
}

#[test]
fn the_same_seed_gives_the_same_organization() {
    assert_eq!(generate(400, 7).digest(), generate(400, 7).digest());
}

/// A measurement names a seed. This test fails if the organization of a seed becomes another one.
#[test]
fn the_organization_of_a_seed_is_the_one_that_earlier_measurements_used() {
    assert_eq!(format!("{:016x}", generate(200, 1).digest()), "5c2e69049ff6e662");
}

#[test]
fn different_seeds_give_different_organizations() {
    let digests: std::collections::BTreeSet<_> = (0..4).map(|seed| generate(80, seed).digest()).collect();
    assert_eq!(digests.len(), 4);
}

#[test]
fn a_larger_organization_begins_with_the_same_teams() {
    let (small, large) = (Shape::of(80), Shape::of(120));
    let of = |shape| Teams::new(shape, 3).map(|team| format!("{team:?}")).collect::<Vec<_>>();
    assert_eq!(of(&small), of(&large)[..2]);
}

#[test]
fn an_organization_has_as_many_people_as_its_shape_says() {
    for people in [0, 1, 39, 40, 41, 400] {
        assert_eq!(generate(people, 1).people.len(), people as usize);
    }
}

#[test]
fn every_story_occurs_in_20_000_people() {
    for (story, count) in generate(20_000, 1).counts() {
        assert!(count >= 50, "{story:?} occurs {count} times");
    }
}

#[test]
fn most_people_migrate_the_same_device() {
    let counts = generate(4000, 1).counts();
    let same = [
        Story::SamePhone,
        Story::SamePhoneWithStaleRecord,
        Story::OneOfSeveral,
        Story::SameModelTwice,
        Story::DeviceToUserEnrollment,
    ];
    let same: usize = same.iter().map(|story| counts[story]).sum();
    let new = [Story::NewPhone, Story::NewPhoneSameModel, Story::NewPhoneFromBackup, Story::LostPhone];
    let new: usize = new.iter().map(|story| counts[story]).sum();
    assert!(same > 2 * new && new > 100, "{same} same, {new} new");
}

#[test]
fn a_story_with_a_rate_of_zero_does_not_occur() {
    let mut shape = Shape::of(2000);
    shape.migration.lost = 0.0;
    shape.later.replaced = 0.0;
    shape.later.loaner = 0.0;
    shape.migration.technician = 1.0;
    let counts = Organization::generate(&shape, 1).counts();
    assert_eq!((counts[&Story::LostPhone], counts[&Story::Loaner]), (0, 0));
    assert!(counts[&Story::TechnicianForOther] > 500, "{counts:?}");
}

#[test]
fn the_same_model_is_common() {
    let organization = generate(2000, 1);
    let of = |identifier| organization.devices.iter().filter(|device| device.model.identifier == identifier).count();
    let total = organization.devices.len();
    assert!(of("iPhone14,5") * 30 > total, "{} of {total} devices are iPhone 13", of("iPhone14,5"));
}

#[test]
fn exports_come_when_the_calendar_says_and_a_partial_one_has_fewer_rows() {
    let organization = generate(400, 1);
    let exports = organization.happenings.iter().filter_map(|happening| match &happening.what {
        What::ExportImported(export) => Some((happening.time, export)),
        _ => None,
    });
    let exports: Vec<_> = exports.collect();
    let plans = Calendar::default().exports;
    assert_eq!(exports.len(), plans.len());
    for (number, ((time, export), plan)) in exports.iter().zip(&plans).enumerate() {
        assert_eq!((*time, export.complete, export.number), (plan.time, plan.complete, number));
        assert!(export.rows.is_sorted_by_key(|row| row.record));
        let before = number.checked_sub(1).map(|before| exports[before].1.rows.len());
        assert!(plan.complete || before.is_some_and(|before| export.rows.len() < before), "export {number}");
    }
}
