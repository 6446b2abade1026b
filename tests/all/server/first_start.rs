use std::path::Path;

use runloom_tests::{Node, Setup, both_stores};
use tokio::process::Command;

/// Runs shell lines as a person would paste them, and returns what they print.
async fn pasted(lines: &str, folder: &Path) -> String {
    let output = Command::new("bash")
        .args(["-e", "-c", lines])
        .current_dir(folder)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .output()
        .await
        .expect("bash runs");
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{lines}\n{printed}\n{errors}");
    printed
}

/// The printed lines that call curl.
fn curl_lines(node: &Node) -> Vec<String> {
    let lines = node.stdout().into_iter();
    lines.filter(|line| line.contains("curl -")).collect()
}

#[track_caller]
fn check_transcript(transcript: &str) {
    for part in ["run.started", "message.delta", "run.completed"] {
        let wanted = format!("\"type\":\"{part}\"");
        assert!(transcript.contains(&wanted), "no {part} in {transcript}");
    }
}

both_stores! {
    async fn the_printed_lines_make_a_run_and_follow_it(store: Store) {
        let node = Setup::new(store).start().await;
        let lines = curl_lines(&node);
        assert_eq!(lines.len(), 3, "{lines:?}");
        let transcript = pasted(&lines.join("\n"), node.data().folder()).await;
        check_transcript(&transcript);
        let key = node.stdout().into_iter().filter(|line| line.starts_with("rl_")).count();
        assert_eq!(key, 1);
        let demo = node.stdout().into_iter().any(|line| line.contains("scripted demo"));
        assert!(demo, "it says that no model is configured");
    }

    async fn the_lines_of_the_readme_work_too(store: Store) {
        let node = Setup::new(store).start().await;
        let readme = include_str!("../../../README.md");
        let block = readme.split("```").find(|block| block.contains("curl -"));
        let block = block.expect("the README shows curl");
        let block = block.split_once('\n').expect("its language").1
            .replace("http://127.0.0.1:8080", node.base());
        assert!(block.contains("KEY=rl_"), "the key is put into a variable: {block}");
        let block: Vec<String> = block.lines().map(|line| {
            if line.starts_with("KEY=rl_") { format!("KEY={}", node.key()) } else { line.to_owned() }
        }).collect();
        let transcript = pasted(&block.join("\n"), node.data().folder()).await;
        check_transcript(&transcript);
    }

    async fn the_owner_can_sign_in_with_the_printed_password(store: Store) {
        let node = Setup::new(store).start().await;
        let lines = node.stdout();
        let at = lines.iter().position(|line| line.contains("with the password"));
        let password = lines[at.expect("it is printed") + 1].trim();
        let body = serde_json::json!({ "login": "owner", "password": password });
        runloom_tests::Client::anonymous(node.base())
            .post("/v1/auth/login", &body).await.expect(200);
    }

    async fn later_starts_print_no_key(store: Store) {
        let node = Setup::new(store).start().await;
        let (key, client) = (node.key().to_owned(), node.client());
        client.get("/v1/me").await.expect(200);
        let node = node.terminate().await.restart().await;
        let printed = node.stdout().join("\n");
        assert!(!printed.contains(&key) && !printed.contains("rl_"), "{printed}");
        assert!(printed.contains("was printed at the first start"), "{printed}");
        node.client().get("/v1/me").await.expect(200);
    }

    async fn benchmark_routes_exist_when_asked_for(store: Store) {
        let node = Setup::new(store).variable("RUNLOOM_BENCH", "1").start().await;
        let client = node.client();
        let thread = client.thread().await;
        let body = serde_json::json!({ "route_id": "fake-b" });
        let events = client.follow(&client.run_in(&thread, &body).await).await;
        runloom_tests::check_ended(&events, "run.completed");
        let deltas: Vec<_> = events.iter().filter(|e| e.kind == "message.delta").collect();
        assert_eq!(deltas.len(), 50);
        assert_eq!((&deltas[0].data["content"], &deltas[49].data["content"]),
            (&serde_json::json!("w00 "), &serde_json::json!("w49 ")));
        assert_eq!(events.iter().filter(|e| e.kind == "tool.result").count(), 1);
    }
}
