//! The console as a browser sees it: who gets in, what each role may, what is written down, what pages show.

mod acts;
mod commands;
pub mod desk;
mod exports;
pub mod factors;
mod names;
mod pages;
mod portal_preview;
mod profiles;
mod sessions;
pub mod settings;
pub mod staff;
pub mod visits;
