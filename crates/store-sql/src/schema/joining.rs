//! Who shall belong to organisations.

use diesel::table;

table! {
    use diesel::sql_types::*;
    use crate::types::*;
    invitations (org_id, invitation_id) {
        org_id -> Uid,
        invitation_id -> Uid,
        email -> Text,
        email_key -> Text,
        role -> Text,
        token_hash -> Binary,
        invited_by -> Uid,
        expires_at -> Moment,
        created_at -> Moment,
    }
}
