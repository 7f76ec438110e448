//! Fuzz target for bodies of answers to commands.

#![no_main]

use muster_fuzz::laws;

libfuzzer_sys::fuzz_target!(|input: &[u8]| laws::law("command")(input));
