//! Servers by streamable HTTP.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use runloom_domain::{InputAction, ToolInput};
use runloom_engine::port::tool::{Tool as _, ToolReply};
use runloom_net::guard::{Guard, Policy};
use runloom_tools::mcp::{Auth, McpServerSpec, Pool, PoolOptions, Secret, Transport};
use serde_json::{Value, json};

use crate::support::{answered, call, client, context, failure, memory, pool, tool};

struct Faulty {
    process: Child,
    port: u16,
}

impl Faulty {
    fn start(fault: &str) -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/mcp/faulty_http.py");
        let mut process = Command::new("python3")
            .args([script, fault])
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdout(Stdio::piped())
            // What it says about connections that we cut is no news.
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut port = String::new();
        let stdout = process.stdout.take().unwrap();
        BufReader::new(stdout).read_line(&mut port).unwrap();
        let port = port.trim().parse().unwrap();
        Self { process, port }
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    fn spec(&self, auth: Auth) -> McpServerSpec {
        let url = self.url("/mcp");
        let mut spec = McpServerSpec::new("http", "http", Transport::Http { url, auth });
        spec.limits.start = Duration::from_secs(15);
        spec.limits.call = Duration::from_secs(10);
        spec
    }

    fn credentials(&self) -> Auth {
        Auth::ClientCredentials {
            token_url: self.url("/token"),
            client_id: "an id".into(),
            secret: Secret::new("a:secret".into()),
            scope: None,
        }
    }

    async fn seen(&self) -> Value {
        let seen = client().get(self.url("/seen")).send().await.unwrap();
        seen.json().await.unwrap()
    }
}

impl Drop for Faulty {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_are_answered() {
    let faulty = Faulty::start("none");
    let pool = pool();
    let server = pool.server(faulty.spec(Auth::None));
    let echo = tool(&server, "echo").await;
    assert_eq!(call(&echo, json!({"a": 1})).await.unwrap(), r#"{"a": 1}"#);
    assert_eq!(faulty.seen().await["initialized"], 1);
    pool.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_is_nobodys_is_refused() {
    let faulty = Faulty::start("none");
    let pool = Pool::new(Guard::new(Policy::default()), PoolOptions::default());
    let server = pool.server(faulty.spec(Auth::None));
    let error = server.catalog().await.unwrap_err().to_string();
    assert!(error.contains("127.0.0.1 is a loopback address"), "{error}");
    assert_eq!(faulty.seen().await["initialized"], 0);
    pool.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_is_not_followed() {
    let faulty = Faulty::start("redirect");
    let pool = pool();
    let error = pool.server(faulty.spec(Auth::None)).catalog().await;
    let error = error.unwrap_err().to_string();
    assert!(error.contains("307"), "{error}");
    pool.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_are_kept_and_replaced_when_they_are_refused() {
    let faulty = Faulty::start("auth");
    let pool = pool();
    let server = pool.server(faulty.spec(faulty.credentials()));
    let echo = tool(&server, "echo").await;
    call(&echo, json!({})).await.unwrap();
    let seen = faulty.seen().await;
    assert_eq!(seen["tokens"], 1);
    let form = seen["resource"].as_str().unwrap();
    assert!(
        form.contains("grant_type=client_credentials&resource=http"),
        "{form}"
    );
    client().post(faulty.url("/revoke")).send().await.unwrap();
    call(&echo, json!({})).await.unwrap();
    assert_eq!(faulty.seen().await["tokens"], 2);
    pool.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_over_is_not_used() {
    let faulty = Faulty::start("auth-short");
    let pool = pool();
    let server = pool.server(faulty.spec(faulty.credentials()));
    let echo = tool(&server, "echo").await;
    let until = Instant::now() + Duration::from_secs(10);
    while faulty.seen().await["tokens"] == 1 {
        assert!(Instant::now() < until, "no second token");
        call(&echo, json!({})).await.unwrap();
    }
    pool.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_credentials_say_so() {
    let faulty = Faulty::start("auth");
    let pool = pool();
    let bearer = Auth::Bearer(Secret::new("wrong".into()));
    let error = pool.server(faulty.spec(bearer)).catalog().await;
    let error = error.unwrap_err().to_string();
    assert!(error.contains("401"), "{error}");
    let wrong = Auth::ClientCredentials {
        token_url: faulty.url("/token"),
        client_id: "nobody".into(),
        secret: Secret::new("guess".into()),
        scope: None,
    };
    let error = pool.server(faulty.spec(wrong)).catalog().await;
    let error = error.unwrap_err().to_string();
    assert!(error.contains("the OAuth server answers 401"), "{error}");
    pool.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_is_over_is_begun_anew() {
    let faulty = Faulty::start("session");
    let pool = pool();
    let server = pool.server(faulty.spec(Auth::None));
    call(&tool(&server, "echo").await, json!({})).await.unwrap();
    assert_eq!(faulty.seen().await["initialized"], 2);
    pool.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_are_told_apart() {
    for (fault, expected) in [
        ("error", "tool.outcome_unknown"),
        ("busy", "tool.unavailable"),
        ("refuses", "tool.failed"),
    ] {
        let faulty = Faulty::start(fault);
        let pool = pool();
        let (class, message) = failure(&pool.server(faulty.spec(Auth::None))).await;
        assert_eq!(class, expected, "{fault}: {message}");
        assert_eq!(faulty.seen().await["calls"], 1, "it isn't called again");
        pool.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_hangs_is_cancelled() {
    let faulty = Faulty::start("hang");
    let pool = pool();
    let mut spec = faulty.spec(Auth::None);
    spec.limits.call = Duration::from_millis(300);
    let (class, message) = failure(&pool.server(spec)).await;
    assert_eq!(class, "tool.outcome_unknown", "{message}");
    let until = Instant::now() + Duration::from_secs(10);
    while faulty.seen().await["cancelled"] == 0 {
        assert!(Instant::now() < until, "the server isn't told");
    }
    pool.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_without_bounds_dont_take_our_memory() {
    for fault in ["huge", "huge-event", "flood"] {
        let faulty = Faulty::start(fault);
        let pool = pool();
        let mut spec = faulty.spec(Auth::None);
        spec.limits.call = Duration::from_secs(3);
        let server = pool.server(spec);
        let before = memory("VmRSS");
        let (class, message) = failure(&server).await;
        assert_eq!(class, "tool.outcome_unknown", "{message}");
        let grown = memory("VmHWM").saturating_sub(before);
        assert!(grown < 64, "{fault}: {grown} MiB");
        pool.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_forgets_gets_its_call_again_with_the_answers() {
    let faulty = Faulty::start("modern");
    let (here, there) = (pool(), pool());
    let echo = tool(&here.server(faulty.spec(Auth::None)), "echo").await;
    let far = tool(&there.server(faulty.spec(Auth::None)), "echo").await;
    let mut context = context();
    let mut prompts = Vec::new();
    let mut reply = echo.call(context.clone(), json!({})).await.unwrap();
    while let ToolReply::NeedsInput(question) = reply {
        prompts.push(question.prompt.clone());
        let action = InputAction::Accept(json!({"name": question.prompt}));
        let state = question.state;
        context = answered(&context, ToolInput { action, state });
        // Any process may go on.
        reply = far.call(context.clone(), json!({})).await.unwrap();
    }
    assert_eq!(prompts, ["One?", "Two?"]);
    let ToolReply::Output(said) = reply else {
        panic!("no output: {reply:?}")
    };
    let said: Value = serde_json::from_str(&said).unwrap();
    let accepted = |name: &str| json!({"action": "accept", "content": {"name": name}});
    assert_eq!(
        said,
        json!(["second", {"a": accepted("One?"), "b": accepted("Two?")}])
    );
    assert_eq!(faulty.seen().await["calls"], 3);
    assert_eq!(faulty.seen().await["initialized"], 0);
    here.shutdown().await;
    there.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_always_wants_more_is_given_up() {
    let faulty = Faulty::start("modern-insatiable");
    let pool = pool();
    let (class, message) = failure(&pool.server(faulty.spec(Auth::None))).await;
    assert_eq!(class, "tool.failed", "{message}");
    assert_eq!(faulty.seen().await["calls"], 10);
    pool.shutdown().await;
}
