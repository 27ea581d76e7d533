//! Writes to standard output for commands whose reader may go away, as in `postroom queue list | head`.

use std::fmt::Arguments;
use std::io::{ErrorKind, Write as _};

/// Writes a line. A reader that has gone away ends the process, as it ends other filters; what was asked for besides
/// the output is done by then.
pub(super) fn line(text: Arguments<'_>) {
    if let Err(error) = writeln!(std::io::stdout(), "{text}") {
        if error.kind() != ErrorKind::BrokenPipe {
            error_line(format_args!("postroom: cannot write to standard output: {error}"));
        }
        std::process::exit(if error.kind() == ErrorKind::BrokenPipe {
            0
        } else {
            1
        });
    }
}

/// Writes a line to standard error. Whoever would read it may have gone away, which changes nothing for the command;
/// `eprintln!` would panic.
pub(super) fn error_line(text: Arguments<'_>) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// `eprintln!` over [`error_line()`].
macro_rules! note {
    ($($words:tt)*) => {
        $crate::cli::out::error_line(format_args!($($words)*))
    };
}

/// `println!` over [`line()`].
macro_rules! out {
    ($($words:tt)*) => {
        $crate::cli::out::line(format_args!($($words)*))
    };
}

pub(super) use {note, out};
