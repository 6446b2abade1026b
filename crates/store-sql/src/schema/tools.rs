//! The tables of tools that organisations bring.

use diesel::table;

table! {
    use diesel::sql_types::*;
    use crate::types::*;
    mcp_servers (org_id, server_id) {
        org_id -> Uid,
        server_id -> Uid,
        server_key -> Text,
        name -> Text,
        url -> Text,
        auth -> Text,
        secret -> Nullable<Binary>,
        secret_nonce -> Nullable<Binary>,
        secret_key_version -> Nullable<BigInt>,
        enabled -> Bool,
        terms -> Text,
        listed_at -> Nullable<Moment>,
        version -> BigInt,
        created_by -> Uid,
        created_at -> Moment,
        updated_at -> Moment,
        discover_at -> Nullable<Moment>,
        asked_at -> Nullable<Moment>,
        failures -> BigInt,
        error_class -> Nullable<Text>,
        error_message -> Nullable<Text>,
    }
}

table! {
    use diesel::sql_types::*;
    use crate::types::*;
    mcp_tools (org_id, server_id, tool) {
        org_id -> Uid,
        server_id -> Uid,
        tool -> Text,
        state -> Text,
        approved -> Nullable<Text>,
        approved_hash -> Nullable<Text>,
        pending -> Nullable<Text>,
        pending_hash -> Nullable<Text>,
        seen_at -> Moment,
    }
}

table! {
    use diesel::sql_types::*;
    use crate::types::*;
    http_tools (org_id, tool_id) {
        org_id -> Uid,
        tool_id -> Uid,
        name -> Text,
        description -> Text,
        schema -> Text,
        url -> Text,
        enabled -> Bool,
        terms -> Text,
        secret -> Nullable<Binary>,
        secret_nonce -> Nullable<Binary>,
        secret_key_version -> Nullable<BigInt>,
        signing -> Binary,
        signing_nonce -> Binary,
        signing_key_version -> BigInt,
        version -> BigInt,
        created_by -> Uid,
        created_at -> Moment,
        updated_at -> Moment,
    }
}
