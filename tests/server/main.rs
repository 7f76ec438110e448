//! The real server on a free port, over TLS, with a log in a temporary folder.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod api;
mod connections;
mod console;
mod devices;
mod directory;
mod harness;

mod access;
mod account;
mod browser;
mod budgets;
mod checkin;
mod claims;
mod command_line;
mod commands;
mod crash;
mod enrollment;
mod facts;
mod faults;
mod kept;
mod matrix;
mod mutual_tls;
mod operations;
mod perform;
mod picky;
mod points;
mod portal;
mod portal_security;
mod profile_service;
mod public_url;
mod push;
mod push_certificate;
mod reactions;
mod renewal;
mod saml;
mod scep;
mod secrets;
mod sign_in_storm;
mod single_sign_on;
mod strangers;
mod tls;
