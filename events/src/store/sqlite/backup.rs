//! A copy of a log, taken while it is written to, and its way back.
