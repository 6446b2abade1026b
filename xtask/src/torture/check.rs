//! Compares what clients saw, what happened outside and what the database holds. Pure: the same
//! views give the same violations.

mod answers;
mod cancels;
mod creates;
mod effects;
mod inputs;
mod log;
mod messages;
mod money;
mod streams;
#[cfg(test)]
mod tests;

use super::views::Views;
use serde::Serialize;

/// A promise that was broken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Violation {
    /// The promise, in a few words.
    pub(crate) rule: &'static str,
    /// The run that it was broken for.
    pub(crate) run: Option<String>,
    /// What was found.
    pub(crate) what: String,
}

/// Where the parts of the checker put what they find.
#[derive(Default)]
struct Found(Vec<Violation>);

impl Found {
    fn add(&mut self, rule: &'static str, run: &str, what: impl Into<String>) {
        self.0.push(Violation {
            rule,
            run: Some(run.to_owned()),
            what: what.into(),
        });
    }

    fn add_general(&mut self, rule: &'static str, what: impl Into<String>) {
        self.0.push(Violation {
            rule,
            run: None,
            what: what.into(),
        });
    }
}

/// All violations, in no order that means anything.
pub(crate) fn check(views: &Views) -> Vec<Violation> {
    let mut found = Found::default();
    for (id, run) in &views.runs {
        log::check(id, run, &mut found);
        money::check_rows(id, run, &mut found);
    }
    money::check_provider(views, &mut found);
    streams::check(views, &mut found);
    creates::check(views, &mut found);
    inputs::check(views, &mut found);
    cancels::check(views, &mut found);
    effects::check(views, &mut found);
    messages::check(views, &mut found);
    answers::check(views, &mut found);
    found.0
}

/// Violations in what clients were told alone: what they saw must still be there.
pub(crate) fn check_kept(views: &Views) -> Vec<Violation> {
    let mut found = Found::default();
    streams::check(views, &mut found);
    creates::check(views, &mut found);
    inputs::check(views, &mut found);
    cancels::check_kept(views, &mut found);
    answers::check(views, &mut found);
    found.0
}
