//! Requests made from the document, thousands of them: what it promises, the server keeps.

use std::io::{Write as _, stdout};
use std::time::Duration;

use runloom_tests::{Setup, both_stores};

use super::ran;

const PATIENCE: Duration = Duration::from_secs(170);

/// Event streams don't end, which its checks of answers wait for.
const STREAMS: &str = "/events$";

/// What may be answered to whom, beside what the document says.
const RULES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi/schemathesis.toml");

both_stores! {
    async fn every_request_is_answered_as_promised(store: Store) {
        let node = Setup::new(store).variable("RUNLOOM_LOG", "warn").start().await;
        let authorization = format!("Authorization: Bearer {}", node.key());
        let document = format!("{}/openapi.json", node.base());
        let arguments = [
            "--config-file", RULES,
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
        let cases = said.lines().find_map(|line| line.trim().split_once(" generated, "));
        let (generated, rest) = cases.unwrap_or_else(|| panic!("{said}"));
        assert!(rest.starts_with(&format!("{generated} passed")), "{said}");
        assert!(generated.parse::<u32>().is_ok_and(|cases| cases > 3_000), "{said}");
        // For `--success-output final`.
        writeln!(stdout(), "{generated} cases, none failed").expect("somebody listens");
        node.terminate().await;
    }
}
