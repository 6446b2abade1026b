//! Streams whose bytes are odd: what is legal is read, what isn't is refused, nothing hangs.

use runloom_tests::provider::{Piece, Provider, Reply};
use runloom_tests::{Setup, both_stores, check_ended};
use serde_json::json;

use super::retries;

const MIB: usize = 1024 * 1024;

fn raw(text: impl AsRef<[u8]>) -> Piece {
    Piece::Raw(text.as_ref().to_vec())
}

fn delta(content: &str) -> String {
    let chunk = json!({ "choices": [
        { "index": 0, "delta": { "content": content }, "finish_reason": null }] });
    format!("data: {chunk}")
}

fn end() -> Vec<Piece> {
    vec![Piece::Finish("stop"), Piece::usage(1), Piece::Done]
}

fn stream(first: Vec<Piece>) -> Reply {
    Reply::Stream(first.into_iter().chain(end()).collect())
}

both_stores! {
    async fn legal_oddities_are_read(store: Store) {
        let note = "Grüße 𝄞";
        let whole = format!("{}\n\n", delta(note));
        let inside = whole.find('𝄞').expect("it is there") + 2;
        let (head, tail) = whole.as_bytes().split_at(inside);
        let odd = [
            stream(vec![raw(format!("{}\r\n\r\n", delta(note)))]),
            stream(vec![raw("\u{feff}"), raw(format!("{}\n\n", delta(note)))]),
            stream(vec![raw(head), raw(tail)]),
            stream(vec![raw(": ping\n\n"), raw(format!("event: message\nid: 7\n{}\n\n", delta(note)))]),
            stream(vec![raw(format!("{}\n\n", delta(note).replace("data: ", "data:")))]),
        ];
        let provider = Provider::start([Reply::Silence]).await;
        let node = Setup::new(store).provider(&provider).start().await;
        let client = node.client();
        for reply in odd {
            provider.now_replies([reply.clone()]);
            let events = client.follow(&client.run(&json!({ "input": "x" })).await).await;
            let last = check_ended(&events, "run.completed");
            assert_eq!((last.data["output"].as_str(), retries(&events).len()), (Some(note), 0), "{reply:?}");
        }
    }

    async fn what_no_database_stores_is_cleaned(store: Store) {
        let delta = |delta: &str| format!(
            "data: {{\"choices\":[{{\"index\":0,\"delta\":{delta},\"finish_reason\":null}}]}}\n\n"
        );
        let called = delta(
            r#"{"tool_calls":[{"index":0,"id":"a\u0000b","type":"function","function":{
                "name":"repeat","arguments":"{\"text\":\"c\\u0000d\",\"times\":2}"}}]}"#,
        ).replace(['\n', ' '], "").replace("data:", "data: ") + "\n\n";
        let said = delta(r#"{"content":"e\u0000f","reasoning_content":"g\u0000h"}"#);
        let persona = "[[personas]]\nkey = \"p\"\nprompt = \"x\"\ntools = [\"repeat\"]\n";
        let provider = Provider::start([
            Reply::Stream(vec![
                raw(called), Piece::Finish("tool_calls"), Piece::usage(1), Piece::Done,
            ]),
            stream(vec![raw(said)]),
        ]).await;
        let node = Setup::new(store).provider(&provider).toml(persona).start().await;
        let client = node.client();
        let run = client.run(&json!({ "input": "x" })).await;
        let events = client.follow(&run).await;
        let last = check_ended(&events, "run.completed");
        let result = events.iter().find(|e| e.kind == "tool.result").expect("a result");
        let shown = result.data["content"].as_str().expect("it ran");
        assert!(shown.starts_with('c') && shown.ends_with('d'), "{shown:?}");
        let output = last.data["output"].as_str().expect("a text");
        assert!(output.starts_with('e') && output.ends_with('f'), "{output:?}");
        assert!(!format!("{events:?}").contains("\\0"), "no NUL is left");
        assert_eq!(client.log(&run).await, events);
    }

    async fn malformed_ones_are_tried_again_then_fail(store: Store) {
        let broken = [
            stream(vec![raw("data: {\"choices\":[{\"delta\":{\"content\":\"x\n\n")]),
            stream(vec![raw("data: <html>\n\n")]),
        ];
        let provider = Provider::start([Reply::Silence]).await;
        let node = Setup::new(store).provider(&provider).start().await;
        let client = node.client();
        for reply in broken {
            provider.now_replies([reply.clone()]);
            let events = client.follow(&client.run(&json!({ "input": "x" })).await).await;
            let failed = check_ended(&events, "run.failed");
            assert_eq!(failed.data["error_class"], "provider.malformed", "{reply:?}");
            assert_eq!(retries(&events).len(), 2, "{reply:?}");
        }
        let page = Reply::Status {
            status: 200,
            headers: vec![("X-Mock".into(), "page".into())],
            body: "<html>a proxy's page</html>".into(),
        };
        provider.now_replies([page]);
        let events = client.follow(&client.run(&json!({ "input": "x" })).await).await;
        check_ended(&events, "run.failed");
    }

    async fn an_error_in_the_stream_ends_the_attempt(store: Store) {
        let error = "data: {\"error\":{\"message\":\"overloaded sk-secret-canary\",\
                     \"type\":\"server_error\",\"code\":503}}\n\n";
        let provider = Provider::start([
            Reply::Stream(vec![Piece::Text("half".into()), raw(error), Piece::Done]),
            Reply::text("ok"),
        ]).await;
        let node = Setup::new(store).provider(&provider).start().await;
        let client = node.client();
        let events = client.follow(&client.run(&json!({ "input": "x" })).await).await;
        let last = check_ended(&events, "run.completed");
        assert_eq!(last.data["output"], "ok");
        assert_eq!(retries(&events).len(), 1);
        assert!(!format!("{events:?}").contains("canary"));
    }

    async fn a_line_without_end_costs_bounded_memory(store: Store) {
        let endless: Vec<Piece> = (0..64).map(|_| raw("x".repeat(MIB))).collect();
        let endless = [vec![raw("data: ")], endless].concat();
        let provider = Provider::start([Reply::Stream(endless), Reply::text("ok")]).await;
        let node = Setup::new(store).provider(&provider).start().await;
        let client = node.client();
        let before = node.resident_bytes();
        let events = client.follow(&client.run(&json!({ "input": "x" })).await).await;
        check_ended(&events, "run.completed");
        assert_eq!(retries(&events), ["provider.malformed"]);
        let grown = node.resident_bytes().saturating_sub(before) / MIB as u64;
        assert!(grown < 24, "{grown} MiB");
        provider.hung_up(1).await;
    }
}
