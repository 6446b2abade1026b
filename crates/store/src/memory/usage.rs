use std::collections::BTreeMap;

use runloom_domain::{NanoUsd, OrgId, TokenBuckets};

use super::state::{Run, State};
use crate::{UsageGroup, UsageQuery, UsageRow};

impl State {
    pub(super) fn usage(&self, org: OrgId, query: UsageQuery) -> Vec<UsageRow> {
        let mut groups: BTreeMap<String, UsageRow> = BTreeMap::new();
        let runs = self.runs.values().filter(|run| {
            run.row.org_id == org && (query.from..query.to).contains(&run.row.created_at)
        });
        for run in runs {
            let key = key(run, query.group_by);
            let row = group(&mut groups, &key);
            row.runs += 1;
            row.credits += run.row.credits_used.unwrap_or_default();
            for call in &run.calls {
                let key = match query.group_by {
                    UsageGroup::Model => &call.model,
                    _ => &key,
                };
                let row = group(&mut groups, key);
                row.calls += 1;
                row.tokens = row.tokens + call.usage.tokens;
                row.cost = row.cost + call.cost;
            }
        }
        groups.into_values().collect()
    }
}

fn key(run: &Run, group_by: UsageGroup) -> String {
    match group_by {
        // The date of `2026-01-31T12:00:00.000Z`.
        UsageGroup::Day => run.row.created_at.to_string().chars().take(10).collect(),
        UsageGroup::Model => run.row.model.clone(),
        UsageGroup::Persona => run.row.persona_id.clone(),
        UsageGroup::User => run.row.created_by.to_string(),
    }
}

fn group<'a>(groups: &'a mut BTreeMap<String, UsageRow>, key: &str) -> &'a mut UsageRow {
    groups.entry(key.to_owned()).or_insert_with(|| UsageRow {
        key: key.to_owned(),
        tokens: TokenBuckets::default(),
        cost: NanoUsd::ZERO,
        credits: 0,
        runs: 0,
        calls: 0,
    })
}
