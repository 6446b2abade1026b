//! URLs that models choose, and those of organisations' HTTP tools.

use std::time::{Duration, Instant};

use runloom_tests::{Client, Event, check_ended, script, text};
use serde_json::{Value, json};

use super::network::alone;
use super::{INNER, World};

/// What a model is told when a URL is refused, by itself or by where its name leads.
const REFUSED: [&str; 2] = ["tool.invalid_arguments", "tool.denied"];

/// A turn that asks for these URLs.
fn get<'a>(urls: impl IntoIterator<Item = &'a str>) -> Value {
    let call =
        |url| json!({ "tool_call": { "name": "http_request", "arguments": { "url": url } } });
    urls.into_iter().map(call).collect()
}

/// The results of a run on a route, in the order of the calls.
async fn results(client: &Client, route: &str) -> Vec<Value> {
    let body = json!({ "route_id": route, "persona_id": "reader", "input": "Read." });
    let run = client.run(&body).await;
    let events = client.follow(&run).await;
    check_ended(&events, "run.completed");
    let calls = events.iter().filter(|event| event.kind == "tool.call");
    let result = |call: &Event| {
        let id = &call.data["tool_call_id"];
        let mut results = events.iter().filter(|event| event.kind == "tool.result");
        let result = results.find(|event| event.data["tool_call_id"] == *id);
        result.expect("each call has a result").data.clone()
    };
    calls.map(result).collect()
}

fn class(result: &Value) -> &str {
    result["error"]["error_class"].as_str().unwrap_or_default()
}

fn content(result: &Value) -> &str {
    result["content"].as_str().unwrap_or_default()
}

#[test]
fn a_model_reaches_nothing_inside() {
    alone("guard::tools::a_model_reaches_nothing_inside", async {
        let elsewhere: Vec<String> = (0..INNER.len())
            .map(|n| format!("http://public.test/go/{n}"))
            .collect();
        let elsewhere = get(elsewhere.iter().map(String::as_str));
        let same = ["http://once.test/"; 2].map(|url| get([url]));
        let turns: Vec<String> = (0..8).map(|n| format!("http://turns.test/{n}")).collect();
        let turns = get(turns.iter().map(String::as_str));
        // The guard alone stands in the way.
        let persona = "[[personas]]\nkey = \"reader\"\nprompt = \"Read.\"\n\
             tools = [\"http_request\"]\nhttp_allow = [\"*\"]";
        let [first, again] = same;
        let world = World::start(|setup| {
            setup
                .scripted("inner", script([get(INNER), text("ok")]))
                .scripted("redirected", script([elsewhere, text("ok")]))
                .scripted("changing", script([first, again, turns, text("ok")]))
                .scripted("mixed", script([get(["http://mixed.test/"]), text("ok")]))
                .scripted(
                    "large",
                    script([get(["http://public.test/large"]), text("ok")]),
                )
                .toml(persona)
        })
        .await;
        let client = world.node.client();

        let direct = results(&client, "inner").await;
        assert_eq!(direct.len(), INNER.len());
        for (url, result) in INNER.iter().zip(&direct) {
            assert!(REFUSED.contains(&class(result)), "{url}: {result}");
        }
        assert_eq!(world.everywhere.public(), 0);

        for (url, result) in INNER.iter().zip(results(&client, "redirected").await) {
            // What a header can't say leads nowhere.
            let stays = !url.is_ascii() && content(&result).starts_with("HTTP 307");
            let refused = REFUSED.contains(&class(&result));
            assert!(refused || stays, "to {url}: {result}");
        }
        assert_eq!(world.everywhere.public(), INNER.len(), "each was sent away");

        let changing = results(&client, "changing").await;
        assert!(
            content(&changing[0]).ends_with("of the public"),
            "{}",
            changing[0]
        );
        assert_eq!(class(&changing[1]), "tool.denied", "it leads inside now");
        let passed = changing[2..].iter().filter(|it| class(it).is_empty());
        assert_eq!(passed.count(), 4, "every other time: {changing:?}");

        let mixed = results(&client, "mixed").await;
        assert!(
            content(&mixed[0]).ends_with("of the public"),
            "{}",
            mixed[0]
        );

        let before = world.node.resident_bytes();
        let large = results(&client, "large").await;
        assert_eq!(large[0]["truncated"], true, "the log has a part");
        let grown = world.node.resident_bytes().saturating_sub(before);
        assert!(grown < 32 * 1024 * 1024, "{grown} bytes for 10 MiB");
        world.check().await;
    });
}

#[test]
fn an_http_tool_reaches_nothing_inside() {
    alone("guard::tools::an_http_tool_reaches_nothing_inside", async {
        let call = |n: usize| json!({ "tool_call": { "name": format!("t{n}"), "arguments": {} } });
        let all: Value = (0..INNER.len()).map(call).collect();
        let named = |name: &str| json!([{ "tool_call": { "name": name, "arguments": {} } }]);
        let world = World::start(|setup| {
            setup.scripted("inner", script([all, text("ok")])).scripted(
                "away",
                script([named("away"), named("large"), named("drip"), text("ok")]),
            )
        })
        .await;
        let client = world.node.client();
        let mut named = Vec::new();
        for (n, url) in INNER.iter().enumerate() {
            if made(&client, &format!("t{n}"), url).await {
                named.push(n);
            }
        }
        assert_eq!(named.len(), 7, "only names are taken at first: {named:?}");
        for (name, url) in [
            ("away", "http://public.test/go/1"),
            ("large", "http://public.test/large"),
            ("drip", "http://public.test/drip"),
        ] {
            assert!(made(&client, name, url).await);
        }
        let persona = json!({ "key": "reader", "prompt": "Read.",
            "tools": ["t*", "away", "large", "drip"] });
        client.post("/v1/personas", &persona).await.expect(201);

        let direct = results(&client, "inner").await;
        for (n, result) in direct.iter().enumerate() {
            let expected = if named.contains(&n) {
                "tool.unavailable"
            } else {
                "tool.unknown"
            };
            assert_eq!(class(result), expected, "{}: {result}", INNER[n]);
        }
        assert_eq!(world.everywhere.public(), 0);

        let since = Instant::now();
        let away = results(&client, "away").await;
        let told = |n: usize| {
            away[n]["error"]["message"]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        };
        assert!(
            told(0).contains("redirects are not followed"),
            "{}",
            away[0]
        );
        assert!(told(1).contains("more than 8388608 bytes"), "{}", away[1]);
        assert_eq!(class(&away[2]), "tool.timeout", "{}", away[2]);
        assert!(
            since.elapsed() < Duration::from_secs(10),
            "{:?}",
            since.elapsed()
        );
        world.check().await;
    });
}

/// Registers a tool, unless its URL is refused already.
async fn made(client: &Client, name: &str, url: &str) -> bool {
    let tool = json!({
        "name": name, "description": "Reads.", "url": url, "class": "pure", "timeout_ms": 1_000,
        "signing_secret": "whsec-0123456789abcdef", "schema": { "type": "object" },
    });
    let answer = client.post("/v1/http-tools", &tool).await;
    if answer.status == 201 {
        return true;
    }
    let error = answer.expect_error(422, "validation.error");
    assert!(error["details"]["url"].is_string(), "{url}: {error}");
    false
}
