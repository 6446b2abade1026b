/// Makes one test for each case of the contract, run against what `$factory` gives: an async
/// function without arguments that returns a [`Harness`](crate::contract::Harness) around a
/// fresh, empty store.
#[macro_export]
macro_rules! contract_suite {
    ($factory:ident) => {
        $crate::contract_cases! { $factory
            accounts {
                a_person_registers;
                names_have_no_case;
                racing_registrations_make_one_account;
                an_organisation_has_several_people;
                people_belong_to_their_organisation;
                the_first_key_comes_with_the_account;
                a_person_registers_once;
                a_password_hash_is_replaced_once;
            }
            api_keys {
                a_key_is_made_and_found;
                an_expired_key_is_found;
                a_public_id_is_given_once;
                a_revoked_key_is_absent;
                a_used_key_is_touched;
                keys_are_listed;
            }
            append {
                seq_is_dense;
                the_base_tells_of_events_in_between;
                strangers_are_stale;
                a_change_may_expect_a_status;
                nothing_follows_a_terminal_event;
                a_log_has_one_terminal_event;
                a_release_gives_the_run_up;
                a_sleeping_run_wakes_after_its_time;
                a_projection_needs_no_event;
                one_live_run_per_thread;
            }
            audit {
                every_change_leaves_a_record;
                a_record_says_who_and_where;
                what_changes_nothing_leaves_none;
                records_are_listed_and_filtered;
            }
            audit_chain {
                records_are_chained;
                racing_sealers_make_one_chain;
                unsealed_records_are_told;
            }
            batch {
                bad_changes_leave_the_others;
                nul_is_invalid;
                an_empty_batch_is_nothing;
                a_thousand_runs;
                organisations_share_a_batch;
                released_runs_are_stale_in_a_batch;
            }
            budgets {
                a_budget_is_made_and_read;
                a_scope_has_one_budget_a_period;
                budgets_are_listed;
                a_budget_is_changed_and_deleted;
                a_budget_counts_its_scope;
                a_run_holds_its_part_until_its_end;
                the_last_part_may_be_small;
                a_creation_tells_what_its_first_step_may_use;
                the_tightest_budget_counts;
                a_long_run_does_not_escape;
                racing_runs_share_a_budget;
                ends_of_a_batch_count;
                a_new_budget_knows_what_was_used;
                an_end_depends_on_no_budget;
            }
            cancel_safety {
                create_run;
                rewind;
                append;
                intend;
                claim_and_lease;
                threads;
                accounts;
                api_keys;
                configuration;
                tools;
            }
            census {
                runs_are_counted_until_they_end;
                a_due_run_grows_older;
                a_run_without_a_lease_is_seen;
            }
            children {
                a_child_has_a_hidden_thread;
                a_child_needs_a_parent_that_goes_on;
                a_childs_thread_is_new;
                the_first_hundred_children_are_read;
                lists_leave_children_out;
                a_repeat_finds_the_same_child;
                racing_spawns_make_one_child;
                children_count_as_live_runs;
                a_child_counts_in_its_roots_thread;
                a_new_budget_knows_what_children_used;
            }
            claim {
                a_claim_takes_the_run;
                a_claim_has_a_limit;
                claims_know_no_organisations;
                organisations_take_turns;
                runs_of_an_organisation_come_in_order;
                two_claimers_share_the_runs;
                eight_claimers_take_each_queued_run_once;
                one_run_of_a_thread_at_a_time;
                attempts_count_claims_without_progress;
            }
            create {
                the_first_event_is_written;
                a_run_without_an_owner_is_free;
                there_must_be_a_thread;
                a_busy_thread_refuses;
                an_organisation_has_a_limit_of_live_runs;
                people_and_keys_have_limits_of_live_runs;
                the_input_is_posted_with_the_run;
                contents_are_kept_by_hash;
                refused_data_creates_nothing;
                a_panic_in_the_first_event_harms_nobody;
                a_repeated_run_id_is_refused;
            }
            credentials {
                a_credential_is_made_and_read;
                credentials_are_listed;
                a_credential_is_changed;
                one_of_racing_changes_counts;
                a_credential_in_use_stays;
                twins_make_one_credential;
                a_bad_credential_is_refused;
            }
            data_keys {
                a_data_key_is_made_once;
                one_of_racing_data_keys_stays;
            }
            key_rotation {
                organisations_are_walked;
                a_data_key_is_rewrapped_once;
                secrets_are_resealed_where_they_are;
            }
            credits {
                entries_make_the_balance;
                entries_are_listed;
                a_top_up_happens_once;
                an_organisation_without_credits_runs;
                a_run_holds_credits_until_its_end;
                an_intent_settles_a_run;
                without_credits_nothing_is_created;
                racing_runs_share_the_credits;
                ends_of_a_batch_are_all_settled;
                a_run_may_end_beyond_its_credits;
                an_organisation_may_have_its_own_rule;
                what_remains_is_what_was_not_spent;
                a_step_reserves_more;
                a_creation_tells_what_its_first_step_may_use;
                racing_steps_share_the_credits;
                a_refused_end_settles_nothing;
                the_last_credits_may_be_few;
            }
            discoveries {
                a_due_server_is_claimed_once;
                racing_nodes_share_the_due_servers;
                a_server_is_asked_again_later;
                what_is_wanted_is_due;
                a_server_that_changes_is_due;
                a_failure_is_noted;
                an_equal_list_raises_no_version;
            }
            fidelity {
                events;
                private_payloads_stay_apart;
                big_texts;
                other_texts;
                empty_is_not_absent;
                everything_outlives_the_store;
            }
            http_tools {
                a_tool_is_made_and_read;
                tools_are_listed;
                a_tool_is_changed;
                a_tool_in_use_stays;
                a_tool_is_made_once;
                a_bad_tool_is_refused;
            }
            intents {
                an_intent_is_appended;
                the_unexpected_is_a_conflict;
                a_cancelled_run_keeps_its_owner;
                a_release_makes_the_owner_stale;
                an_intent_wakes_a_free_run;
                a_waiting_run_ends_at_once;
                refused_data_is_an_error;
            }
            invitations {
                invitations_are_kept_until_used;
                an_invitation_is_for_one_person;
                a_person_registers_by_invitation;
                an_invitation_is_used_once;
            }
            keys {
                a_repeat_gets_the_first_answer;
                a_key_serves_one_body;
                keys_are_apart_by_principal_and_operation;
                every_creation_takes_a_key;
                racing_twins_make_one_run;
                a_refusal_keeps_no_key;
                a_key_is_asked_for_its_answer;
                a_key_is_forgotten_after_a_day;
            }
            leases {
                a_claim_needs_a_lease;
                a_renewed_lease_lasts;
                a_lost_run_is_freed;
                a_run_of_an_unknown_node_is_freed;
                a_stopped_node_hands_over;
                others_keep_their_runs;
                a_disowned_run_is_lost;
                a_node_knows_its_runs;
                a_node_hears_of_cancelled_runs;
            }
            mcp_servers {
                a_server_is_made_and_read;
                servers_are_listed;
                a_server_is_changed;
                a_key_has_one_server;
                a_server_in_use_stays;
                a_server_is_made_once;
                servers_have_a_limit;
                a_bad_server_is_refused;
            }
            mcp_tools {
                what_changes_needs_to_be_approved;
                a_tool_may_go_and_come_back;
                tools_are_approved;
                new_tools_may_be_welcome;
                a_moved_server_is_listed_afresh;
                a_late_list_is_stale;
                lists_are_part_of_the_configuration;
            }
            members {
                members_are_listed;
                a_service_account_has_keys_and_no_login;
                a_removed_member_leaves_nothing_that_counts;
                members_change_within_their_bounds;
                the_last_owner_stays;
                owners_who_race_leave_one;
            }
            messages {
                a_message_is_posted;
                there_must_be_a_thread;
                tool_messages_are_shown_on_demand;
                pages_follow_positions;
                racing_posts_have_dense_positions;
            }
            orgs {
                a_person_has_several_organisations;
                an_organisation_is_changed_as_seen;
                runs_are_told_by_who_created_them;
            }
            orphans {
                children_outlive_their_parents;
                orphans_are_of_all_organisations;
                a_resting_run_is_hastened;
                only_a_resting_run_is_hastened;
            }
            personas {
                a_persona_is_made_and_read;
                versions_follow_each_other;
                a_write_says_what_it_expects;
                one_persona_is_the_default;
                personas_are_listed;
                a_deleted_persona_leaves_its_names;
                racing_versions_are_apart;
                a_version_is_made_once;
                a_bad_persona_is_refused;
                personas_raise_the_version;
            }
            projection {
                messages_take_the_next_positions;
                messages_come_back_as_written;
                a_model_call_is_charged_once;
                totals_are_replaced;
                the_end_is_kept;
                free_runs_have_an_entry_too;
                tool_outputs_are_kept;
            }
            queue {
                a_run_waits_behind_the_last_one;
                a_queue_has_an_end;
                queued_runs_start_in_order;
                a_queued_run_learns_its_position_when_claimed;
                a_run_sees_no_question_of_those_behind_it;
                a_free_thread_has_no_queue;
            }
            quotas {
                what_is_kept_is_measured;
                an_organisation_has_a_quota;
                threads_are_counted_up_to_a_limit;
            }
            races {
                one_of_two_answers_counts;
                answers_are_decided_on_the_log;
                an_answer_races_a_cancel;
                a_cancel_races_the_end;
                appends_and_intents_interleave;
                readers_see_a_beginning_of_the_log;
                nothing_is_lost_between_replay_and_follow;
            }
            reads {
                events_are_read_in_pages;
                tails_are_read_together;
                the_log_has_no_deltas;
                history_has_an_end_and_a_limit;
            }
            resets {
                a_reset_is_used_once;
                a_reset_is_for_a_member;
            }
            retention {
                an_ended_run_expires;
                a_run_that_has_not_ended_stays;
                an_organisation_has_its_own_retention;
                steps_are_small;
                steps_may_race;
                forgotten_keys_are_deleted;
            }
            rewind {
                a_retry_hides_the_last_answer;
                an_edit_changes_the_message_and_hides_the_rest;
                there_must_be_a_message_to_go_back_to;
            }
            routes {
                a_route_is_made_and_read;
                routes_are_listed;
                a_route_is_changed;
                a_route_refers_to_what_is_there;
                racing_changes_make_no_circle;
                a_route_in_use_stays;
                a_route_is_made_once;
                routes_have_a_limit;
                a_bad_route_is_refused;
                writes_raise_the_version;
            }
            run_lists {
                runs_are_listed_newest_first;
                filters_narrow_a_list;
                a_list_by_status_goes_by_id;
                cursors_hold_while_runs_are_added;
                a_full_last_page_has_no_next;
                a_list_shows_whole_rows;
            }
            sessions {
                a_session_begins_and_goes_on;
                a_token_is_repeated_for_a_while;
                racing_refreshes_agree;
                a_session_needs_an_organisation;
                sessions_end;
                an_outdated_sign_in_begins_nothing;
                a_password_change_ends_sessions;
                a_person_is_renamed;
                old_sessions_are_left_out_and_deleted;
            }
            tenancy {
                runs_cannot_be_read;
                runs_cannot_be_written;
                threads_are_absent;
                api_keys_are_absent;
                contents_and_keys_are_apart;
                credentials_and_routes_are_absent;
                tools_are_absent;
                personas_are_absent;
                money_is_apart;
            }
            thread_races {
                one_of_many_runs_starts;
                a_queue_is_one_line;
                no_run_slips_into_a_deleted_thread;
                writers_of_one_thread_get_along;
            }
            threads {
                a_thread_is_made_and_read;
                a_patch_changes_what_it_names;
                a_thread_outlives_its_runs;
                a_deleted_thread_is_absent;
                the_active_run_is_derived;
                cursors_hold_while_threads_are_added;
            }
            usage {
                usage_is_told_apart;
                usage_has_a_beginning_and_an_end;
                usage_is_of_one_organisation;
            }
            wall {
                nothing_comes_over_it;
            }
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! contract_cases {
    ($factory:ident $($topic:ident { $($case:ident;)+ })+) => {
        $(mod $topic {
            use super::*;

            $(#[tokio::test(flavor = "multi_thread")]
            async fn $case() {
                $crate::contract::$topic::$case(&mut $factory().await).await;
            })+
        })+
    };
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    /// A case that is not in the list would never run.
    #[test]
    fn every_case_is_listed() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/contract");
        let listed = fs::read_to_string(folder.join("suite.rs")).unwrap();
        let mut cases = 0;
        let files = fs::read_dir(&folder)
            .unwrap()
            .map(|file| file.unwrap().path());
        for file in files.filter(|path| path.is_file()) {
            let text = fs::read_to_string(file).unwrap();
            let names = text
                .lines()
                .filter_map(|line| line.strip_prefix("pub async fn "));
            for name in names.filter_map(|rest| rest.split('(').next()) {
                assert!(
                    listed.contains(&format!(" {name};\n")),
                    "{name} is not listed"
                );
                cases += 1;
            }
        }
        assert!(cases > 100);
    }
}
