//! The `muster` binary. All code is in [`muster::cli`].

/// It keeps less memory than the C library's allocator (docs/decisions/37-the-allocator-is-jemalloc.md).
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> std::process::ExitCode {
    muster::cli::main()
}
