//! What fuzzing found worth keeping, replayed in seconds, and the signatures put to the test once more with messages that
//! are made and changed here. `tests/fuzz/run` searches on; what it finds goes into the corpus of its target.

mod laws;
mod mutate;
mod seeds;

use mutate::{Dice, mutated};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What an input costs is counted for the whole process: one test at a time.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn inputs(target: &str) -> Vec<(String, Vec<u8>)> {
    let files = std::fs::read_dir(laws::corpus().join(target)).unwrap().map(|file| file.unwrap().path());
    let mut inputs: Vec<_> = files.map(|path| (path.display().to_string(), std::fs::read(path).unwrap())).collect();
    inputs.sort();
    inputs
}

fn replay(target: &str) {
    let _alone = alone();
    let (law, inputs) = (laws::law(target), inputs(target));
    assert!(inputs.len() >= 4, "the corpus of {target} is gone");
    for (name, input) in inputs {
        println!("{name}");
        law(&input);
    }
}

#[test]
fn check_ins_of_the_corpus_are_read_as_they_should() {
    replay("check_in");
}

#[test]
fn answers_to_commands_of_the_corpus_are_read_as_they_should() {
    replay("command");
}

#[test]
fn signatures_of_the_corpus_are_read_as_they_should() {
    replay("mdm_signature");
}

#[test]
fn messages_that_devices_sign_of_the_corpus_are_read_as_they_should() {
    replay("device_message");
}

#[test]
fn scep_messages_of_the_corpus_are_read_as_they_should() {
    replay("scep");
}

#[test]
fn a_signed_message_that_was_changed_is_believed_in_nothing_that_was_not_signed() {
    let _alone = alone();
    let mut dice = Dice::new(1);
    for (target, kept) in [("mdm_signature", 2), ("device_message", 0), ("scep", 1)] {
        let law = laws::law(target);
        for (_, input) in inputs(target).into_iter().filter(|(name, _)| name.contains("signed-")) {
            let kept = if target == "mdm_signature" { kept + laws::detached(&input).unwrap().0.len() } else { kept };
            for _ in 0..100 {
                law(&[&input[..kept], &mutated(&input[kept..], &mut dice)].concat());
            }
        }
    }
}

#[test]
fn a_law_finds_what_it_is_there_for() {
    let _alone = alone();
    let input = inputs("mdm_signature").into_iter().find(|(name, _)| name.contains("signed-")).unwrap().1;
    let (body, cms) = laws::detached(&input).unwrap();
    let claimed = muster::pki::one_signer::OneSigner::from_der(cms).unwrap();
    let certificate = muster::pki::fingerprint(claimed.certificate());
    laws::believed_body(&certificate, body);
    let unsigned = std::panic::catch_unwind(|| laws::believed_body(&certificate, b"another body"));
    assert!(unsigned.is_err(), "somebody was believed to have signed what they did not");
    let costly = std::panic::catch_unwind(|| laws::hold(b"", || vec![0u8; 64 * 1024 * 1024].len()));
    assert!(costly.is_err(), "64 MiB were allocated for nothing");
    let fickle = std::cell::Cell::new(0);
    let other = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        laws::hold(b"", || fickle.replace(fickle.get() + 1));
    }));
    assert!(other.is_err(), "the second verdict was another one");
}

#[test]
#[ignore = "writes into the sources: only where the messages of the corpora are to be made anew"]
fn the_corpora_are_begun_anew() {
    seeds::write(&laws::corpus());
}
