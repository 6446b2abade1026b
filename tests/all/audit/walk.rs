//! Every changing operation of the OpenAPI document, once.

use std::collections::BTreeSet;

use runloom_tests::{Client, Node};
use serde_json::{Value, json};

use super::log;
use crate::tenancy::{Tenant, fill, routes, send};

/// What leaves no record: conversations and runs, which have logs of their own, and what changes
/// nothing that lasts. A new organisation has a log of its own.
const SILENT: &[(&str, &str)] = &[
    ("post", "/v1/threads"),
    ("patch", "/v1/threads/{thread_id}"),
    ("post", "/v1/threads/{thread_id}:retry"),
    ("post", "/v1/threads/{thread_id}/messages"),
    ("patch", "/v1/threads/{thread_id}/messages/{message_id}"),
    ("post", "/v1/threads/{thread_id}/runs"),
    ("post", "/v1/runs/{run_id}:cancel"),
    ("post", "/v1/runs/{run_id}/input"),
    ("post", "/v1/runs/{run_id}/events:ticket"),
    ("post", "/v1/auth/refresh"),
    ("post", "/v1/orgs"),
    ("post", "/v1/llm-credentials/{credential_id}:test"),
    ("post", "/v1/mcp-servers/{server_id}:refresh"),
];

const FIRST: &str = "a long enough passphrase";
const SECOND: &str = "another long passphrase";
const THIRD: &str = "a third long passphrase";
const CANARY: &str = "canary-0123456789abcdef";

/// A person who does everything to their organisation.
pub(super) struct Walk {
    pub(super) client: Client,
    anybody: Client,
    /// All that must stand in no record.
    pub(super) secrets: Vec<String>,
    ids: Vec<(&'static str, String)>,
    seen: usize,
    done: BTreeSet<(String, String)>,
    all: Vec<(String, String)>,
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

impl Walk {
    /// Begins with an organisation that has something of everything.
    pub(super) async fn begin(node: &Node) -> Self {
        let tenant = Tenant::new(node.client().stranger("walker").await).await;
        let records = log(&tenant.client).await;
        assert_eq!(records[0]["action"], "account.registered");
        Self {
            all: routes(&node.client()).await,
            anybody: Client::anonymous(node.base()),
            seen: records.len(),
            client: tenant.client,
            ids: tenant.ids,
            secrets: [FIRST, SECOND, THIRD, CANARY].map(str::to_owned).to_vec(),
            done: BTreeSet::new(),
        }
    }

    fn id(&mut self, name: &'static str, value: &Value) {
        self.ids.insert(0, (name, text(value)));
    }

    /// A request that must succeed and leave this record, and no other.
    async fn step(&mut self, method: &str, path: &str, body: &Value, action: &str) -> Value {
        let client = self.client.clone();
        self.step_by(&client, (method, path), body, action).await
    }

    async fn step_by(
        &mut self,
        client: &Client,
        (method, path): (&str, &str),
        body: &Value,
        action: &str,
    ) -> Value {
        let filled = fill(path, &self.ids);
        let answer = send(client, method, &filled, &body.to_string()).await;
        let good = (200..300).contains(&answer.status);
        assert!(good, "{method} {path}: {} {}", answer.status, answer.body);
        let records = log(&self.client).await;
        let new = records[self.seen..]
            .iter()
            .map(|record| text(&record["action"]));
        let new: Vec<String> = new.collect();
        assert_eq!(new, [action], "{method} {path}");
        self.seen += 1;
        self.done.insert((method.to_owned(), path.to_owned()));
        let said = if answer.body.is_empty() {
            Value::Null
        } else {
            answer.json()
        };
        for name in ["access_token", "refresh_token", "key", "token"] {
            let secret = said[name].as_str().filter(|text| text.len() > 20);
            self.secrets.extend(secret.map(str::to_owned));
        }
        said
    }

    /// All of them; one of the document that is missing here fails.
    pub(super) async fn everything(&mut self) {
        self.account().await;
        self.members().await;
        self.configuration().await;
        self.tools().await;
        self.money().await;
        let all = self.all.iter().filter(|(method, _)| method != "get");
        let silent =
            |(method, path): &&(String, String)| SILENT.contains(&(method.as_str(), path.as_str()));
        let missing = all.filter(|route| !silent(route) && !self.done.contains(*route));
        let missing: Vec<_> = missing.collect();
        assert!(missing.is_empty(), "no step does {missing:?}");
    }

    async fn account(&mut self) {
        let names = json!({ "login": "walker2", "current_password": FIRST });
        self.step("patch", "/v1/me", &names, "account.renamed")
            .await;
        let login = json!({ "login": "walker2", "password": FIRST });
        let (path, begun) = ("/v1/auth/login", "session.begun");
        self.step("post", path, &login, begun).await;
        let sessions = self.client.get("/v1/me/sessions").await.expect(200);
        self.id("session_id", &sessions[0]["id"]);
        let path = "/v1/me/sessions/{session_id}";
        self.step("delete", path, &Value::Null, "session.ended")
            .await;
        let signed_in = self.step("post", "/v1/auth/login", &login, begun).await;
        let token = json!({ "refresh_token": signed_in["refresh_token"] });
        self.step("post", "/v1/auth/logout", &token, "session.ended")
            .await;
        let change = json!({ "current_password": FIRST, "new_password": SECOND });
        let path = "/v1/me/password";
        self.step("post", path, &change, "password.changed").await;
        let none = Value::Null;
        let key = json!({ "name": "k", "scopes": ["runs.read"] });
        let key = self
            .step("post", "/v1/api-keys", &key, "api_key.created")
            .await;
        self.id("api_key_id", &key["id"]);
        let path = "/v1/api-keys/{api_key_id}";
        self.step("delete", path, &none, "api_key.revoked").await;
        let thread = self.client.thread().await;
        self.id("thread_id", &thread.into());
        let path = "/v1/threads/{thread_id}";
        self.step("delete", path, &none, "thread.deleted").await;
    }

    async fn members(&mut self) {
        let none = Value::Null;
        let path = "/v1/invitations/{invitation_id}";
        self.step("delete", path, &none, "invitation.withdrawn")
            .await;
        let anybody = self.anybody.clone();
        let (path, invited) = ("/v1/invitations", "invitation.created");
        let invitation = json!({ "email": "new@example.com", "role": "member" });
        let token = self.step("post", path, &invitation, invited).await["token"].clone();
        let person = json!({
            "login": "new", "email": "new@example.com", "password": FIRST, "invitation": token,
        });
        let route = ("post", "/v1/auth/register");
        let person = self
            .step_by(&anybody, route, &person, "account.registered")
            .await;
        self.id("user_id", &person["user_id"]);
        let path = "/v1/members/{user_id}:reset-password";
        let issued = self
            .step("post", path, &none, "password.reset_issued")
            .await;
        let reset = json!({ "token": issued["token"], "new_password": THIRD });
        let route = ("post", "/v1/auth/reset");
        self.step_by(&anybody, route, &reset, "password.reset")
            .await;
        let role = json!({ "role": "viewer" });
        let path = "/v1/members/{user_id}";
        self.step("patch", path, &role, "member.changed").await;
        self.step("delete", path, &none, "member.removed").await;

        let guest = self.client.stranger("visitor").await;
        let invitation = json!({ "email": "visitor@example.com", "role": "viewer" });
        let token = self
            .step("post", "/v1/invitations", &invitation, invited)
            .await;
        let token = json!({ "token": token["token"] });
        let route = ("post", "/v1/invitations:accept");
        self.step_by(&guest, route, &token, "member.joined").await;
        let service = json!({ "name": "cd", "role": "member" });
        let path = "/v1/service-accounts";
        let service = self
            .step("post", path, &service, "service_account.created")
            .await;
        self.id("user_id", &service["id"]);
        let path = "/v1/service-accounts/{user_id}";
        let name = json!({ "name": "other" });
        self.step("patch", path, &name, "member.changed").await;
        self.step("delete", path, &none, "member.removed").await;
        self.step("patch", "/v1/org", &name, "organisation.changed")
            .await;
    }

    /// Makes, changes and deletes a thing.
    async fn thing(
        &mut self,
        (list, one): (&str, &str),
        id: &'static str,
        (new, patch): (Value, Value),
        kind: &str,
    ) {
        let made = self
            .step("post", list, &new, &format!("{kind}.created"))
            .await;
        self.id(id, &made["id"]);
        self.step("patch", one, &patch, &format!("{kind}.changed"))
            .await;
        let gone = format!("{kind}.deleted");
        self.step("delete", one, &Value::Null, &gone).await;
        self.ids.remove(0);
    }

    async fn configuration(&mut self) {
        let paths = ("/v1/llm-credentials", "/v1/llm-credentials/{credential_id}");
        let new = json!({
            "provider": "openai_chat", "name": "n", "base_url": "http://127.0.0.1:9/v1",
            "api_key": CANARY,
        });
        let bodies = (new, json!({ "name": "m" }));
        self.thing(paths, "credential_id", bodies, "credential")
            .await;
        let credential = fill("{credential_id}", &self.ids);
        let paths = ("/v1/llm-routes", "/v1/llm-routes/{route_id}");
        let new = json!({ "credential_id": credential, "model": "m" });
        let bodies = (new, json!({ "model": "n" }));
        self.thing(paths, "route_id", bodies, "route").await;
        let persona = json!({ "key": "walked", "prompt": "x" });
        let (path, written) = ("/v1/personas", "persona.written");
        self.step("post", path, &persona, written).await;
        self.ids.insert(0, ("persona_key", "walked".to_owned()));
        let path = "/v1/personas/{persona_key}/versions";
        self.step("post", path, &json!({ "prompt": "y" }), written)
            .await;
        let path = "/v1/personas/{persona_key}";
        self.step("delete", path, &Value::Null, "persona.deleted")
            .await;
    }

    async fn tools(&mut self) {
        let path = "/v1/mcp-servers/{server_id}:approve";
        let approved = "mcp_server.tools_approved";
        self.step("post", path, &json!({}), approved).await;
        let paths = ("/v1/mcp-servers", "/v1/mcp-servers/{server_id}");
        let new = json!({
            "key": "b", "url": "http://127.0.0.1:9/mcp",
            "auth": { "kind": "bearer", "token": CANARY },
        });
        let bodies = (new, json!({ "name": "m" }));
        self.thing(paths, "server_id", bodies, "mcp_server").await;
        let paths = ("/v1/http-tools", "/v1/http-tools/{tool_id}");
        let new = json!({
            "name": "b", "description": "d", "schema": { "type": "object" },
            "url": "http://127.0.0.1:9/", "signing_secret": CANARY,
        });
        let bodies = (new, json!({ "description": "e" }));
        self.thing(paths, "tool_id", bodies, "http_tool").await;
    }

    async fn money(&mut self) {
        let paths = ("/v1/budgets", "/v1/budgets/{budget_id}");
        let new = json!({ "scope": "organisation", "period": "month", "max_tokens": 1_000_000 });
        let bodies = (new, json!({ "max_tokens": 2_000_000 }));
        self.thing(paths, "budget_id", bodies, "budget").await;
        for (path, credits) in [("/v1/credits:topup", 5), ("/v1/credits:adjust", -1)] {
            let body = json!({ "credits": credits });
            self.step("post", path, &body, "credits.added").await;
        }
    }
}

/// Query strings, and how many of the records each finds.
pub(super) fn filters(records: &[Value]) -> Vec<(String, usize)> {
    let count = |fits: &dyn Fn(&Value) -> bool| records.iter().filter(|it| fits(it)).count();
    let actor = text(&records[0]["actor"]["user_id"]);
    let subject = text(&records[0]["subject"]["id"]);
    let from = text(&records[9]["created_at"]);
    vec![
        (
            "action=session.ended".to_owned(),
            count(&|it| it["action"] == "session.ended"),
        ),
        (
            format!("limit=200&actor={actor}"),
            count(&|it| it["actor"]["user_id"] == actor.as_str()),
        ),
        (
            format!("limit=200&subject={subject}"),
            count(&|it| it["subject"]["id"] == subject.as_str()),
        ),
        (format!("limit=200&from={from}"), records.len() - 9),
        (format!("limit=200&to={from}"), 9),
        ("limit=3".to_owned(), 3),
    ]
}
