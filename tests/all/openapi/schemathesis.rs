//! Requests made from the document, thousands of them: what it promises, the server keeps.

use std::time::Duration;

use runloom_tests::{Setup, both_stores};

use super::ran;

const PATIENCE: Duration = Duration::from_secs(170);

/// Event streams don't end, which its checks of answers wait for.
const STREAMS: &str = "/events$";

/// Whether a body is taken also depends on what a schema can't say: that a route is there, that
/// one time is before another, where a URL leads.
const RULES: &str = "positive_data_acceptance,negative_data_rejection";

both_stores! {
    async fn every_request_is_answered_as_promised(store: Store) {
        let node = Setup::new(store).variable("RUNLOOM_LOG", "warn").start().await;
        let authorization = format!("Authorization: Bearer {}", node.key());
        let document = format!("{}/openapi.json", node.base());
        let arguments = [
            "run", &document,
            "--header", &authorization,
            "--checks", "all",
            "--exclude-checks", RULES,
            "--phases", "examples,coverage,fuzzing",
            "--max-examples", "5",
            "--generation-deterministic",
            "--continue-on-failure",
            "--exclude-path-regex", STREAMS,
            "--request-timeout", "10",
            "--no-color",
        ];
        let said = ran("RUNLOOM_TEST_SCHEMATHESIS", &arguments, PATIENCE).await;
        let cases = said.lines().find_map(|line| line.trim().split_once(" generated, "));
        let (generated, rest) = cases.unwrap_or_else(|| panic!("{said}"));
        assert!(rest.starts_with(&format!("{generated} passed")), "{said}");
        assert!(generated.parse::<u32>().is_ok_and(|cases| cases > 3_000), "{said}");
        node.terminate().await;
    }
}
