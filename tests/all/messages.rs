//! Messages, running again and editing.

use runloom_tests::provider::{Provider, Reply};
use runloom_tests::{Client, Setup, both_stores, call, script, text};
use serde_json::{Value, json};

async fn shown(client: &Client, thread: &str, query: &str) -> Vec<(String, String)> {
    let path = format!("/v1/threads/{thread}/messages{query}");
    let messages = client.get(&path).await.expect(200);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let messages = messages.as_array().expect("an array").iter();
    messages
        .map(|message| (text(&message["role"]), text(&message["content"])))
        .collect()
}

fn pair(role: &str, content: &str) -> (String, String) {
    (role.to_owned(), content.to_owned())
}

both_stores! {
    async fn a_posted_message_reaches_the_next_run(store: Store) {
        let echo = script([text("You said {last_user}.")]);
        let node = Setup::new(store).scripted("m", echo).start().await;
        let client = node.client();
        let thread = client.thread().await;
        let path = format!("/v1/threads/{thread}/messages");
        let message = client.post(&path, &json!({ "content": "hello" })).await.expect(201);
        assert_eq!((&message["role"], &message["content"]), (&json!("user"), &json!("hello")));
        assert_eq!(message["thread_id"], thread.as_str());
        let run = client.run_in(&thread, &json!({})).await;
        client.follow(&run).await;
        assert_eq!(
            shown(&client, &thread, "").await,
            [pair("assistant", "You said hello."), pair("user", "hello")]
        );
        let nowhere = "/v1/threads/0190c9d6-1b6f-7d4e-8f00-000000000000/messages";
        client.post(nowhere, &json!({ "content": "x" })).await
            .expect_error(404, "threads.not_found");
        client.get(nowhere).await.expect_error(404, "threads.not_found");
    }

    async fn tool_messages_are_shown_when_asked_for(store: Store) {
        let turns = script([call("calculator", json!({ "expression": "6*7" })), text("42.")]);
        let node = Setup::new(store).scripted("m", turns).start().await;
        let client = node.client();
        let thread = client.thread().await;
        let run = client.run_in(&thread, &json!({ "input": "6*7?" })).await;
        client.follow(&run).await;
        assert_eq!(
            shown(&client, &thread, "").await,
            [pair("assistant", "42."), pair("user", "6*7?")]
        );
        let roles: Vec<String> = shown(&client, &thread, "?include=tools").await
            .into_iter().map(|(role, _)| role).collect();
        assert_eq!(roles, ["assistant", "tool", "assistant", "user"]);
    }

    async fn parts_of_text_are_one_text(store: Store) {
        let echo = script([text("You said {last_user}.")]);
        let node = Setup::new(store).scripted("m", echo).start().await;
        let client = node.client();
        let thread = client.thread().await;
        let parts = json!({ "content": [
            { "type": "text", "text": "one" }, { "type": "text", "text": "two" } ] });
        client.post(&format!("/v1/threads/{thread}/messages"), &parts).await.expect(201);
        let run = client.run_in(&thread, &json!({})).await;
        let events = client.follow(&run).await;
        let output = events.last().expect("events").data["output"].clone();
        let output = output.as_str().expect("a text");
        assert!(output.contains("one") && output.contains("two"), "{output}");
    }

    async fn a_message_of_256_kb_is_the_longest(store: Store) {
        let node = Setup::new(store).start().await;
        let client = node.client();
        let path = format!("/v1/threads/{}/messages", client.thread().await);
        let body = |bytes: usize| json!({ "content": "x".repeat(bytes) });
        client.post(&path, &body(256 * 1024)).await.expect(201);
        client.post(&path, &body(256 * 1024 + 1)).await.expect_error(422, "validation.error");
        client.post(&path, &json!({ "content": "" })).await.expect_error(422, "validation.error");
        client.post(&path, &json!({})).await.expect_error(422, "validation.error");
    }

    async fn the_last_message_runs_again(store: Store) {
        let provider = Provider::start([Reply::text("first"), Reply::text("second")]).await;
        let node = Setup::new(store).provider(&provider).start().await;
        let client = node.client();
        let thread = client.thread().await;
        let run = client.run_in(&thread, &json!({ "input": "hello" })).await;
        client.follow(&run).await;
        let again = client.post_nothing(&format!("/v1/threads/{thread}:retry")).await.expect(201);
        client.follow(again["run_id"].as_str().expect("an id")).await;
        assert_eq!(
            shown(&client, &thread, "").await,
            [pair("assistant", "second"), pair("user", "hello")]
        );
        let sent = provider.request(2).await;
        let roles: Vec<_> = sent.body["messages"].as_array().expect("messages").iter()
            .map(|m| m["role"].clone()).collect();
        assert_eq!(roles, [json!("system"), json!("user")]);
    }

    async fn an_edited_message_hides_what_followed(store: Store) {
        let echo = script([text("You said {last_user}.")]);
        let node = Setup::new(store).scripted("m", echo).start().await;
        let client = node.client();
        let thread = client.thread().await;
        for input in ["one", "two"] {
            let run = client.run_in(&thread, &json!({ "input": input })).await;
            client.follow(&run).await;
        }
        let path = format!("/v1/threads/{thread}/messages");
        let messages = client.get(&path).await.expect(200);
        let first = messages[3]["id"].as_str().expect("an id");
        let edited = client.patch(&format!("{path}/{first}"), &json!({ "content": "uno" })).await;
        let run = edited.expect(201);
        client.follow(run["run_id"].as_str().expect("an id")).await;
        assert_eq!(
            shown(&client, &thread, "").await,
            [pair("assistant", "You said uno."), pair("user", "uno")]
        );
        let empty = client.thread().await;
        client.post_nothing(&format!("/v1/threads/{empty}:retry")).await
            .expect_error(404, "messages.not_found");
    }

    async fn a_message_has_exactly_these_fields(store: Store) {
        let node = Setup::new(store).scripted("m", script([text("hi")])).start().await;
        let client = node.client();
        let thread = client.thread().await;
        let path = format!("/v1/threads/{thread}/messages");
        let posted = client.post(&path, &json!({ "content": "hello" })).await.expect(201);
        let me = client.get("/v1/me").await.expect(200);
        let expected = json!({
            "id": posted["id"], "org_id": me["org_id"], "thread_id": thread, "run_id": null,
            "role": "user", "content": "hello", "created_by_user_id": me["user_id"],
            "created_at": posted["created_at"],
        });
        assert_eq!(posted, expected);
        assert_eq!(posted["created_at"].as_str().map(str::len), Some(24));
        let run = client.run_in(&thread, &json!({})).await;
        client.follow(&run).await;
        let listed = client.get(&path).await.expect(200);
        let answer = json!({
            "id": listed[0]["id"], "org_id": me["org_id"], "thread_id": thread, "run_id": run,
            "role": "assistant", "content": "hi", "created_by_user_id": null,
            "created_at": listed[0]["created_at"],
        });
        assert_eq!(listed, json!([answer, posted]));
    }

    async fn a_message_posted_while_a_run_is_live_belongs_to_later_runs(store: Store) {
        let turns = script([
            call("ask_user", json!({ "question": "?" })), text("You said {last_user}.")]);
        let echo = script([text("You said {last_user}.")]);
        let node = Setup::new(store).scripted("m", turns).scripted("echo", echo).start().await;
        let client = node.client();
        let thread = client.thread().await;
        let run = client.run_in(&thread, &json!({ "input": "first" })).await;
        client.events(&run, "").await.until("run.waiting_for_input").await;
        let path = format!("/v1/threads/{thread}/messages");
        client.post(&path, &json!({ "content": "second" })).await.expect(201);
        client.input(&run, &json!({ "content": "yes" })).await.expect(200);
        let events = client.follow(&run).await;
        assert_eq!(events.last().expect("events").data["output"], "You said first.");
        let run = client.run_in(&thread, &json!({ "route_id": "echo" })).await;
        let events = client.follow(&run).await;
        assert_eq!(events.last().expect("events").data["output"], "You said second.");
    }

    async fn going_back_needs_a_user_message_and_an_idle_thread(store: Store) {
        let node = Setup::new(store)
            .scripted("m", script([text("hi")]))
            .scripted("held", script([json!([{ "text": "a" }, "hang"])]))
            .start().await;
        let client = node.client();
        let thread = client.thread().await;
        let first = client.run_in(&thread, &json!({ "input": "hello" })).await;
        client.follow(&first).await;
        let path = format!("/v1/threads/{thread}/messages");
        let messages = client.get(&path).await.expect(200);
        let [answer, question] = [0, 1].map(|n| {
            format!("{path}/{}", messages[n]["id"].as_str().expect("an id"))
        });
        let edit = json!({ "content": "again" });
        client.patch(&answer, &edit).await.expect_error(404, "messages.not_found");
        let nowhere = format!("{path}/0190c9d6-1b6f-7d4e-8f00-000000000000");
        client.patch(&nowhere, &edit).await.expect_error(404, "messages.not_found");
        for bad in [json!({}), json!({ "content": "" }), json!({ "content": "x", "on_busy": "enqueue" })] {
            client.patch(&question, &bad).await.expect_error(422, "validation.error");
        }
        let live = client.run_in(&thread, &json!({ "route_id": "held" })).await;
        let retry = format!("/v1/threads/{thread}:retry");
        for answer in [client.patch(&question, &edit).await, client.post_nothing(&retry).await] {
            let error = answer.expect_error(409, "runs.thread_busy");
            assert_eq!(error["details"]["run_id"], live.as_str());
        }
        assert_eq!(client.get(&path).await.expect(200), messages, "nothing is hidden");
    }
}
