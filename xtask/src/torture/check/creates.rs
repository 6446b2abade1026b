//! Whether each creation that was answered made exactly one run.

use super::Found;
use crate::torture::seen::Request;
use crate::torture::views::Views;
use std::collections::{BTreeMap, BTreeSet};

const KEPT: &str = "a run whose creation was answered exists";
const ONE_RUN: &str = "one idempotency key makes one run";

pub(super) fn check(views: &Views, found: &mut Found) {
    let mut stored: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (id, run) in &views.runs {
        if let Some(name) = &run.name {
            stored.entry(name).or_default().insert(id);
        }
    }
    for (name, runs) in &stored {
        if runs.len() > 1 {
            found.add_general(ONE_RUN, format!("{name} made {runs:?}"));
        }
    }
    for operation in &views.seen.operations {
        let Request::Create { name, .. } = &operation.request else {
            continue;
        };
        let (true, Some(id)) = (operation.outcome.is_success(), operation.outcome.id()) else {
            continue;
        };
        let known = stored.get(name.as_str());
        if !views.runs.contains_key(id) {
            found.add(KEPT, id, format!("{name} is not in the database"));
        } else if !known.is_some_and(|runs| runs.contains(id)) {
            found.add(ONE_RUN, id, format!("{name} is the input of {known:?}"));
        }
    }
}
