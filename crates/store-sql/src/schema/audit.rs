//! The audit log, its chains, and what waits for its place in them.

use diesel::{allow_tables_to_appear_in_same_query, table};

table! {
    use diesel::sql_types::*;
    use crate::types::*;
    audit_records (org_id, record_id) {
        org_id -> Uid,
        record_id -> Uid,
        created_at -> Moment,
        actor -> Text,
        user_id -> Nullable<Uid>,
        api_key_id -> Nullable<Uid>,
        action -> Text,
        subject_kind -> Text,
        subject_id -> Text,
        details -> Text,
        address -> Nullable<Text>,
        trace_id -> Nullable<Text>,
    }
}

table! {
    use diesel::sql_types::*;
    use crate::types::*;
    audit_seals (org_id, seq) {
        org_id -> Uid,
        seq -> BigInt,
        record_id -> Uid,
        previous_hash -> Binary,
        hash -> Binary,
    }
}

table! {
    use diesel::sql_types::*;
    use crate::types::*;
    audit_pending (org_id, record_id) {
        org_id -> Uid,
        record_id -> Uid,
    }
}

allow_tables_to_appear_in_same_query!(audit_pending, audit_records, audit_seals);
