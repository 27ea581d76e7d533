//! What every backend does. A backend names itself with a [`Harness`] and gets every case as a test of its own through
//! [`conformance!`].

pub(crate) mod intake;

use async_trait::async_trait;
use postroom_store::Store;

/// A store that cases can open again.
#[async_trait]
pub(crate) trait Harness: Send {
    /// An empty store in a place of its own.
    async fn new() -> Self
    where
        Self: Sized;

    /// The store.
    fn store(&self) -> &dyn Store;

    /// Closes the store and opens it again.
    async fn reopen(&mut self);

    /// Goes on with what a process that was killed now would leave behind.
    async fn kill(&mut self);
}

/// Makes a test of each case for the harness `$harness`.
macro_rules! conformance {
    ($harness:ty) => {
        conformance! { $harness =>
            intake::acknowledged_message_survives_reopening,
            intake::acknowledged_message_survives_a_kill,
            intake::ids_ascend_in_the_order_of_commits,
        }
    };
    ($harness:ty => $($module:ident :: $case:ident,)*) => {
        $(
            #[tokio::test]
            async fn $case() {
                let mut harness = <$harness as $crate::conformance::Harness>::new().await;
                $crate::conformance::$module::$case(&mut harness).await;
            }
        )*
    };
}
pub(crate) use conformance;
