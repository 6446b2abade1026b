//! Somebody else's service on which tools have effects. It outlives every server, and so knows
//! what really happened.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::BufReader;
use tokio::net::{TcpListener, TcpStream};

use crate::provider::Reply;
use crate::provider::serve::{answer, read_request};

/// The service; it stops when it is dropped.
#[derive(Debug)]
pub struct Ledger {
    url: String,
    shared: Arc<Shared>,
    acceptor: tokio::task::JoinHandle<()>,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effect {
    /// The idempotency key that came with it.
    pub key: String,
    /// The run that wanted it.
    pub run: String,
    /// Which of the run's calls it was, by their argument `n`.
    pub n: u64,
}

#[derive(Debug, Default)]
struct Shared {
    pages: Mutex<Pages>,
}

#[derive(Default)]
struct Pages {
    effects: Vec<Effect>,
    seed: u64,
    then: Option<Then>,
}

/// What is to be done after so many effects.
type Then = (usize, Box<dyn FnOnce() + Send>);

impl std::fmt::Debug for Pages {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pages")
            .field("effects", &self.effects)
            .finish_non_exhaustive()
    }
}

impl Ledger {
    /// Starts the service, which has seen nothing yet.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("a port is free");
        let address = listener.local_addr().expect("it is bound");
        let shared = Arc::new(Shared::default());
        let serving = Arc::clone(&shared);
        let acceptor = tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                tokio::spawn(serve(connection, Arc::clone(&serving)));
            }
        });
        Self {
            url: format!("http://{address}/effects"),
            shared,
            acceptor,
        }
    }

    /// Where an HTTP tool has its effects, by an argument `n` that tells the calls of a run apart.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Forgets what has happened, takes other times from now on, and does something when so many
    /// effects have happened, before whoever wanted the last of them hears of it.
    pub fn begin(&self, seed: u64, after: usize, then: impl FnOnce() + Send + 'static) {
        let mut pages = self.shared.pages.lock().expect("nobody panics");
        *pages = Pages {
            seed,
            ..Pages::default()
        };
        if after == 0 {
            then();
        } else {
            pages.then = Some((after, Box::new(then)));
        }
    }

    /// What has happened, in its order.
    pub fn effects(&self) -> Vec<Effect> {
        let pages = self.shared.pages.lock().expect("nobody panics");
        pages.effects.clone()
    }
}

impl Drop for Ledger {
    fn drop(&mut self) {
        self.acceptor.abort();
    }
}

impl Shared {
    /// How long the next effect takes: up to 3 ms, by the seed and by how many there were.
    fn pause(&self) -> Duration {
        let pages = self.pages.lock().expect("nobody panics");
        let mixed = (pages.seed + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mixed = (mixed ^ pages.effects.len() as u64).wrapping_mul(0xD6E8_FEB8_6659_FD93);
        Duration::from_micros((mixed >> 40) % 3_000)
    }

    fn add(&self, effect: Effect) {
        let mut pages = self.pages.lock().expect("nobody panics");
        pages.effects.push(effect);
        let now = pages.effects.len();
        if let Some((_, then)) = pages.then.take_if(|(after, _)| *after == now) {
            then();
        }
    }
}

/// One request a connection.
async fn serve(connection: TcpStream, shared: Arc<Shared>) -> io::Result<()> {
    connection.set_nodelay(true)?;
    let (read, mut write) = connection.into_split();
    let request = read_request(&mut BufReader::new(read)).await?;
    tokio::time::sleep(shared.pause()).await;
    let key = request.headers.get("idempotency-key");
    let n = request.body["arguments"]["n"].as_u64().unwrap_or_default();
    shared.add(Effect {
        key: key.cloned().unwrap_or_default(),
        run: request.body["run_id"]
            .as_str()
            .unwrap_or_default()
            .to_owned(),
        n,
    });
    answer(&mut write, Reply::whole(200, &format!("done {n}"))).await
}
