//! The portal of the real server: people walk through it in a simulated Safari and in real browsers; who may enroll what.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod access;
mod account;
mod browser;
mod enrollment;
mod pages;
mod security;
