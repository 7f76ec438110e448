//! What no input may cost, and that it is answered the same way twice.

use cap::Cap;
use cpu_time::ThreadTime;
use std::alloc::System;
use std::fmt::Debug;
use std::time::Duration;

#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, usize::MAX);

/// Of processor time, since the machine may be busy with something else.
const LONGEST: Duration = if cfg!(debug_assertions) { Duration::from_secs(2) } else { Duration::from_millis(100) };
/// Bytes allocated in all while a message is read, freed or not: so many in any case (certificates, digests) …
const ALLOCATED: usize = 1024 * 1024;
/// … and so many more for each byte of input. A property list of empty elements grows most.
const ALLOCATED_PER_BYTE: usize = 512;

/// Reads twice, and gives what came of it.
///
/// # Panics
/// If it took too long or too much memory, or came out differently the second time.
pub fn hold<V: PartialEq + Debug>(input: &[u8], read: impl Fn() -> V) -> V {
    let verdict = within_limits(input.len(), &read);
    assert_eq!(verdict, read(), "the same input is answered otherwise the second time");
    verdict
}

fn within_limits<V>(length: usize, read: impl Fn() -> V) -> V {
    let (allocated, used) = (ALLOCATOR.total_allocated(), processor_time());
    let verdict = read();
    let (allocated, used) = (ALLOCATOR.total_allocated().saturating_sub(allocated), processor_time() - used);
    assert!(used <= LONGEST, "{length} bytes of input took {used:?}");
    let limit = ALLOCATED + ALLOCATED_PER_BYTE * length;
    assert!(allocated <= limit, "{length} bytes of input had {allocated} bytes allocated, limit {limit}");
    verdict
}

/// Of this thread, which is all that a message is read by.
pub fn processor_time() -> Duration {
    ThreadTime::now().as_duration()
}
