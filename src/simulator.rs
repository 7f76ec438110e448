//! A Safari and a device of our own, which speak the real protocols to a real server over HTTPS, and a push server that
//! wakes them. Used by `muster demo`, `muster simulate`, the tests and the load benchmark.
//!
//! Nothing here imports a module of the server, so that the two cannot share an error: what is known here of Apple's
//! protocols was written down a second time, as the device sees it. A [`walk`] is a person with a [`device`] and its
//! [`safari`]; the device knows only what the profile it installed says.

pub mod acts;
pub mod ber;
pub mod certificate_request;
pub mod chance;
pub mod commands;
pub mod device;
pub mod install;
pub mod keys;
pub mod management;
pub mod messages;
pub mod model;
pub mod profile;
pub mod push_server;
pub mod scep;
pub mod scep_answer;
pub mod signature;
pub mod trust;
