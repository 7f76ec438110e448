//! The real server on a free port, over TLS, with a log in a temporary folder.

mod harness;

mod operations;
