//! Postroom: the e-mail queue for offices.

use std::process::ExitCode;

/// Keeps memory flat under many small allocations from many threads, where the system's allocator grows.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    postroom_server::cli::run()
}
