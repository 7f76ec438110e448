//! The Muster server. Modules in the order of the data flow:
//!
//! [`portal`], [`mdm`] and `admin` turn HTTP requests into commands. The crate `decisions` decides (pure functions).
//! The crate `platform` performs: it loads, decides and appends. [`app`] assembles the services. [`reactions`] run
//! effects and new commands for recorded events. `web` has what the three HTTP surfaces share.

pub(crate) mod admin;
pub mod app;
pub mod cli;
pub mod config;
pub(crate) mod installation_files;
pub mod mdm;
pub mod portal;
pub mod reactions;
pub mod server;
pub(crate) mod web;
