//! The projections over a real log on SQLite.

mod audit;
mod certificates;
mod claims;
mod commands;
mod devices;
mod due;
mod enrollments;
mod erasure;
mod files;
mod inventory;
mod invitations;
mod mails;
mod migration;
mod questions;
mod rebuild;
mod records;
mod renewals;
mod staff;
mod support;
