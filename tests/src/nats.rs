use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::process::{Child, Command};

use crate::soon;

/// A NATS server that can be killed, frozen and started again on its port. Dropping it ends it.
#[derive(Debug)]
pub struct Nats {
    port: u16,
    monitor: u16,
    arguments: Vec<String>,
    child: Option<Child>,
}

impl Nats {
    /// Starts a server with further arguments, and waits until it is ready.
    pub async fn start(arguments: &[&str]) -> Self {
        let mut nats = Self::absent(arguments);
        nats.again().await;
        nats
    }

    /// One that has a port but doesn't run yet.
    pub fn absent(arguments: &[&str]) -> Self {
        let [port, monitor] = free_ports();
        Self {
            port,
            monitor,
            arguments: arguments.iter().map(ToString::to_string).collect(),
            child: None,
        }
    }

    /// `127.0.0.1:port`.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Starts it on its port, and waits until it is ready.
    pub async fn again(&mut self) {
        let program = std::env::var("RUNLOOM_TEST_NATS")
            .expect("RUNLOOM_TEST_NATS is not set; `cargo xtask test` sets it");
        let child = Command::new(program)
            .args(["-a", "127.0.0.1", "-p", &self.port.to_string()])
            .args(["-m", &self.monitor.to_string()])
            .args(&self.arguments)
            .kill_on_drop(true)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("nats-server starts");
        self.child = Some(child);
        soon("nats-server", async {
            while self.asked("healthz").await.is_none() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await;
    }

    /// kill -9, and waits until the process is gone.
    pub async fn kill(&mut self) {
        let mut child = self.child.take().expect("it runs");
        child.kill().await.expect("it ends");
    }

    /// Sends the process a signal.
    pub fn signal(&self, signal: Signal) {
        let id = self.child.as_ref().and_then(Child::id).expect("it runs");
        let pid = Pid::from_raw(i32::try_from(id).expect("a pid")).expect("a pid");
        kill_process(pid, signal).expect("it runs");
    }

    /// Waits until so many clients have joined a subject.
    pub async fn joined(&self, clients: u64) {
        soon("the nodes at NATS", async {
            while self.subscriptions().await != clients {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await;
    }

    /// Subscriptions of clients; those of the server itself belong to another account.
    async fn subscriptions(&self) -> u64 {
        let all = self.asked("connz?subs=1").await.unwrap_or_default();
        let connections = all["connections"].as_array().into_iter().flatten();
        connections
            .filter_map(|client| client["subscriptions_list"].as_array())
            .map(|subjects| subjects.len() as u64)
            .sum()
    }

    async fn asked(&self, path: &str) -> Option<Value> {
        let url = format!("http://127.0.0.1:{}/{path}", self.monitor);
        let asked = crate::client::http().get(url).send().await.ok()?;
        asked.error_for_status().ok()?.json().await.ok()
    }
}

fn free_ports() -> [u16; 2] {
    let bound = [(); 2].map(|()| std::net::TcpListener::bind("127.0.0.1:0").expect("a port"));
    bound.map(|listener| listener.local_addr().expect("it is bound").port())
}
