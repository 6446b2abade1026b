//! The organisations whose runs are compared.

use super::{Kind, WORDS, provider};
use crate::bench::load::Target;
use crate::bench::load::wire::Connection;
use crate::bench::server::Server;
use anyhow::{Context as _, Result};
use serde_json::{Value, json};

/// Routes that a run has to choose from.
const ROUTES: usize = 20;
/// Those of them that an answer's route falls back to, one after the other.
const SPARES: usize = 2;

pub(super) struct Organisation {
    pub(super) id: String,
    /// What its runs are started with.
    pub(super) key: String,
}

/// Registers somebody with an organisation and configures that as its kind says.
pub(super) async fn make(server: &Server, kind: Kind, url: &str) -> Result<Organisation> {
    let login = kind.as_str();
    let somebody = json!({ "login": login, "email": format!("{login}@example.com"),
        "password": "a long enough passphrase" });
    let mut connection = server.connect().await?;
    let registered = post(&mut connection, "/v1/auth/register", &somebody).await?;
    let target = Target {
        key: text(&registered, "access_token")?,
        ..server.target()
    };
    let mut connection = target.connect().await?;
    let me = connection.call("GET", "/v1/me", "", 200).await?;
    let me: Value = serde_json::from_slice(&me).context("no account")?;
    if kind.is_routed() {
        configure(&mut connection, kind, url).await?;
    }
    if kind.is_budgeted() {
        limit(&mut connection, &text(&me, "user_id")?).await?;
    }
    let scopes = ["runs.read", "runs.write", "threads.read", "threads.write"];
    let key = json!({ "name": "bench", "scopes": scopes });
    let key = post(&mut connection, "/v1/api-keys", &key).await?;
    Ok(Organisation {
        id: text(&me, "org_id")?,
        key: text(&key, "key")?,
    })
}

/// A credential and routes. Runs find theirs by a rule; the others are in the way.
async fn configure(connection: &mut Connection, kind: Kind, url: &str) -> Result<()> {
    let credential = json!({ "provider": "openai_chat", "name": "bench", "base_url": url,
        "api_key": "sk-of-the-benchmark-0123456789" });
    let credential = post(connection, "/v1/llm-credentials", &credential).await?;
    let mut route = json!({
        "credential_id": text(&credential, "id")?,
        "rate": { "requests_per_minute": 10_000_000, "tokens_per_minute": 1_000_000_000_000_u64,
            "concurrency": 10_000 },
    });
    if kind.is_priced() {
        route["prices"] = json!({ "input": 2, "cache_read": "0.5", "output": 8 });
    }
    let mut fallback = Value::Null;
    for _ in 0..SPARES {
        fallback = json!(
            add(
                connection,
                &route,
                "spare",
                json!({ "tier": "spare" }),
                fallback
            )
            .await?
        );
    }
    for other in 0..ROUTES - SPARES - WORDS.len() {
        let rule = json!({ "tier": format!("other-{other}"), "words": 0 });
        add(connection, &route, "other", rule, fallback.clone()).await?;
    }
    for words in WORDS {
        let rule = json!({ "tier": "gold", "words": words });
        add(
            connection,
            &route,
            &provider::model(words),
            rule,
            fallback.clone(),
        )
        .await?;
    }
    Ok(())
}

async fn add(
    connection: &mut Connection,
    like: &Value,
    model: &str,
    metadata: Value,
    fallback: Value,
) -> Result<String> {
    let mut route = like.clone();
    route["model"] = json!(model);
    route["when"] = json!({ "metadata": metadata });
    route["fallback_route_id"] = fallback;
    text(&post(connection, "/v1/llm-routes", &route).await?, "id")
}

/// Budgets that are never used up.
async fn limit(connection: &mut Connection, user: &str) -> Result<()> {
    for (scope, id) in [("organisation", None), ("user", Some(user))] {
        for period in ["day", "month"] {
            let mut budget = json!({ "scope": scope, "period": period,
                "max_cost_usd": 1_000_000, "max_tokens": 1_000_000_000_000_u64 });
            if let Some(id) = id {
                budget["scope_id"] = json!(id);
            }
            post(connection, "/v1/budgets", &budget).await?;
        }
    }
    Ok(())
}

async fn post(connection: &mut Connection, path: &str, body: &Value) -> Result<Value> {
    let answer = connection.call("POST", path, &body.to_string(), 201).await;
    let answer = answer.with_context(|| format!("POST {path}"))?;
    serde_json::from_slice(&answer).with_context(|| format!("POST {path} answered no JSON"))
}

fn text(answer: &Value, field: &str) -> Result<String> {
    let text = answer[field].as_str();
    Ok(text
        .with_context(|| format!("no {field} in {answer}"))?
        .to_owned())
}
