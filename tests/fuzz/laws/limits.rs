//! Limits of time and memory for every input, and the rule that the same input gets the same verdict twice.

use cap::Cap;
use cpu_time::ThreadTime;
use std::alloc::System;
use std::fmt::Debug;
use std::time::Duration;

#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, usize::MAX);

/// Limit of processor time, because the machine may be busy with something else.
const LONGEST: Duration = if cfg!(debug_assertions) { Duration::from_secs(2) } else { Duration::from_millis(100) };
/// Limit of the bytes allocated while a message is read, including freed ones: a fixed part for certificates and
/// digests.
const ALLOCATED: usize = 1024 * 1024;
/// Additional limit for each byte of input. A property list of empty elements needs most.
const ALLOCATED_PER_BYTE: usize = 512;

/// Reads the input twice and returns the verdict.
///
/// # Panics
/// Panics if reading took too much time or memory, or gave another verdict the second time.
pub fn hold<V: PartialEq + Debug>(input: &[u8], read: impl Fn() -> V) -> V {
    let verdict = within_limits(input.len(), &read);
    assert_eq!(verdict, read(), "the verdict differs when the same input is read again");
    verdict
}

fn within_limits<V>(length: usize, read: impl Fn() -> V) -> V {
    let (allocated, used) = (ALLOCATOR.total_allocated(), processor_time());
    let verdict = read();
    let (allocated, used) = (ALLOCATOR.total_allocated().saturating_sub(allocated), processor_time() - used);
    assert!(used <= LONGEST, "{length} bytes of input took {used:?}");
    let limit = ALLOCATED + ALLOCATED_PER_BYTE * length;
    assert!(allocated <= limit, "{length} bytes of input allocated {allocated} bytes, more than {limit}");
    verdict
}

/// Processor time of this thread. A message is read only in this thread.
pub fn processor_time() -> Duration {
    ThreadTime::now().as_duration()
}
