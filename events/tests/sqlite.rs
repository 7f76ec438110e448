//! The embedded store fulfils the contract of an event store and its own further guarantees.
#![expect(clippy::unwrap_used, reason = "a helper of tests that cannot go on fails the test")]

#[path = "sqlite/again.rs"]
mod again;
#[path = "sqlite/backup.rs"]
mod backup;
#[path = "sqlite/contract.rs"]
mod contract;
#[path = "sqlite/corruption.rs"]
mod corruption;
#[path = "sqlite/disk.rs"]
mod disk;
#[path = "sqlite/doctor.rs"]
mod doctor;
#[path = "sqlite/index.rs"]
mod index;
#[path = "sqlite/kill.rs"]
mod kill;
#[path = "sqlite/older.rs"]
mod older;
#[path = "sqlite/opening.rs"]
mod opening;
#[path = "sqlite/power_cut.rs"]
mod power_cut;
#[path = "sqlite/scrub.rs"]
mod scrub;
#[path = "sqlite/trace.rs"]
mod trace;
#[path = "sqlite/typed.rs"]
mod typed;
