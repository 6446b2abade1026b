//! A model provider that speaks the chat completions API and does what it is told, whole or
//! broken, and writes down what was asked of it and who hung up.

mod reply;
pub(crate) mod serve;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::watch;

pub use reply::{Piece, Reply};

use crate::soon;

/// The provider; it stops when it is dropped.
#[derive(Debug)]
pub struct Provider {
    url: String,
    shared: Arc<Shared>,
    acceptor: tokio::task::JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    /// What the next requests get; the last one stays.
    replies: Mutex<Vec<Reply>>,
    requests: watch::Sender<Vec<Request>>,
    hung_up: watch::Sender<usize>,
}

/// A request that the provider got.
#[derive(Clone, Debug)]
pub struct Request {
    /// Headers by lower-case name.
    pub headers: BTreeMap<String, String>,
    /// The body; null when there is none.
    pub body: Value,
    /// Its bytes, as text.
    pub text: String,
    /// When it was whole.
    pub at: Instant,
}

impl Provider {
    /// Starts a provider that gives these replies, one a request; the last one again and again.
    pub async fn start<const N: usize>(replies: [Reply; N]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("a port is free");
        let address = listener.local_addr().expect("it is bound");
        let shared = Arc::new(Shared {
            replies: Mutex::new(replies.into()),
            requests: watch::Sender::default(),
            hung_up: watch::Sender::default(),
        });
        let acceptor = tokio::spawn(serve::accept(listener, Arc::clone(&shared)));
        Self {
            url: format!("http://{address}/v1"),
            shared,
            acceptor,
        }
    }

    /// Its base URL.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Replaces what the next requests get.
    pub fn now_replies<const N: usize>(&self, replies: [Reply; N]) {
        *self.shared.replies.lock().expect("nobody panics") = replies.into();
    }

    /// The requests so far.
    pub fn requests(&self) -> Vec<Request> {
        self.shared.requests.borrow().clone()
    }

    /// The `n`-th request, from 1, once it has come.
    pub async fn request(&self, n: usize) -> Request {
        let mut requests = self.shared.requests.subscribe();
        let all = soon("a request", requests.wait_for(|all| all.len() >= n)).await;
        all.expect("the sender is ours")[n - 1].clone()
    }

    /// Waits until `n` clients have closed their connection before the answer's end.
    pub async fn hung_up(&self, n: usize) {
        let mut count = self.shared.hung_up.subscribe();
        let waited = soon("a closed connection", count.wait_for(|&count| count >= n)).await;
        waited.expect("the sender is ours");
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.acceptor.abort();
    }
}

impl Shared {
    fn take_reply(&self) -> Reply {
        let mut replies = self.replies.lock().expect("nobody panics");
        if replies.len() > 1 {
            replies.remove(0)
        } else {
            replies.first().expect("a provider has a reply").clone()
        }
    }
}
