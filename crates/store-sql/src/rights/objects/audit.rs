//! The audit log. It goes with its seals, so that it can be checked elsewhere.

use super::super::form::{Object, bytes, id, json, moment, number, part, table, text};

pub(super) const AUDIT_RECORD: Object = table(
    "audit_record",
    "audit_records",
    &[("audit_records", "record_id")],
    &[part(
        "audit_records",
        &[
            id("record_id"),
            moment("created_at"),
            text("actor"),
            id("user_id"),
            id("api_key_id"),
            text("action"),
            text("subject_kind"),
            text("subject_id"),
            json("details"),
            text("address"),
            text("trace_id"),
        ],
        &[],
    )],
);

pub(super) const AUDIT_SEAL: Object = table(
    "audit_seal",
    "audit_seals",
    &[("audit_seals", "seq")],
    &[part(
        "audit_seals",
        &[
            number("seq"),
            id("record_id"),
            bytes("previous_hash"),
            bytes("hash"),
        ],
        &[],
    )],
);

/// What has no seal yet gets it where it is imported.
pub(super) const AUDIT_PENDING: Object = table(
    "audit_pending",
    "audit_pending",
    &[("audit_pending", "record_id")],
    &[part("audit_pending", &[id("record_id")], &[])],
);
