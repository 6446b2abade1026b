//! What an organisation has used, told apart by day, model, persona and user.

use runloom_domain::{NanoUsd, RunTotals, Timestamp, TokenBuckets};

use super::Harness;
use super::fixtures::{
    Scene, Tenant, append_ok, call, create, ending, event, new_run, tenant, thread,
};
use crate::{NewRun, Projection, UsageGroup, UsageQuery, UsageRow};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A run of that moment and persona, which has called two models and has ended for 3 credits.
async fn ended_run(h: &Harness, tenant: &Tenant, created_at: Timestamp, persona: &str) {
    let node = super::fixtures::node(h).await;
    let new = NewRun {
        created_at,
        persona_id: persona.to_owned(),
        owner: Some(node),
        ..new_run(tenant, thread(h, tenant).await)
    };
    let (thread, run) = (new.thread_id, new.run_id);
    let epoch = create(h, new).await.epoch;
    let scene = Scene {
        tenant: tenant.clone(),
        thread,
        node,
        run,
        epoch,
    };
    let mut elsewhere = call(1, 2);
    "model-2".clone_into(&mut elsewhere.model);
    let calls = vec![call(1, 1), elsewhere];
    let end = Projection {
        totals: Some(calls.iter().fold(RunTotals::default(), RunTotals::plus)),
        calls,
        ..ending(3)
    };
    append_ok(h, scene.change(vec![event("run.completed")], end)).await;
}

async fn usage(
    h: &Harness,
    tenant: &Tenant,
    (from, to): (&str, &str),
    group_by: UsageGroup,
) -> Vec<UsageRow> {
    let query = UsageQuery {
        from: at(from),
        to: at(to),
        group_by,
    };
    h.store().usage(tenant.org, query).await.unwrap()
}

/// So many calls of the fixtures.
fn row(key: &str, runs: u64, calls: u64) -> UsageRow {
    UsageRow {
        key: key.to_owned(),
        tokens: TokenBuckets {
            uncached_input_tokens: 100 * calls,
            cache_read_tokens: 20 * calls,
            cache_write_tokens: 3 * calls,
            output_tokens: 4 * calls,
        },
        cost: NanoUsd::from_nanos(1_234_567 * calls as i64),
        credits: 3 * runs as i64,
        runs,
        calls,
    }
}

const ALL: (&str, &str) = ("2026-01-01T00:00:00Z", "2026-12-31T00:00:00Z");

/// Three runs of two days and two personas, and one that has neither called nor ended.
async fn stage(h: &Harness) -> Tenant {
    let tenant = tenant(h).await;
    ended_run(h, &tenant, at("2026-01-31T23:59:59.999Z"), "clerk@1").await;
    ended_run(h, &tenant, at("2026-02-01T00:00:00.000Z"), "clerk@1").await;
    ended_run(h, &tenant, at("2026-02-01T12:00:00.000Z"), "clerk@2").await;
    let idle = NewRun {
        created_at: at("2026-02-02T00:00:00.000Z"),
        persona_id: "clerk@2".to_owned(),
        ..new_run(&tenant, thread(h, &tenant).await)
    };
    create(h, idle).await;
    tenant
}

/// Each grouping, over all runs.
pub async fn usage_is_told_apart(h: &Harness) {
    let tenant = stage(h).await;
    let idle = |row: UsageRow| UsageRow {
        runs: row.runs + 1,
        ..row
    };
    assert_eq!(
        usage(h, &tenant, ALL, UsageGroup::Day).await,
        [
            row("2026-01-31", 1, 2),
            row("2026-02-01", 2, 4),
            idle(row("2026-02-02", 0, 0)),
        ]
    );
    assert_eq!(
        usage(h, &tenant, ALL, UsageGroup::Persona).await,
        [row("clerk@1", 2, 4), idle(row("clerk@2", 1, 2))]
    );
    assert_eq!(
        usage(h, &tenant, ALL, UsageGroup::User).await,
        [idle(row(&tenant.user.to_string(), 3, 6))]
    );
    // Runs and credits are of the model with which a run began.
    assert_eq!(
        usage(h, &tenant, ALL, UsageGroup::Model).await,
        [idle(row("model-1", 3, 3)), row("model-2", 0, 3)]
    );
}

/// A time has its first moment and not its last; without runs there are no rows.
pub async fn usage_has_a_beginning_and_an_end(h: &Harness) {
    let tenant = stage(h).await;
    let january = ("2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z");
    assert_eq!(
        usage(h, &tenant, january, UsageGroup::Day).await,
        [row("2026-01-31", 1, 2)]
    );
    let noon = ("2026-02-01T12:00:00Z", "2026-02-02T00:00:00Z");
    assert_eq!(
        usage(h, &tenant, noon, UsageGroup::Persona).await,
        [row("clerk@2", 1, 2)]
    );
    let before = ("2020-01-01T00:00:00Z", "2020-02-01T00:00:00Z");
    assert!(usage(h, &tenant, before, UsageGroup::Day).await.is_empty());
}

/// Other organisations' runs are not counted.
pub async fn usage_is_of_one_organisation(h: &Harness) {
    let (tenant, stranger) = (stage(h).await, tenant(h).await);
    for group in [
        UsageGroup::Day,
        UsageGroup::Model,
        UsageGroup::Persona,
        UsageGroup::User,
    ] {
        assert!(!usage(h, &tenant, ALL, group).await.is_empty());
        assert!(usage(h, &stranger, ALL, group).await.is_empty());
    }
}
