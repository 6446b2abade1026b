//! What the nodes are told.

use std::path::Path;

/// Of all nodes, in hexadecimal.
const MASTER_KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

/// Routes and personas. Tries are many and waits short, so that a run rarely fails for the
/// faults of its provider alone.
pub(crate) fn toml(provider: u16) -> String {
    format!(
        r#"
[[routes]]
route_id = "mock"
model = "mock-1"
base_url = "http://127.0.0.1:{provider}/v1"
default = true
prices = {{ input = 1.5, output = 6.25 }}
timeouts = {{ header_ms = 10000, idle_ms = 10000 }}
backoff = {{ max_attempts = 6, base_ms = 100, cap_ms = 1000 }}

[[personas]]
key = "worker"
prompt = "Work."
tools = ["effect_once", "effect_keyed", "effect_pure", "calculator", "ask_user"]

[[personas]]
key = "asker"
prompt = "Ask, then work."
tools = ["effect_once", "effect_keyed", "effect_pure", "calculator", "ask_user"]
approvals = {{ tools = {{ effect_once = "ask" }} }}
"#
    )
}

/// Variables that are the same for each start of a node.
pub(super) fn environment(config: &Path, database: u16, nats: u16) -> Vec<(&'static str, String)> {
    let database = format!("postgres://postgres@127.0.0.1:{database}/postgres");
    let mut environment = common(config);
    environment.push(("RUNLOOM_DATABASE_URL", database));
    environment.push(("RUNLOOM_NATS_URL", format!("nats://127.0.0.1:{nats}")));
    environment
}

/// What doesn't depend on where the data is.
pub(crate) fn common(config: &Path) -> Vec<(&'static str, String)> {
    vec![
        ("RUNLOOM_MODE", "development".to_owned()),
        ("RUNLOOM_CONFIG", config.display().to_string()),
        ("RUNLOOM_MASTER_KEY", MASTER_KEY.to_owned()),
        ("RUNLOOM_HTTP_WORKERS", "1".to_owned()),
        ("NO_COLOR", "1".to_owned()),
    ]
}
