//! What belongs to another organisation does not exist. The test walks every route of the
//! OpenAPI document; a route that has no case here fails it.

mod cases;

use std::collections::BTreeSet;

use reqwest::Method;
use runloom_tests::{Answer, Client, Setup, Store, both_stores, call, check_ended, script, text};
use serde_json::{Value, json};

pub(crate) use cases::{Case, case};

/// An organisation with something of everything.
pub(crate) struct Tenant {
    pub(crate) client: Client,
    pub(crate) ids: Vec<(&'static str, String)>,
}

impl Tenant {
    pub(crate) async fn new(client: Client) -> Self {
        let thread = client.thread().await;
        let first = client.run_in(&thread, &json!({ "input": "hello" })).await;
        let events = client.follow(&first).await;
        check_ended(&events, "run.completed");
        let called = events.iter().find(|event| event.kind == "tool.call");
        let called = called.expect("a call").data["tool_call_id"].clone();
        let asking = json!({ "route_id": "ask", "input": "again" });
        let run = client.run_in(&thread, &asking).await;
        let mut stream = client.events(&run, "").await;
        stream.until("run.waiting_for_input").await;
        let messages = client.get(&format!("/v1/threads/{thread}/messages")).await;
        let messages = messages.expect(200);
        let key = client.post("/v1/api-keys", &json!({ "name": "k" })).await;
        let budget = json!({ "scope": "organisation", "period": "day", "max_cost_usd": 1_000 });
        let budget = client.post("/v1/budgets", &budget).await;
        let text = |value: &Value| value.as_str().expect("an id").to_owned();
        // Whoever has an API key needs no session.
        let guest = client.stranger(&format!("g{}", uuid::Uuid::now_v7())).await;
        let guest = guest.get("/v1/me").await.expect(200);
        let credential = json!({
            "provider": "openai_chat", "name": "n", "base_url": "http://127.0.0.1:9/v1",
        });
        let credential = client.post("/v1/llm-credentials", &credential).await;
        let credential = text(&credential.expect(201)["id"]);
        let route = json!({ "credential_id": credential, "model": "m" });
        let route = client.post("/v1/llm-routes", &route).await.expect(201);
        let name = || format!("n{}", uuid::Uuid::now_v7());
        let persona = json!({ "key": name(), "version": name(), "prompt": "x" });
        let persona = client.post("/v1/personas", &persona).await.expect(201);
        let server = json!({ "key": "a", "url": "http://127.0.0.1:9/mcp" });
        let server = client.post("/v1/mcp-servers", &server).await;
        let tool = json!({
            "name": "a", "description": "d", "schema": { "type": "object" },
            "url": "http://127.0.0.1:9/", "signing_secret": "0123456789abcdef",
        });
        let tool = client.post("/v1/http-tools", &tool).await;
        let service = json!({ "name": "ci", "role": "member" });
        let service = client.post("/v1/service-accounts", &service).await;
        let invitation = json!({ "email": "grace@example.com", "role": "viewer" });
        let invitation = client.post("/v1/invitations", &invitation).await;
        let invitation = invitation.expect(201);
        let ids = vec![
            ("user_id", text(&service.expect(201)["id"])),
            ("invitation_id", text(&invitation["id"])),
            ("token", text(&invitation["token"])),
            ("server_id", text(&server.expect(201)["id"])),
            ("tool_id", text(&tool.expect(201)["id"])),
            ("credential_id", credential),
            ("route_id", text(&route["id"])),
            ("persona_key", text(&persona["key"])),
            ("version", text(&persona["version"])),
            ("session_id", text(&guest["session_id"])),
            ("user_id", text(&guest["user_id"])),
            ("thread_id", thread),
            ("run_id", run),
            ("tool_call_id", text(&called)),
            ("message_id", text(&messages[0]["id"])),
            ("api_key_id", text(&key.expect(201)["id"])),
            ("budget_id", text(&budget.expect(201)["id"])),
        ];
        Self { client, ids }
    }

    /// Everything that its owner can see of it.
    pub(crate) async fn seen(&self) -> Vec<String> {
        let mut seen = Vec::new();
        for path in [
            "/v1/runs",
            "/v1/credits",
            "/v1/credits/entries",
            "/v1/budgets",
            "/v1/usage",
            "/v1/threads",
            "/v1/threads/{thread_id}",
            "/v1/threads/{thread_id}/messages?include=tools",
            "/v1/runs/{run_id}?include=metadata,requests,totals,error",
            "/v1/runs/{run_id}/events?follow=0",
            "/v1/org",
            "/v1/members",
            "/v1/invitations",
            "/v1/service-accounts",
            "/v1/llm-credentials",
            "/v1/llm-routes",
            "/v1/mcp-servers",
            "/v1/http-tools",
            "/v1/personas",
            "/v1/personas/{persona_key}/versions",
        ] {
            let answer = self.client.get(&fill(path, &self.ids)).await;
            assert_eq!(answer.status, 200, "{path}: {}", answer.body);
            // An event stream begins with a random wait.
            let body = answer
                .body
                .lines()
                .filter(|line| !line.starts_with("retry"));
            seen.push(body.collect());
        }
        seen
    }
}

/// A path with its parameters replaced.
pub(crate) fn fill(path: &str, ids: &[(&str, String)]) -> String {
    ids.iter().fold(path.to_owned(), |path, (name, id)| {
        path.replace(&format!("{{{name}}}"), id)
    })
}

/// Ids that were never made.
pub(crate) fn never_made() -> Vec<(&'static str, String)> {
    [
        "session_id",
        "user_id",
        "thread_id",
        "run_id",
        "tool_call_id",
        "message_id",
        "api_key_id",
        "budget_id",
        "credential_id",
        "route_id",
        "server_id",
        "tool_id",
        "user_id",
        "invitation_id",
        "persona_key",
        "version",
    ]
    .map(|name| (name, uuid::Uuid::now_v7().to_string()))
    .to_vec()
}

pub(crate) async fn send(client: &Client, method: &str, path: &str, body: &str) -> Answer {
    let body: Value = serde_json::from_str(body).expect("JSON");
    let method: Method = method.to_uppercase().parse().expect("a method");
    let request = client.request(method, path);
    client
        .send(if body.is_null() {
            request
        } else {
            request.json(&body)
        })
        .await
}

/// An answer without what differs between any two.
pub(crate) fn essence(answer: &Answer) -> (u16, Value) {
    let mut body = answer.json();
    body["trace_id"] = Value::Null;
    (answer.status, body)
}

/// All routes of the document.
pub(crate) async fn routes(client: &Client) -> Vec<(String, String)> {
    let document = client.get("/openapi.json").await.expect(200);
    let paths = document["paths"].as_object().expect("an object").clone();
    let verbs = ["get", "post", "put", "patch", "delete", "head", "options"];
    paths
        .iter()
        .flat_map(|(path, item)| {
            let item = item.as_object().expect("an object").clone();
            let methods = item.keys().cloned().collect::<BTreeSet<_>>();
            let known = methods
                .into_iter()
                .filter(|method| verbs.contains(&method.as_str()));
            known.map(move |method| (method, path.clone()))
        })
        .collect()
}

pub(crate) fn setup(store: Store) -> Setup {
    let calculates = call("calculator", json!({ "expression": "6*7" }));
    Setup::new(store)
        .variable("RUNLOOM_CREDITS_SELF_SERVICE", "1")
        .variable("RUNLOOM_NET_ALLOW", "127.0.0.0/8")
        .scripted("m", script([calculates, text("42")]))
        .scripted(
            "ask",
            script([call("ask_user", json!({ "question": "?" }))]),
        )
}

both_stores! {
    async fn every_route_hides_what_belongs_to_others(store: Store) {
        let node = setup(store).start().await;
        let owner = Tenant::new(node.client()).await;
        let stranger = Tenant::new(node.client().stranger("stranger").await).await;
        let before = owner.seen().await;
        let routes = routes(&node.client()).await;
        assert!(routes.len() > 20, "{routes:?}");
        let mut hidden = 0;
        for (method, path) in &routes {
            let Some(case) = case(method, path) else {
                panic!("{method} {path} has no case in tests/all/tenancy/cases.rs");
            };
            match case {
                Case::Hidden(body) => {
                    let theirs = fill(path, &owner.ids);
                    assert!(!theirs.contains('{'), "{theirs}: a parameter without an id");
                    let theirs_in = fill(body, &owner.ids);
                    let answer = send(&stranger.client, method, &theirs, &theirs_in).await;
                    assert_eq!(answer.status, 404, "{method} {path}: {}", answer.body);
                    let nowhere = fill(path, &never_made());
                    let other = send(&stranger.client, method, &nowhere, body).await;
                    assert_eq!(essence(&answer), essence(&other), "{method} {path}");
                    hidden += 1;
                }
                Case::Own => {
                    let answer = send(&stranger.client, method, path, "null").await;
                    assert_eq!(answer.status, 200, "{method} {path}: {}", answer.body);
                    for (name, id) in &owner.ids {
                        assert!(!answer.body.contains(id), "{method} {path} shows a {name}");
                    }
                }
                Case::Makes(body) => {
                    let body = fill(body, &stranger.ids);
                    let made = send(&stranger.client, method, path, &body).await.expect(201);
                    let theirs = owner.client.get("/v1/me").await.expect(200);
                    assert_ne!(made["org_id"], theirs["org_id"], "{method} {path}");
                }
                Case::Public => {}
            }
        }
        assert!(hidden > 12);
        assert_eq!(owner.seen().await, before, "nothing of theirs was changed");
    }

    async fn ids_of_two_organisations_do_not_mix(store: Store) {
        let node = setup(store).start().await;
        let owner = Tenant::new(node.client()).await;
        let stranger = Tenant::new(node.client().stranger("stranger").await).await;
        let id = |tenant: &Tenant, name: &str| {
            let found = tenant.ids.iter().find(|(known, _)| *known == name);
            found.expect("an id").1.clone()
        };
        // An own thread with another's message, an own run with another's tool call.
        let path = format!("/v1/threads/{}/messages/{}",
            id(&stranger, "thread_id"), id(&owner, "message_id"));
        stranger.client.cancel(&id(&stranger, "run_id")).await.expect(200);
        stranger.client.patch(&path, &json!({ "content": "x" })).await
            .expect_error(404, "messages.not_found");
        let path = format!("/v1/runs/{}/tool-results/{}",
            id(&stranger, "run_id"), id(&owner, "tool_call_id"));
        stranger.client.get(&path).await.expect_error(404, "tool_results.not_found");
        // A page that begins at another's row shows no other rows than the caller's.
        let cursor = owner.client.get("/v1/runs?limit=1").await;
        let cursor = cursor.header("x-next-cursor").to_owned();
        let page = stranger.client.get(&format!("/v1/runs?before={cursor}")).await.expect(200);
        for row in page.as_array().expect("an array") {
            assert_ne!(row["thread_id"], id(&owner, "thread_id"));
        }
    }

    async fn ids_in_bodies_do_not_mix(store: Store) {
        let node = setup(store).start().await;
        let owner = Tenant::new(node.client()).await;
        let stranger = Tenant::new(node.client().stranger("stranger").await).await;
        let runs = fill("/v1/threads/{thread_id}/runs", &stranger.ids);
        stranger.client.cancel(&fill("{run_id}", &stranger.ids)).await.expect(200);
        for (path, body) in [
            ("/v1/llm-routes", r#"{"credential_id":"{credential_id}","model":"m"}"#),
            ("/v1/llm-routes",
                r#"{"credential_id":"OWN","model":"m","fallback_route_id":"{route_id}"}"#),
            ("/v1/personas", r#"{"key":"k","prompt":"x","route_id":"{route_id}"}"#),
            (runs.as_str(), r#"{"route_id":"{route_id}"}"#),
            (runs.as_str(), r#"{"persona_id":"{persona_key}"}"#),
            (runs.as_str(), r#"{"persona_id":"{persona_key}@{version}"}"#),
        ] {
            let body = body.replace("OWN", &fill("{credential_id}", &stranger.ids));
            let theirs = fill(&body, &owner.ids);
            let answer = send(&stranger.client, "post", path, &theirs).await;
            assert_eq!(answer.status, 422, "{path} {theirs}: {}", answer.body);
            let other = send(&stranger.client, "post", path, &fill(&body, &never_made())).await;
            assert_eq!(essence(&answer), essence(&other), "{path} {theirs}");
            let own = send(&stranger.client, "post", path, &fill(&body, &stranger.ids)).await;
            let run = own.expect(201)["run_id"].as_str().map(str::to_owned);
            if let Some(run) = run {
                stranger.client.follow(&run).await;
            }
        }
    }
}
