//! The document that describes the API, and the pages that show it.

mod lint;
mod schemathesis;

use std::process::Stdio;
use std::time::Duration;

use runloom_tests::{Client, Setup, both_stores};
use tokio::process::Command;

/// What the program that a variable names says, which must be content.
async fn ran(variable: &str, arguments: &[&str], patience: Duration) -> String {
    let program = std::env::var(variable)
        .unwrap_or_else(|_| panic!("{variable} is not set; `cargo xtask test` sets it"));
    // What it keeps of one run must not change the next.
    let folder = tempfile::tempdir().expect("a folder can be made");
    let mut command = Command::new(program);
    command
        .args(arguments)
        .current_dir(&folder)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let output = tokio::time::timeout(patience, command.output()).await;
    let output = output
        .unwrap_or_else(|_| panic!("{variable} takes too long"))
        .expect("it runs");
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    assert!(output.status.success(), "{said}");
    said
}

both_stores! {
    async fn it_is_served_to_everybody(store: Store) {
        let node = Setup::new(store).start().await;
        let anonymous = Client::anonymous(node.base());
        let document = anonymous.get("/openapi.json").await.expect(200);
        assert!(document["openapi"].as_str().is_some_and(|version| version.starts_with("3.")));
        for path in ["/v1/threads/{thread_id}/runs", "/v1/runs/{run_id}:cancel",
            "/v1/runs/{run_id}/events", "/v1/runs/{run_id}/input", "/v1/runs"] {
            assert!(document["paths"].get(path).is_some(), "{path}");
        }
        let page = anonymous.get("/docs").await;
        assert_eq!(page.status, 200);
        assert!(page.header("content-type").starts_with("text/html"));
        for elsewhere in ["src=\"http", "href=\"http", "//cdn"] {
            assert!(!page.body.contains(elsewhere), "the page needs nothing from elsewhere");
        }
    }
}
