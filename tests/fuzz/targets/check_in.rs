//! Fuzz target for bodies of check-ins.

#![no_main]

use muster_fuzz::laws;

libfuzzer_sys::fuzz_target!(|input: &[u8]| laws::law("check_in")(input));
