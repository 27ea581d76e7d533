//! Postroom: the e-mail queue for offices.

use std::process::ExitCode;

// Sets the allocator of the process.
use postroom_allocator as _;

fn main() -> ExitCode {
    postroom_server::cli::run()
}
