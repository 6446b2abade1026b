//! The tables of sessions, and of tokens to reset a password.

use diesel::table;

table! {
    use diesel::sql_types::*;
    use crate::types::*;
    sessions (session_id) {
        session_id -> Uid,
        user_id -> Uid,
        org_id -> Uid,
        token_hash -> Binary,
        previous_hash -> Nullable<Binary>,
        replaced_at -> Nullable<Moment>,
        created_at -> Moment,
        last_used_at -> Moment,
        expires_at -> Moment,
        ended_at -> Nullable<Moment>,
        end_reason -> Nullable<Text>,
    }
}

table! {
    use diesel::sql_types::*;
    use crate::types::*;
    password_resets (token_hash) {
        token_hash -> Binary,
        user_id -> Uid,
        org_id -> Nullable<Uid>,
        created_at -> Moment,
        expires_at -> Moment,
    }
}
