//! Everything that happened, as a number.

use std::fmt;
use std::time::Duration;

/// Everything that happened, as a number.
#[derive(Debug)]
pub(super) struct Trace {
    pub(super) hash: u64,
    told: bool,
}

impl Default for Trace {
    fn default() -> Self {
        Self {
            hash: 0xcbf2_9ce4_8422_2325,
            told: std::env::var_os("SIMULATOR_TRACE").is_some(),
        }
    }
}

impl Trace {
    pub(super) fn note(&mut self, at: Duration, what: fmt::Arguments<'_>) {
        let line = format!("{} {what}", at.as_millis());
        for byte in line.bytes() {
            self.hash = (self.hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        if self.told {
            tell(&line);
        }
    }
}

#[expect(clippy::print_stderr, reason = "asked for by SIMULATOR_TRACE")]
fn tell(line: &str) {
    eprintln!("{line}");
}
