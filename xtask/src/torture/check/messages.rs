//! Whether threads hold whole conversations, and models are sent such.

use super::Found;
use crate::torture::views::{Message, Views};
use std::collections::BTreeMap;

const DENSE: &str = "positions of messages are dense from 1";
const PAIRED: &str = "each tool call of a message has one result behind it";
const ACCEPTED: &str = "a provider is never sent a history that it would refuse";

pub(super) fn check(views: &Views, found: &mut Found) {
    for (thread, messages) in &views.threads {
        for (index, message) in messages.iter().enumerate() {
            if message.position != index as u64 + 1 {
                let what = format!("{} is at place {} of {thread}", message.position, index + 1);
                found.add_general(DENSE, what);
                break;
            }
        }
        check_pairs(thread, messages, found);
    }
    for call in &views.calls {
        if let Some(why) = &call.bad_history {
            found.add_general(
                ACCEPTED,
                format!("{}, call {}: {why}", call.name, call.number),
            );
        }
    }
}

fn check_pairs(thread: &str, messages: &[Message], found: &mut Found) {
    let mut results: BTreeMap<&str, i64> = BTreeMap::new();
    for message in messages {
        for call in &message.calls {
            results.insert(call, 0);
        }
        if let Some(call) = &message.tool_call_id {
            *results.entry(call).or_insert(-1) += 1;
        }
    }
    for (call, count) in results {
        if count != 1 {
            found.add_general(PAIRED, format!("{call} of {thread} has {count} results"));
        }
    }
}
