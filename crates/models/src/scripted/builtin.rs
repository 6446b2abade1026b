//! The scripts that come with the program.

use serde_json::json;

use super::{Action, Script};

pub(super) fn demo() -> Script {
    let text = "Hello! You wrote: \u{201c}{last_user}\u{201d}. I am Runloom's scripted demo \
                model, not a real one, so this is all that I can say.";
    Script::new(vec![Action::Words {
        text: text.into(),
        every_ms: 40,
    }])
}

pub(super) fn fake_a() -> Script {
    Script::new(vec![fifty_deltas(0)])
}

pub(super) fn fake_b() -> Script {
    let call = Action::ToolCall {
        id: None,
        name: "calculator".into(),
        arguments: json!({"expression": "6*7"}),
    };
    Script::new(vec![call]).then(vec![fifty_deltas(0)])
}

pub(super) fn fake_hold() -> Script {
    Script::new(vec![Action::Text("w00 ".into()), Action::DelayMs(60_000)])
}

pub(super) fn fake_slow() -> Script {
    Script::new(vec![fifty_deltas(200)])
}

pub(super) fn fake_paced() -> Script {
    Script::new(vec![fifty_deltas(20)])
}

const fn fifty_deltas(every_ms: u64) -> Action {
    Action::Count { to: 50, every_ms }
}
