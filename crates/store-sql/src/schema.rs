//! The tables, as `migrations/` makes them on both databases.

// The lint is about code outside of tests.
#![cfg_attr(
    not(test),
    expect(
        clippy::wildcard_imports,
        reason = "the macro's way to name the SQL types"
    )
)]

mod audit;
mod joining;
mod people;
mod tools;

use diesel::{allow_tables_to_appear_in_same_query, table};

pub(crate) use audit::{audit_pending, audit_records, audit_seals};
pub(crate) use joining::invitations;
pub(crate) use people::{password_resets, sessions};
pub(crate) use tools::{http_tools, mcp_servers, mcp_tools};

table! {
    use diesel::sql_types::*;
    use crate::types::*;
    orgs (org_id) {
        org_id -> Uid,
        name -> Text,
        created_at -> Moment,
        event_retention_days -> Nullable<Integer>,
        config_version -> BigInt,
        metered -> Nullable<Bool>,
        run_visibility -> Text,
        version -> BigInt,
        max_threads -> Nullable<BigInt>,
        max_stored_bytes -> Nullable<BigInt>,
        stored_bytes -> BigInt,
    }
}

table! {
    use diesel::sql_types::*;
    use crate::types::*;
    users (user_id) {
        user_id -> Uid,
        login -> Text,
        email -> Text,
        password_hash -> Text,
        created_at -> Moment,
        signed_out_at -> Nullable<Moment>,
        kind -> Text,
    }
}

table! {
    use diesel::sql_types::*;
    use crate::types::*;
    user_names (name_key) {
        name_key -> Text,
        user_id -> Uid,
    }
}

table! {
    use diesel::sql_types::*;
    use crate::types::*;
    memberships (org_id, user_id) {
        org_id -> Uid,
        user_id -> Uid,
        role -> Text,
        created_at -> Moment,
    }
}

table! {
    use diesel::sql_types::*;
    use crate::types::*;
    api_keys (org_id, api_key_id) {
        org_id -> Uid,
        api_key_id -> Uid,
        user_id -> Uid,
        name -> Text,
        public_id -> Text,
        secret_hash -> Binary,
        scopes -> Text,
        expires_at -> Nullable<Moment>,
        last_used_at -> Nullable<Moment>,
        revoked_at -> Nullable<Moment>,
        created_at -> Moment,
    }
}

table! {
    use diesel::sql_types::*;
    use crate::types::*;
    idempotency_keys (org_id, principal, operation, key) {
        org_id -> Uid,
        principal -> Text,
        operation -> Text,
        key -> Text,
        body_hash -> Binary,
        status -> Integer,
        answer -> Text,
        created_at -> Moment,
    }
}

table! {
    use diesel::sql_types::*;
    use crate::types::*;
    threads (org_id, thread_id) {
        org_id -> Uid,
        thread_id -> Uid,
        created_by -> Uid,
        title -> Nullable<Text>,
        metadata -> Nullable<Text>,
        hidden -> Bool,
        last_position -> BigInt,
        last_turn -> BigInt,
        created_at -> Moment,
        deleted_at -> Nullable<Moment>,
    }
}

table! {
    use diesel::sql_types::*;
    use crate::types::*;
    run_heads (org_id, run_id) {
        org_id -> Uid,
        run_id -> Uid,
        thread_id -> Uid,
        turn -> BigInt,
        status -> Text,
        epoch -> BigInt,
        owner_node -> Nullable<Uid>,
        attempts -> BigInt,
        lost -> Nullable<Text>,
        last_seq -> BigInt,
        wake_at -> Nullable<Moment>,
        batch_id -> Nullable<Uid>,
        batch_base -> Nullable<BigInt>,
        parent_run_id -> Nullable<Uid>,
    }
}

table! {
    use diesel::sql_types::*;
    use crate::types::*;
    runs (org_id, run_id) {
        org_id -> Uid,
        run_id -> Uid,
        thread_id -> Uid,
        created_by -> Uid,
        trace_id -> Text,
        persona_id -> Text,
        route_id -> Text,
        model -> Text,
        metadata -> Nullable<Text>,
        uncached_input_tokens -> BigInt,
        cache_read_tokens -> BigInt,
        cache_write_tokens -> BigInt,
        output_tokens -> BigInt,
        cost_nanos -> BigInt,
        created_at -> Moment,
        ended_at -> Nullable<Moment>,
        error_class -> Nullable<Text>,
        error_message -> Nullable<Text>,
        events_expired_at -> Nullable<Moment>,
        api_key_id -> Nullable<Uid>,
        parent_run_id -> Nullable<Uid>,
        root_thread_id -> Nullable<Uid>,
    }
}

table! {
    use diesel::sql_types::*;
    use crate::types::*;
    events (org_id, run_id, seq) {
        org_id -> Uid,
        run_id -> Uid,
        seq -> BigInt,
        n -> BigInt,
        #[sql_name = "type"]
        event_type -> Text,
        data -> Text,
        private -> Nullable<Text>,
        created_at -> Moment,
    }
}

table! {
    use diesel::sql_types::*;
    use crate::types::*;
    messages (org_id, thread_id, position) {
        org_id -> Uid,
        thread_id -> Uid,
        position -> BigInt,
        message_id -> Uid,
        run_id -> Nullable<Uid>,
        role -> Text,
        content -> Text,
        tool_calls -> Nullable<Text>,
        provider -> Nullable<Text>,
        tool_call_id -> Nullable<Uid>,
        tool_name -> Nullable<Text>,
        created_by -> Nullable<Uid>,
        created_at -> Moment,
        hidden_at -> Nullable<Moment>,
    }
}

table! {
    use diesel::sql_types::*;
    use crate::types::*;
    model_calls (org_id, run_id, step, attempt) {
        org_id -> Uid,
        run_id -> Uid,
        step -> BigInt,
        attempt -> BigInt,
        route_id -> Text,
        model -> Text,
        uncached_input_tokens -> BigInt,
        cache_read_tokens -> BigInt,
        cache_write_tokens -> BigInt,
        output_tokens -> BigInt,
        source -> Text,
        cost_nanos -> BigInt,
        multiplier_thousandths -> BigInt,
        created_at -> Moment,
    }
}

table! {
    use diesel::sql_types::*;
    use crate::types::*;
    credit_entries (org_id, run_id) {
        org_id -> Uid,
        run_id -> Uid,
        credits -> BigInt,
        created_at -> Moment,
    }
}

table! {
    use diesel::sql_types::*;
    use crate::types::*;
    org_balances (org_id) {
        org_id -> Uid,
        credits -> BigInt,
        reserved -> BigInt,
    }
}

table! {
    use diesel::sql_types::*;
    use crate::types::*;
    credit_ledger (org_id, entry_id) {
        org_id -> Uid,
        entry_id -> Uid,
        kind -> Text,
        credits -> BigInt,
        run_id -> Nullable<Uid>,
        note -> Nullable<Text>,
        created_by -> Nullable<Uid>,
        created_at -> Moment,
    }
}

table! {
    use diesel::sql_types::*;
    use crate::types::*;
    credit_holds (org_id, run_id) {
        org_id -> Uid,
        run_id -> Uid,
        credits -> BigInt,
        step -> BigInt,
        rate -> BigInt,
        multiplier_thousandths -> BigInt,
        charged -> Nullable<BigInt>,
        ended_at -> Nullable<Moment>,
    }
}

table! {
    use diesel::sql_types::*;
    use crate::types::*;
    budgets (org_id, budget_id) {
        org_id -> Uid,
        budget_id -> Uid,
        scope -> Text,
        scope_id -> Text,
        period -> Text,
        max_cost_nanos -> Nullable<BigInt>,
        max_tokens -> Nullable<BigInt>,
        created_at -> Moment,
    }
}

table! {
    use diesel::sql_types::*;
    use crate::types::*;
    budget_spend (org_id, budget_id, period_start) {
        org_id -> Uid,
        budget_id -> Uid,
        period_start -> Moment,
        cost_nanos -> BigInt,
        tokens -> BigInt,
        reserved_cost_nanos -> BigInt,
        reserved_tokens -> BigInt,
    }
}

table! {
    use diesel::sql_types::*;
    use crate::types::*;
    budget_holds (org_id, run_id, budget_id) {
        org_id -> Uid,
        run_id -> Uid,
        budget_id -> Uid,
        period_start -> Moment,
        cost_nanos -> BigInt,
        tokens -> BigInt,
        step_cost_nanos -> BigInt,
        step_tokens -> BigInt,
        took_cost_nanos -> Nullable<BigInt>,
        took_tokens -> Nullable<BigInt>,
    }
}

table! {
    use diesel::sql_types::*;
    use crate::types::*;
    contents (org_id, hash) {
        org_id -> Uid,
        hash -> Text,
        body -> Text,
    }
}

table! {
    use diesel::sql_types::*;
    use crate::types::*;
    tool_outputs (org_id, run_id, tool_call_id) {
        org_id -> Uid,
        run_id -> Uid,
        tool_call_id -> Uid,
        content -> Text,
    }
}

table! {
    use diesel::sql_types::*;
    use crate::types::*;
    expired_runs (org_id, run_id) {
        org_id -> Uid,
        run_id -> Uid,
    }
}

table! {
    use diesel::sql_types::*;
    use crate::types::*;
    org_data_keys (org_id, key_version) {
        org_id -> Uid,
        key_version -> BigInt,
        wrapped -> Binary,
        master_key_id -> Text,
        created_at -> Moment,
    }
}

table! {
    use diesel::sql_types::*;
    use crate::types::*;
    llm_credentials (org_id, credential_id) {
        org_id -> Uid,
        credential_id -> Uid,
        provider -> Text,
        name -> Text,
        base_url -> Nullable<Text>,
        secret -> Nullable<Binary>,
        secret_nonce -> Nullable<Binary>,
        secret_key_version -> Nullable<BigInt>,
        key_prefix -> Nullable<Text>,
        version -> BigInt,
        created_by -> Uid,
        created_at -> Moment,
        updated_at -> Moment,
    }
}

table! {
    use diesel::sql_types::*;
    use crate::types::*;
    llm_routes (org_id, route_id) {
        org_id -> Uid,
        route_id -> Uid,
        credential_id -> Uid,
        model -> Text,
        priority -> Integer,
        is_default -> Bool,
        enabled -> Bool,
        fallback -> Nullable<Text>,
        terms -> Text,
        version -> BigInt,
        created_by -> Uid,
        created_at -> Moment,
        updated_at -> Moment,
    }
}

table! {
    use diesel::sql_types::*;
    use crate::types::*;
    personas (org_id, persona_key) {
        org_id -> Uid,
        persona_key -> Text,
        persona_id -> Uid,
        is_default -> Bool,
        last_number -> BigInt,
        created_at -> Moment,
        deleted_at -> Nullable<Moment>,
    }
}

table! {
    use diesel::sql_types::*;
    use crate::types::*;
    persona_versions (org_id, persona_key, number) {
        org_id -> Uid,
        persona_key -> Text,
        number -> BigInt,
        version -> Text,
        spec -> Text,
        created_by -> Uid,
        created_at -> Moment,
        deleted_at -> Nullable<Moment>,
    }
}

table! {
    use diesel::sql_types::*;
    use crate::types::*;
    nodes (node_id) {
        node_id -> Uid,
        lease_until -> Moment,
    }
}

allow_tables_to_appear_in_same_query!(
    api_keys,
    budget_spend,
    budgets,
    credit_entries,
    events,
    invitations,
    llm_credentials,
    llm_routes,
    memberships,
    messages,
    persona_versions,
    personas,
    orgs,
    run_heads,
    runs,
    sessions,
    threads,
    user_names,
    users,
);
