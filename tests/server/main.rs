//! The real server on a free port, over TLS, with a log in a temporary folder.

mod browser;
mod crash;
mod enrollment;
mod harness;

mod operations;
