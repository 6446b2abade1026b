use async_trait::async_trait;
use runloom_domain::{OrgId, RunId, Timestamp, ToolDefinition};
use serde_json::json;

use super::*;

/// How a call comes to no end.
#[derive(Clone, Copy, Debug)]
enum Fault {
    Silent,
    Panics,
}

struct Faulty {
    class: ToolClass,
    waits: bool,
    fault: Fault,
}

#[async_trait]
impl Tool for Faulty {
    fn definition(&self) -> ToolDefinition {
        ToolDefinition {
            name: "faulty".to_owned(),
            description: String::new(),
            schema: json!({}),
        }
    }

    fn class(&self) -> ToolClass {
        self.class
    }

    fn waits(&self) -> bool {
        self.waits
    }

    async fn call(&self, _: ToolContext, _: Value) -> Result<ToolReply, ToolError> {
        match self.fault {
            Fault::Silent => std::future::pending().await,
            Fault::Panics => panic!("as it is told"),
        }
    }
}

/// The class of the error that a call comes to.
async fn called(class: ToolClass, waits: bool, fault: Fault) -> String {
    let now = Timestamp::from_micros(1_767_225_600_000_000);
    let context = ToolContext {
        org_id: OrgId::generate(now),
        run_id: RunId::generate(now),
        tool_call_id: ToolCallId::generate(now),
        attempt: 1,
        input: None,
        progress: Progress::default(),
        http_allow: vec![],
    };
    let tool: Arc<dyn Tool> = Arc::new(Faulty {
        class,
        waits,
        fault,
    });
    let worked = run_tool(&tool, context, json!({}), &Notify::new()).await;
    worked.result.unwrap_err().class
}

#[tokio::test(start_paused = true)]
async fn what_must_not_happen_twice_and_breaks_off_is_an_unknown_outcome() {
    for (class, waits, fault, expected) in [
        (
            ToolClass::Once,
            false,
            Fault::Silent,
            "tool.outcome_unknown",
        ),
        (
            ToolClass::Once,
            false,
            Fault::Panics,
            "tool.outcome_unknown",
        ),
        (ToolClass::Once, true, Fault::Silent, "tool.timeout"),
        (ToolClass::Keyed, false, Fault::Silent, "tool.timeout"),
        (ToolClass::Pure, false, Fault::Silent, "tool.timeout"),
        (ToolClass::Pure, false, Fault::Panics, "tool.failed"),
    ] {
        let what = format!("{class:?} {waits} {fault:?}");
        assert_eq!(called(class, waits, fault).await, expected, "{what}");
    }
}
