//! The Muster server. Modules in the order data flows:
//!
//! [`portal`], [`mdm`], [`admin`] take HTTP in and turn it into commands; the crate `decisions` decides (pure); [`app`] performs:
//! loads, decides, appends; [`reactions`] turn committed facts into effects and new commands. [`web`] is what the surfaces for people share.

pub mod admin;
pub mod app;
pub mod cli;
pub mod config;
pub mod installation_files;
pub mod mdm;
pub mod portal;
pub mod reactions;
pub mod server;
pub mod web;
