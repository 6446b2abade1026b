//! Servers that ask people.

use runloom_domain::{InputAction, ToolClass, ToolInput};
use runloom_engine::port::tool::{Question, Tool as _, ToolContext, ToolReply};
use runloom_tools::mcp::McpTool;
use serde_json::json;

use crate::support::{answered, call, context, faulty, pool, tool, with_class};

async fn asked(tool: &McpTool, context: &ToolContext) -> Question {
    match tool.call(context.clone(), json!({})).await {
        Ok(ToolReply::NeedsInput(question)) => *question,
        other => panic!("it asks nothing: {other:?}"),
    }
}

fn named(question: &Question, name: &str) -> ToolInput {
    ToolInput {
        action: InputAction::Accept(json!({"name": name})),
        state: question.state.clone(),
    }
}

async fn output(tool: &McpTool, context: ToolContext) -> String {
    match tool.call(context, json!({})).await {
        Ok(ToolReply::Output(output)) => output,
        other => panic!("no output: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_call_waits_for_the_answer_and_goes_on_with_it() {
    let pool = pool();
    let server = pool.server(faulty("ask", None));
    let echo = tool(&server, "echo").await;
    let first = context();
    let question = asked(&echo, &first).await;
    assert_eq!(question.prompt, "What is your name?");
    assert_eq!(
        question.schema.as_ref().unwrap()["required"],
        json!(["name"])
    );
    let said = output(&echo, answered(&first, named(&question, "Ann"))).await;
    let said: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(
        said,
        json!({"action": "accept", "content": {"name": "Ann"}})
    );
    for action in [InputAction::Decline, InputAction::Cancel] {
        let first = context();
        let state = asked(&echo, &first).await.state;
        let said = output(&echo, answered(&first, ToolInput { action, state })).await;
        assert!(
            said.contains("decline") || said.contains("cancel"),
            "{said}"
        );
    }
    pool.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_calls_may_wait_for_people_and_others_go_on() {
    let pool = pool();
    let server = pool.server(faulty("ask", None));
    let echo = tool(&server, "echo").await;
    let mut waiting = Vec::new();
    for _ in 0..5 {
        let first = context();
        let question = asked(&echo, &first).await;
        waiting.push((first, question));
    }
    call(&tool(&server, "pids").await, json!({})).await.unwrap();
    for (number, (first, question)) in waiting.iter().enumerate().rev() {
        let name = format!("n{number}");
        let said = output(&echo, answered(first, named(question, &name))).await;
        assert!(said.contains(&name), "{said}");
    }
    pool.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_may_ask_more_than_once() {
    let pool = pool();
    let echo = tool(&pool.server(faulty("ask-twice", None)), "echo").await;
    let first = context();
    let one = asked(&echo, &first).await;
    let second = answered(&first, named(&one, "A"));
    let two = asked(&echo, &second).await;
    assert_eq!((one.prompt.as_str(), two.prompt.as_str()), ("One?", "Two?"));
    let said = output(&echo, answered(&second, named(&two, "B"))).await;
    assert!(said.contains('A') && said.contains('B'), "{said}");
    pool.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_in_another_process_makes_the_call_anew_unless_that_may_be_twice() {
    let (here, there) = (pool(), pool());
    for (class, expected) in [
        (ToolClass::Pure, Ok(())),
        (ToolClass::Keyed, Ok(())),
        (ToolClass::Once, Err("tool.outcome_unknown")),
    ] {
        let spec = with_class(faulty("ask-twice", None), class);
        let (near, far) = (here.server(spec.clone()), there.server(spec));
        let first = context();
        let one = asked(&tool(&near, "echo").await, &first).await;
        let second = answered(&first, named(&one, "A"));
        let far = tool(&far, "echo").await;
        let called = far.call(second.clone(), json!({})).await;
        let two = match (called, expected) {
            (Ok(ToolReply::NeedsInput(two)), Ok(())) => two,
            (Err(error), Err(class)) => {
                assert_eq!(error.class, class, "{error}");
                continue;
            }
            (other, _) => panic!("{class:?}: {other:?}"),
        };
        assert_eq!(two.prompt, "Two?", "the first one is answered already");
        let said = output(&far, answered(&second, named(&two, "B"))).await;
        assert!(said.contains('A') && said.contains('B'), "{said}");
    }
    here.shutdown().await;
    there.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_can_be_asked_is_declined() {
    let pool = pool();
    for (fault, expected) in [
        ("ask-url", "decline"),
        ("sample", "-32601"),
        ("roots", "-32601"),
    ] {
        let server = pool.server(faulty(fault, None));
        let said = call(&tool(&server, "echo").await, json!({})).await.unwrap();
        assert!(said.contains(expected), "{fault}: {said}");
    }
    pool.shutdown().await;
}
