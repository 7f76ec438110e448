//! Fuzz target for bodies with an `Mdm-Signature` header.

#![no_main]

use muster_fuzz::{laws, mutate_in_place};

libfuzzer_sys::fuzz_target!(|input: &[u8]| laws::law("mdm_signature")(input));

// Half of the changes keep the message well-formed.
libfuzzer_sys::fuzz_mutator!(|input: &mut [u8], size: usize, most: usize, seed: u32| {
    let kept = laws::detached(&input[..size]).map(|(body, _)| body.len() + 2);
    match (seed % 2, kept) {
        (0, Some(kept)) => mutate_in_place(input, size, most, kept, seed),
        _ => libfuzzer_sys::fuzzer_mutate(input, size, most),
    }
});
