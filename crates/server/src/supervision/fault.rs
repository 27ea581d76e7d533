//! A part that panics when a test asks for it. In builds with debug assertions alone.

use super::{Part, Supervisor};

/// Names the part that is to panic.
const VARIABLE: &str = "POSTROOM_TEST_PANIC";

impl Supervisor {
    /// Runs a task of the part that the environment names, which panics at once, and once more where it is started again.
    pub(crate) fn panic_where_a_test_asks(&self) {
        let Some(name) = std::env::var_os(VARIABLE) else {
            return;
        };
        if name == Part::Delivery.name() {
            self.essential(Part::Delivery, panics());
        } else if name == Part::Maintenance.name() {
            let mut starts = 0;
            let stopping = self.stopping().clone();
            self.restarting(Part::Maintenance, move || {
                starts += 1;
                let (n, stopping) = (starts, stopping.clone());
                async move {
                    if n <= 2 {
                        panics().await;
                    }
                    stopping.cancelled().await;
                }
            });
        }
    }
}

#[expect(clippy::panic, reason = "a test asked for it")]
async fn panics() {
    panic!("a test asked for it");
}
