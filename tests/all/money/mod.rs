//! Credits, budgets and usage.

mod budgets;
mod credits;
mod usage;

use runloom_tests::{Setup, Store, script, text};

/// A server whose runs cost 250 credits at a time until they end, and a model that answers.
fn setup(store: Store) -> Setup {
    Setup::new(store).scripted("m", script([text("hello there")]))
}

/// The same where organisations need credits, and their owners may add them.
fn metered(store: Store) -> Setup {
    setup(store)
        .variable("RUNLOOM_CREDITS_METERED", "1")
        .variable("RUNLOOM_CREDITS_SELF_SERVICE", "1")
}
