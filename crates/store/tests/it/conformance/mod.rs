//! What every backend does. A backend names itself with a [`Harness`] and gets every case as a test of its own through
//! [`conformance!`].

pub(crate) mod intake;
pub(crate) mod list;
pub(crate) mod people;
pub(crate) mod world;

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
            list::counts_are_the_rows_that_scope_and_filter_mean,
            list::pages_forward_show_each_row_once_in_order,
            list::pages_backward_show_each_row_once_in_order,
            list::jump_lands_on_the_row_at_that_position,
            list::rows_tell_what_happened_last,
            list::message_outside_the_scope_is_like_none,
            list::page_beside_a_deleted_row_goes_on_where_it_stood,
            list::pages_stay_whole_while_mail_arrives,
            people::office_name_is_taken_once_below_a_parent,
            people::user_is_found_by_login_and_by_address_in_any_case,
            people::login_and_address_are_taken_once,
            people::session_ends_by_time_by_hand_and_by_a_new_password,
            people::key_is_found_by_its_hash_until_it_is_revoked,
            people::people_survive_reopening,
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
