use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use crate::{Client, soon};

/// What a server shows Prometheus.
#[derive(Clone, Debug)]
pub struct Metrics {
    /// As it came.
    pub text: String,
    samples: BTreeMap<String, f64>,
}

impl Metrics {
    /// Asks a server.
    pub async fn of(client: &Client) -> Self {
        let answer = client.get("/metrics").await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let format = "text/plain; version=0.0.4; charset=utf-8";
        assert_eq!(answer.header("content-type"), format);
        let lines = answer.body.lines().filter(|line| !line.starts_with('#'));
        let samples = lines.map(|line| {
            let (name, value) = line.rsplit_once(' ').expect("a name and a value");
            (name.to_owned(), value.parse().expect("a number"))
        });
        Self {
            samples: samples.collect(),
            text: answer.body,
        }
    }

    /// Asks a server until a sample is at least so high.
    pub async fn until(client: &Client, name: &str, least: f64) -> Self {
        soon(name, async {
            loop {
                let metrics = Self::of(client).await;
                if metrics.get(name) >= least {
                    return metrics;
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        })
        .await
    }

    /// A sample, named with its labels in the order of their names.
    #[track_caller]
    pub fn get(&self, name: &str) -> f64 {
        let sample = self.samples.get(name).copied();
        sample.unwrap_or_else(|| panic!("no {name} in\n{}", self.text))
    }

    /// Has Prometheus's own tool look at it, which finds no fault.
    pub async fn check(&self) {
        let program = std::env::var("RUNLOOM_TEST_PROMTOOL")
            .expect("RUNLOOM_TEST_PROMTOOL is not set; `cargo xtask test` sets it");
        let mut promtool = Command::new(program)
            .args(["check", "metrics"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("promtool starts");
        let mut input = promtool.stdin.take().expect("it is piped");
        let written = input.write_all(self.text.as_bytes()).await;
        written.expect("promtool reads");
        drop(input);
        let output = soon("promtool", promtool.wait_with_output()).await;
        let output = output.expect("promtool ends");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && said.is_empty(), "{said}");
    }
}
