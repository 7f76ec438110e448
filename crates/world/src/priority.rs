//! Priority of threads: background work leaves the processor to requests.

/// By how much the nice value of a background thread is higher than that of the process (sched(7)). While both want
/// the same processor, a background thread gets a tenth of the time of another one, so that its work still proceeds.
#[cfg(target_os = "linux")]
const NICER: i32 = 10;

/// Greatest nice value.
#[cfg(target_os = "linux")]
const NICEST: i32 = 19;

/// Lowers the priority of the calling thread for the rest of its life: a process without privileges cannot raise it
/// again. Does nothing on systems other than Linux, where a priority belongs to the process.
///
/// # Errors
/// Returns an error if the system refuses it, as a filter of system calls may.
pub fn lower() -> std::io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        // On Linux each thread has its own nice value (setpriority(2), "C library/kernel differences"). A new thread
        // has that of the thread that started it, which may be lowered already. So the main thread's value counts.
        let main = Some(rustix::process::getpid());
        let nice = rustix::process::getpriority_process(main)? + NICER;
        rustix::process::setpriority_process(Some(rustix::thread::gettid()), nice.min(NICEST))?;
    }
    Ok(())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn the_priority_of_the_calling_thread_is_lowered_and_that_of_others_is_not() {
        let own = || rustix::process::getpriority_process(Some(rustix::thread::gettid())).unwrap();
        let before = own();
        let lowered = std::thread::spawn(move || {
            lower().unwrap();
            own()
        });
        assert_eq!(lowered.join().unwrap(), (before + NICER).min(NICEST));
        assert_eq!(own(), before);
    }

    #[test]
    fn a_thread_that_a_lowered_one_starts_is_not_lowered_twice() {
        let own = || rustix::process::getpriority_process(Some(rustix::thread::gettid())).unwrap();
        let before = own();
        let lowered = std::thread::spawn(move || {
            lower().unwrap();
            let started = std::thread::spawn(move || {
                lower().unwrap();
                own()
            });
            started.join().unwrap()
        });
        assert_eq!(lowered.join().unwrap(), (before + NICER).min(NICEST));
    }
}
