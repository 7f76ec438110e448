//! Replays the corpora of the fuzz targets in seconds, and then changes their inputs at random for a moment.
//! `MUSTER_FUZZ_SECONDS` sets the time. `tests/fuzz/run` searches with libFuzzer, which measures the coverage of an
//! input. New findings are added to the corpus of their target.
#![expect(unreachable_pub, reason = "a test binary has no API: `pub` only leads out of a module")]
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test fails if something is missing, and prints its progress"
)]

mod laws;
mod mutate;
mod seeds;

use mutate::{Dice, mutated, mutated_text};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Allocations of an input are counted for the whole process, so only one test may run at a time.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn inputs(corpus: &Path, target: &str) -> Vec<(String, Vec<u8>)> {
    let files = std::fs::read_dir(corpus.join(target)).unwrap().map(|file| file.unwrap().path());
    let mut inputs: Vec<_> = files.map(|path| (path.display().to_string(), std::fs::read(path).unwrap())).collect();
    inputs.sort();
    inputs
}

fn replay(target: &str) {
    let _alone = alone();
    replay_from(&laws::corpus(), target);
}

fn replay_from(corpus: &Path, target: &str) {
    let (law, inputs) = (laws::law(target), inputs(corpus, target));
    assert!(inputs.len() >= 4, "the corpus of {target} is missing");
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

/// Reads changed inputs of a target for `MUSTER_FUZZ_SECONDS` or, by default, for a moment with reproducible changes.
fn changed(target: &str) {
    let _alone = alone();
    let seconds = std::env::var("MUSTER_FUZZ_SECONDS").ok().and_then(|seconds| seconds.parse().ok());
    let begun = std::time::Instant::now();
    let (law, inputs, mut read) = (laws::law(target), inputs(&laws::corpus(), target), 0u64);
    let mut dice = Dice::new(seconds.map_or(1, |_| begun.elapsed().as_nanos() as u64 ^ u64::from(std::process::id())));
    while seconds.map_or(read < 500, |seconds| begun.elapsed().as_secs_f64() < seconds) {
        let (_, input) = &inputs[dice.below(inputs.len())];
        let input = changed_input(target, input, &mut dice);
        if let Err(broken) = std::panic::catch_unwind(|| law(&input)) {
            let path = laws::corpus().join(target).join(format!("broken-{}", hex::encode(openssl::sha::sha1(&input))));
            std::fs::write(&path, &input).unwrap();
            println!("kept as {}", path.display());
            std::panic::resume_unwind(broken);
        }
        read += 1;
    }
    println!("{target}: {read} inputs in {:.1?}", begun.elapsed());
}

fn changed_input(target: &str, input: &[u8], dice: &mut Dice) -> Vec<u8> {
    let kept = match target {
        "check_in" | "command" => return mutated_text(input, dice),
        "mdm_signature" => laws::detached(input).map_or(0, |(body, _)| 2 + body.len()),
        "scep" => 1.min(input.len()),
        _ => 0,
    };
    let (head, message) = input.split_at(kept);
    if dice.below(4) == 0 { mutated_text(input, dice) } else { [head, &mutated(message, dice)].concat() }
}

#[test]
fn changed_check_ins_are_read_as_they_should() {
    changed("check_in");
}

#[test]
fn changed_answers_to_commands_are_read_as_they_should() {
    changed("command");
}

#[test]
fn whoever_signed_is_believed_in_nothing_else_when_the_header_is_changed() {
    changed("mdm_signature");
}

#[test]
fn a_device_is_believed_in_nothing_else_when_its_message_is_changed() {
    changed("device_message");
}

#[test]
fn nobody_gets_a_certificate_for_another_key_when_a_scep_message_is_changed() {
    changed("scep");
}

#[test]
fn a_law_finds_what_it_is_there_for() {
    let _alone = alone();
    let input =
        inputs(&laws::corpus(), "mdm_signature").into_iter().find(|(name, _)| name.contains("/signed-")).unwrap().1;
    let (body, cms) = laws::detached(&input).unwrap();
    let claimed = pki::one_signer::OneSigner::from_der(cms).unwrap();
    let certificate = pki::fingerprint(claimed.certificate());
    laws::believed_body(&certificate, body);
    let unsigned = std::panic::catch_unwind(|| laws::believed_body(&certificate, b"another body"));
    assert!(unsigned.is_err(), "a signer was credited with content that they did not sign");
    let costly = std::panic::catch_unwind(|| laws::hold(b"", || vec![0u8; 64 * 1024 * 1024].len()));
    assert!(costly.is_err(), "64 MiB were allocated for nothing");
    let honest = laws::Honest::new(
        |_| vec![vec![1]],
        |input| {
            openssl::sha::sha256(&vec![0; 4096 * usize::from(input[0])]);
        },
    );
    honest.costs_as_much_as(&[1]);
    let dear = std::panic::catch_unwind(|| honest.costs_as_much_as(&[20]));
    assert!(dear.is_err(), "a message cost twenty times as much as an honest one");
    let fickle = std::cell::Cell::new(0);
    let other = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        laws::hold(b"", || fickle.replace(fickle.get() + 1));
    }));
    assert!(other.is_err(), "the second verdict differed");
}

/// `MUSTER_FUZZ_BEGIN=1` stores the messages as the seeds of the corpora.
#[test]
fn what_simulated_devices_send_is_read_as_it_should() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let kept = std::env::var_os("MUSTER_FUZZ_BEGIN").map(|_| laws::corpus());
    let begun = kept.unwrap_or_else(|| folder.path().to_owned());
    seeds::write(&begun);
    for (target, _) in laws::LAWS {
        replay_from(&begun, target);
    }
}
