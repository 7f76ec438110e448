//! The console as a browser sees it: who gets in, what each role may, what is written down, what pages show.

mod acts;
mod commands;
pub mod desk;
mod exports;
mod factors;
mod pages;
mod sessions;
mod settings;
mod staff;
pub mod visits;
