//! The embedded event store: one SQLite file, one writer.
