//! Walks a log.
