//! What every backend does. A backend names itself with a [`Harness`] and gets every case as a test of its own through
//! [`conformance!`].

pub(crate) mod actions;
pub(crate) mod administration;
pub(crate) mod alerts;
pub(crate) mod audit;
pub(crate) mod bulk;
pub(crate) mod drafts;
pub(crate) mod facts;
pub(crate) mod holds;
pub(crate) mod intake;
pub(crate) mod job_rights;
pub(crate) mod job_views;
pub(crate) mod layouts;
pub(crate) mod leases;
pub(crate) mod limits;
pub(crate) mod list;
pub(crate) mod local;
pub(crate) mod measurements;
pub(crate) mod moved_clocks;
pub(crate) mod names;
pub(crate) mod people;
pub(crate) mod settings;
pub(crate) mod sorted;
pub(crate) mod throttles;
pub(crate) mod walk;
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
            local::office_that_sends_locally_is_kept_and_audited,
            measurements::measured_steps_come_back_as_they_were_kept_last,
            measurements::steps_older_than_their_span_are_forgotten,
            measurements::longest_waiting_is_neither_held_nor_scheduled,
            throttles::limits_of_an_account_come_back_as_they_were_saved_last,
            throttles::account_without_limits_is_deleted,
            layouts::layout_comes_back_as_it_was_kept,
            layouts::layout_made_from_another_version_changes_nothing,
            layouts::layout_of_an_office_is_audited_and_a_persons_is_not,
            sorted::sorted_pages_forward_show_each_row_once_in_order,
            sorted::sorted_pages_backward_show_each_row_once_in_order,
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
            people::names_and_addresses_are_one_space,
            people::session_ends_by_time_by_hand_and_by_a_new_password,
            people::key_is_found_by_its_hash_until_it_is_revoked,
            people::key_says_who_made_it_when_it_ends_and_when_it_was_used,
            people::sources_of_sign_ins_are_known_until_they_are_old_or_too_many,
            people::people_survive_reopening,
            administration::office_is_renamed_and_moved_but_never_below_itself,
            administration::office_keeps_its_stored_name_where_something_else_changes,
            administration::tree_of_offices_has_a_depth_and_no_ring,
            administration::only_an_empty_office_is_removed_and_its_number_not_given_again,
            administration::system_office_keeps_an_administrator,
            administration::disabling_ends_sessions_tokens_and_keys,
            administration::new_address_ends_sessions_and_tokens,
            administration::token_is_kept_for_the_address_that_its_mail_goes_to,
            administration::branches_lie_below_and_go_with_enterprise_view,
            administration::proxy_is_for_another_of_the_same_office,
            administration::token_sets_a_password_once_within_its_time,
            administration::newest_links_of_a_person_work_and_the_newest_invitation,
            administration::new_password_ends_keys_where_that_is_asked,
            administration::right_that_shows_more_ends_keys,
            administration::view_of_more_branches_ends_keys,
            administration::server_is_set_up_once,
            intake::repeated_request_gets_the_same_answer,
            intake::requests_with_one_key_at_once_are_taken_once,
            intake::key_with_another_body_is_refused,
            intake::forgotten_key_can_be_used_again,
            intake::batch_beyond_the_limits_is_refused_whole,
            intake::message_comes_back_as_it_was_handed_in,
            intake::content_over_a_limit_is_not_loaded_but_its_size_is_told,
            intake::every_change_is_told_after_its_commit,
            intake::audit_entry_of_an_intake_is_in_its_transaction,
            leases::single_letter_is_not_stuck_behind_ten_thousand,
            leases::flows_share_by_their_weights,
            leases::sending_one_by_one_gains_nothing,
            leases::lane_is_served_in_the_order_of_arrival,
            leases::routes_are_served_apart,
            leases::scheduled_message_is_never_leased_before_its_time,
            leases::leased_message_is_shown_as_sending,
            leases::outcome_of_another_generation_changes_nothing,
            leases::older_epoch_neither_leases_nor_writes,
            leases::adopted_lease_has_a_new_generation,
            leases::leases_are_found_by_the_time_of_their_request,
            leases::message_given_back_keeps_its_place_and_attempts,
            leases::attempt_that_goes_on_keeps_its_lease_and_what_was_accepted,
            leases::retry_joins_the_end_of_its_lane,
            leases::waiting_mail_of_a_blocked_route_stays,
            leases::scheduled_mail_of_a_blocked_route_is_queued_at_its_time,
            leases::depth_counts_every_phase,
            actions::requeue_keeps_delivered_recipients,
            actions::requeue_makes_deferred_mail_ready_with_no_attempts,
            actions::sent_message_is_not_requeued,
            actions::revival_leaves_the_mail_of_one_sender_out,
            actions::revival_leaves_mail_out_that_has_few_attempts_left,
            actions::requeued_mail_takes_the_way_out_that_its_office_has_now,
            actions::message_under_way_is_not_deleted,
            actions::deleted_message_leaves_nothing,
            actions::what_one_may_not_see_does_not_exist,
            actions::flush_makes_deferred_mail_due,
            actions::revival_makes_the_deferred_mail_of_a_route_due_each_once,
            actions::mail_that_found_no_relay_fails_in_the_end,
            moved_clocks::deferred_mail_has_the_rest_of_its_wait_where_a_start_finds_the_clock_set_back,
            moved_clocks::mail_that_was_due_shows_no_time_ahead_once_the_clock_is_set_back,
            moved_clocks::time_without_a_server_is_left_out_of_waits_for_a_relay_that_was_down,
            moved_clocks::node_that_starts_for_the_first_time_moves_nothing,
            moved_clocks::wait_of_an_hour_lasts_an_hour_whatever_the_clock_was_moved_by,
            moved_clocks::start_behind_a_followed_move_does_not_follow_it_again,
            moved_clocks::pause_of_sending_is_left_out_of_the_outages_that_it_fell_into,
            moved_clocks::cycle_that_began_by_the_clock_before_it_was_set_back_is_moved_late,
            moved_clocks::mail_of_a_clock_that_stood_ahead_expires_in_its_time_once_the_clock_has_passed_it,
            moved_clocks::moved_clock_moves_what_waits_once_and_nothing_written_since,
            moved_clocks::day_begun_while_the_clock_stood_ahead_is_corrected_with_what_was_used_on_it,
            moved_clocks::mail_held_while_the_clock_stood_ahead_leaves_with_the_next_day,
            moved_clocks::clock_set_back_a_month_and_right_again_grants_nothing_twice,
            moved_clocks::clock_that_stands_ahead_twice_counts_nothing_twice,
            moved_clocks::what_others_submit_moves_with_the_day_that_it_is_charged_on,
            moved_clocks::clock_that_stood_ahead_over_midnight_leaves_the_counts_right,
            moved_clocks::leased_mail_shows_no_time_ahead_once_it_is_given_back_after_the_clock_is_set_back,
            moved_clocks::mail_tried_about_the_time_of_a_short_move_is_moved_once,
            moved_clocks::clock_set_back_before_two_nodes_start_moves_mail_once,
            moved_clocks::mail_that_was_overdue_for_long_waits_for_no_time_once_the_clock_is_set_back,
            moved_clocks::date_is_right_again_with_the_clock_and_ids_still_ascend,
            moved_clocks::mail_whose_id_runs_ahead_expires_in_its_time,
            audit::action_leaves_one_entry_with_a_digest_of_what_was_done,
            audit::action_that_did_nothing_leaves_no_entry,
            audit::pages_go_from_new_to_old_and_an_office_has_its_own,
            audit::chain_is_whole_after_a_kill,
            alerts::alert_counts_each_fact_once_and_opens_again,
            alerts::alert_that_is_told_once_stays_as_it_was,
            alerts::alerts_are_listed_latest_first_and_only_their_owners,
            alerts::alerts_and_cursor_are_written_together,
            alerts::alert_is_mailed_once_to_those_who_chose_so,
            alerts::senders_whose_mail_waits_for_a_relay_are_found,
            drafts::draft_comes_back_as_it_was_kept,
            drafts::draft_of_another_is_like_none,
            drafts::draft_made_from_another_version_changes_nothing,
            drafts::person_keeps_a_hundred_drafts_and_no_more,
            names::names_are_those_of_the_scope_alone,
            names::addresses_are_those_of_ones_own_mail_the_latest_first,
            names::address_of_older_mail_is_found_by_its_words,
            facts::fact_is_read_until_its_consumer_has_passed_it,
            facts::purged_facts_numbers_are_not_given_again,
            facts::failed_message_is_a_fact_and_a_sent_one_is_none,
            facts::trouble_with_the_settings_is_a_fact_until_the_relay_is_down,
            facts::relays_edge_is_written_by_one_node_alone,
            bulk::forecast_is_what_is_done_with_words_rights_and_exceptions,
            bulk::mail_with_a_live_link_is_not_sent_again,
            bulk::newcomers_are_not_visited,
            bulk::message_that_left_the_filter_is_skipped,
            bulk::job_goes_on_after_a_kill_and_sends_nothing_twice,
            bulk::rights_count_at_each_step,
            job_views::persons_jobs_are_those_of_their_keys_too,
            job_views::person_and_their_keys_have_ten_jobs_under_way_in_all,
            job_rights::step_prepared_before_rights_were_taken_touches_nothing,
            bulk::job_whose_owner_lost_sight_says_what_it_left_out,
            bulk::cancelled_job_does_nothing_more_and_is_audited,
            bulk::failed_mail_is_grouped_by_cause_and_exactly_that_is_requeued,
            limits::three_users_in_turn_meet_the_user_limit_and_then_the_systems,
            limits::message_after_the_last_that_fits_is_held_by_its_own_limit,
            limits::held_mail_leaves_at_midnight_by_turns,
            limits::day_begins_at_the_zones_midnight_over_every_change_of_the_clocks,
            limits::clock_set_back_grants_nothing_twice,
            limits::numbers_survive_a_kill,
            limits::clients_at_once_get_exactly_what_is_left,
            limits::notification_is_exempt,
            limits::who_submitted_is_charged_and_for_a_key_the_sender,
            limits::retries_and_requeues_are_free_and_a_deletion_gives_nothing_back,
            limits::scheduled_message_is_charged_when_it_falls_due,
            limits::raised_limit_lets_mail_go_at_once,
            limits::limit_below_todays_use_is_refused,
            limits::held_mail_goes_past_a_limit_only_where_that_is_asked,
            limits::first_message_held_that_day_is_told_once_a_person,
            limits::standing_tells_what_waits_before_new_mail,
            limits::thousand_held_messages_settle_in_steps,
            holds::held_message_is_never_leased,
            holds::hold_and_release_are_for_those_who_may,
            holds::scheduled_message_that_was_held_waits_for_its_time_again,
            holds::pause_of_a_sender_counts_from_its_commit,
            holds::pause_of_20000_messages_is_swept_in_steps_between_which_mail_comes_and_goes,
            holds::pause_of_an_office_survives_a_kill_and_stops_no_notification,
            holds::what_is_under_way_at_a_pause_finishes_or_is_kept,
            holds::mail_taken_in_during_a_pause_is_charged_when_it_goes,
            settings::settings_come_back_as_they_were_set,
            settings::stale_settings_change_nothing,
            settings::relays_of_the_system_office_are_the_servers,
            settings::mail_moves_to_the_offices_own_route_and_back_in_every_phase,
            settings::mail_is_moved_in_steps_of_256,
            settings::postrooms_own_mail_takes_the_servers_route_whatever_the_offices_is,
            settings::refresh_token_is_replaced_where_it_is_still_the_one,
            walk::counts_equal_a_recount_after_a_random_walk,
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
