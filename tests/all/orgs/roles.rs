//! What each role may do, route by route, as the document says what routes need.

use std::collections::BTreeSet;

use reqwest::Method;
use runloom_tests::{Client, Setup, Store};
use serde_json::{Value, json};

use super::{colleague, id};

/// What each role allows; kept apart from the program's own table.
const ROLES: [(&str, &[&str]); 4] = [
    ("viewer", &["runs.read", "threads.read"]),
    (
        "member",
        &[
            "runs.read",
            "runs.write",
            "threads.read",
            "threads.write",
            "keys.manage",
        ],
    ),
    ("admin", ALL),
    ("owner", ALL),
];

const ALL: &[&str] = &[
    "runs.read",
    "runs.write",
    "threads.read",
    "threads.write",
    "personas.manage",
    "routes.manage",
    "tools.manage",
    "members.manage",
    "keys.manage",
    "usage.read",
    "audit.read",
];

/// Somebody who tries every route.
struct Caller {
    name: &'static str,
    client: Client,
    role: &'static str,
    is_person: bool,
    permissions: BTreeSet<String>,
}

impl Caller {
    async fn new(name: &'static str, client: Client, is_person: bool) -> Self {
        let me = client.get("/v1/me").await.expect(200);
        let role = ROLES.iter().find(|(role, _)| me["role"] == **role);
        let (role, allowed) = role.expect("a known role");
        let permissions = me["permissions"].as_array().expect("an array").iter();
        let permissions: BTreeSet<String> = permissions.map(id).collect();
        if is_person {
            let allowed = allowed.iter().map(|name| (*name).to_owned());
            assert_eq!(permissions, allowed.collect(), "{role}");
        }
        Self {
            name,
            client,
            role,
            is_person,
            permissions,
        }
    }

    fn has(&self, need: &str) -> bool {
        match need {
            "person" => self.is_person,
            "owner" => self.role == "owner",
            permission => self.permissions.contains(permission),
        }
    }
}

/// What a route needs; `None` when anybody may call it.
fn needs(method: &str, path: &str, operation: &Value) -> Option<Vec<String>> {
    // Who removes somebody else needs more than who leaves.
    if (method, path) == ("delete", "/v1/members/{user_id}") {
        return Some(vec!["members.manage".to_owned()]);
    }
    let needs = operation["x-needs"].as_array()?;
    Some(needs.iter().map(id).collect())
}

/// A path about things that were never made.
fn nowhere(path: &str) -> String {
    let parts = path.split('{').map(|part| match part.split_once('}') {
        Some((_, rest)) => format!("{}{rest}", uuid::Uuid::now_v7()),
        None => part.to_owned(),
    });
    parts.collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_route_lets_in_whom_it_says() {
    let node = Setup::new(Store::Sqlite)
        .variable("RUNLOOM_CREDITS_SELF_SERVICE", "1")
        .start()
        .await;
    let first = node.client();
    let mut callers = Vec::new();
    for (role, _) in ROLES {
        let client = colleague(&first, &format!("one-{role}"), role).await;
        callers.push(Caller::new(role, client, true).await);
    }
    for (name, scopes) in [("a key without scopes", json!([])), ("a key", json!(ALL))] {
        let body = json!({ "name": name, "scopes": scopes });
        let key = first.post("/v1/api-keys", &body).await.expect(201);
        let client = first.with_token(&id(&key["key"]));
        callers.push(Caller::new(name, client, false).await);
    }

    let document = first.get("/openapi.json").await.expect(200);
    let (mut let_in, mut refused) = (0, 0);
    for (path, item) in document["paths"].as_object().expect("an object") {
        for (method, operation) in item.as_object().expect("an object") {
            let Some(needs) = needs(method, path, operation) else {
                let is_open = path.starts_with("/v1/auth/") || !path.starts_with("/v1/");
                assert!(is_open, "{method} {path} needs nothing");
                continue;
            };
            // These are about the very session that tries them.
            if path.starts_with("/v1/auth/") {
                continue;
            }
            for caller in &callers {
                let verb: Method = method.to_uppercase().parse().expect("a method");
                let request = caller.client.request(verb, &nowhere(path));
                let answer = caller.client.send(request).await;
                let what = format!("{} {method} {path}: {}", caller.name, answer.body);
                assert!(answer.status != 401 && answer.status < 500, "{what}");
                let allowed = needs.iter().all(|need| caller.has(need));
                assert_eq!(answer.status != 403, allowed, "{what}");
                if allowed {
                    let_in += 1;
                } else {
                    refused += 1;
                }
            }
        }
    }
    assert!(let_in > 200 && refused > 100, "{let_in} {refused}");
}
