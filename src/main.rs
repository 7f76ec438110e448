//! The `muster` binary. All code is in [`muster::cli`].

fn main() -> std::process::ExitCode {
    muster::cli::main()
}
