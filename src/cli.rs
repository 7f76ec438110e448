//! The commands of the muster binary.
