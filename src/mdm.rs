//! What devices talk to: check-in, commands, SCEP.
