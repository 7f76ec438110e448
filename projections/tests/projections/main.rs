//! The projections over a real log on SQLite.

mod audit;
mod certificates;
mod claims;
mod commands;
mod devices;
mod due;
mod rebuild;
mod renewals;
mod support;
mod visits;
