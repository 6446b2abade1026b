//! Requests made from the document, thousands of them: what it promises, the server keeps.

use std::path::Path;
use std::time::Duration;

use runloom_tests::{Setup, both_stores};

use super::ran;

const PATIENCE: Duration = Duration::from_secs(170);

/// Event streams don't end, which its checks of answers wait for.
const STREAMS: &str = "/events$";

both_stores! {
    async fn every_request_is_answered_as_promised(store: Store) {
        let node = Setup::new(store).variable("RUNLOOM_LOG", "warn").start().await;
        let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi/schemathesis.toml");
        let authorization = format!("Authorization: Bearer {}", node.key());
        let document = format!("{}/openapi.json", node.base());
        let arguments = [
            "--config-file", config.to_str().expect("UTF-8"),
            "run", &document,
            "--header", &authorization,
            "--checks", "all",
            "--phases", "examples,coverage,fuzzing",
            "--max-examples", "5",
            "--generation-deterministic",
            "--continue-on-failure",
            "--exclude-path-regex", STREAMS,
            "--request-timeout", "10",
            "--no-color",
        ];
        let said = ran("RUNLOOM_TEST_SCHEMATHESIS", &arguments, PATIENCE).await;
        let cases = said.lines().find(|line| line.contains("generated"));
        assert!(cases.is_some_and(|line| line.contains("passed")), "{said}");
        node.terminate().await;
    }
}
