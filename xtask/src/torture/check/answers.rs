//! What no fault excuses: unknown failures, and broken code.

use super::Found;
use crate::torture::views::Views;

const KNOWN: &str = "no failure is an unknown one";
const NO_PANIC: &str = "nothing panics";

pub(super) fn check(views: &Views, found: &mut Found) {
    for operation in &views.seen.operations {
        if operation.outcome.status() == Some(500) {
            found.add_general(KNOWN, format!("{operation:?}"));
        }
    }
    for line in &views.bad_log_lines {
        found.add_general(NO_PANIC, line);
    }
}
