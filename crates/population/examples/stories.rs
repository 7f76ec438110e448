//! Prints how many enrollments each story has: `cargo run -p population --example stories -- [PEOPLE] [SEED]`.

#![expect(clippy::print_stdout, reason = "it prints a table")]

use population::{Organization, Shape};

fn main() {
    let mut arguments = std::env::args().skip(1).map(|argument| argument.parse().expect("a number"));
    let people = arguments.next().unwrap_or(20_000);
    let seed = arguments.next().unwrap_or(1);
    let organization = Organization::generate(&Shape::of(people), u64::from(seed));
    let truth = &organization.truth;
    for (story, count) in organization.counts() {
        let of_story = || truth.enrollments.values().filter(|truth| truth.story == story);
        let continues = of_story().filter(|truth| truth.continues.is_some()).count();
        let known = of_story().filter(|truth| truth.was_known).count();
        println!(
            "{:28} {count:6} enrollments, {continues:6} continue a record, {known:6} a known one",
            format!("{story:?}")
        );
    }
    println!(
        "{} people, {} devices, {} records",
        organization.people.len(),
        organization.devices.len(),
        truth.records.len()
    );
    println!("{} happenings, digest {:016x}", organization.happenings.len(), organization.digest());
}
