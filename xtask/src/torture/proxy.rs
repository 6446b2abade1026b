//! A TCP proxy between one node and a server behind it, which delays, holds and cuts.

use anyhow::{Context, Result};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What tells a write of the database from a read: the types of events, and the end of a
/// transaction.
const WRITES: [&[u8]; 5] = [b"message.delta", b"step.", b"tool.", b"run.", b"COMMIT"];

const PIECE: usize = 1 << 16;

/// The proxy; it stops when it is dropped.
pub(crate) struct Proxy {
    pub(crate) port: u16,
    control: Arc<Control>,
    acceptor: tokio::task::JoinHandle<()>,
}

struct Control {
    state: watch::Sender<State>,
    /// How many answers to writes will be dropped with their connections.
    swallow: AtomicU64,
    swallowed: AtomicU64,
}

#[derive(Clone, Copy, Default)]
struct State {
    delay: Duration,
    held: bool,
    /// Counts the cuts: a connection that was made before the last one ends.
    cuts: u64,
}

impl Proxy {
    /// In front of a port of 127.0.0.1.
    pub(crate) async fn start(server: u16) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .context("can't open a port for the proxy")?;
        let port = listener.local_addr().context("it has no port")?.port();
        let control = Arc::new(Control {
            state: watch::Sender::default(),
            swallow: AtomicU64::new(0),
            swallowed: AtomicU64::new(0),
        });
        let acceptor = tokio::spawn(accept(listener, server, Arc::clone(&control)));
        Ok(Self {
            port,
            control,
            acceptor,
        })
    }

    /// Each piece takes so much longer, in both directions.
    pub(crate) fn delay(&self, delay: Duration) {
        self.control.state.send_modify(|state| state.delay = delay);
    }

    /// Whether bytes are kept back.
    pub(crate) fn hold(&self, held: bool) {
        self.control.state.send_modify(|state| state.held = held);
    }

    /// Ends all connections.
    pub(crate) fn cut(&self) {
        self.control.state.send_modify(|state| state.cuts += 1);
    }

    /// Lets the next writes through, drops their answers and cuts their connections.
    pub(crate) fn swallow(&self, times: u64) {
        self.control.swallow.fetch_add(times, Ordering::SeqCst);
    }

    /// Undoes everything that lasts.
    pub(crate) fn heal(&self) {
        self.control.swallow.store(0, Ordering::SeqCst);
        self.control.state.send_modify(|state| {
            state.held = false;
            state.delay = Duration::ZERO;
        });
    }

    /// Answers that were dropped so far.
    pub(crate) fn swallowed(&self) -> u64 {
        self.control.swallowed.load(Ordering::SeqCst)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.acceptor.abort();
    }
}

async fn accept(listener: TcpListener, server: u16, control: Arc<Control>) {
    // Dropped with this task, which ends all connections.
    let mut connections = tokio::task::JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        let control = Arc::clone(&control);
        connections.spawn(async move {
            // An error is the end of one of the two sides, which ends the other.
            let _ = relay(client, server, &control).await;
        });
        while connections.try_join_next().is_some() {}
    }
}

async fn relay(client: TcpStream, server: u16, control: &Control) -> std::io::Result<()> {
    let mut cuts = control.state.subscribe();
    let cuts_before = cuts.borrow().cuts;
    // A held connection is not made either.
    pass(control).await;
    let server = TcpStream::connect(("127.0.0.1", server)).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let armed = AtomicU64::new(0);
    tokio::select! {
        done = requests(from_client, to_server, control, &armed) => done,
        done = answers(from_server, to_client, control, &armed) => done,
        _ = cuts.wait_for(|state| state.cuts != cuts_before) => Ok(()),
    }
}

async fn requests(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    control: &Control,
    armed: &AtomicU64,
) -> std::io::Result<()> {
    let mut piece = vec![0; PIECE];
    loop {
        let count = from.read(&mut piece).await?;
        if count == 0 {
            return Ok(());
        }
        pass(control).await;
        if control.swallow.load(Ordering::SeqCst) > 0 && writes(&piece[..count]) {
            armed.store(1, Ordering::SeqCst);
        }
        to.write_all(&piece[..count]).await?;
    }
}

async fn answers(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    control: &Control,
    armed: &AtomicU64,
) -> std::io::Result<()> {
    let mut piece = vec![0; PIECE];
    loop {
        let count = from.read(&mut piece).await?;
        if count == 0 {
            return Ok(());
        }
        if armed.swap(0, Ordering::SeqCst) == 1 && take_one(&control.swallow) {
            control.swallowed.fetch_add(1, Ordering::SeqCst);
            return Ok(());
        }
        pass(control).await;
        to.write_all(&piece[..count]).await?;
    }
}

fn take_one(left: &AtomicU64) -> bool {
    let less = |left: u64| left.checked_sub(1);
    left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less)
        .is_ok()
}

fn writes(piece: &[u8]) -> bool {
    let has = |mark: &&[u8]| piece.windows(mark.len()).any(|window| window == *mark);
    WRITES.iter().any(has)
}

/// Waits until a piece may pass.
async fn pass(control: &Control) {
    let delay = control.state.borrow().delay;
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    let mut state = control.state.subscribe();
    // The sender lives as long as the control.
    let _ = state.wait_for(|state| !state.held).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A proxy in front of a server that answers each piece with itself.
    async fn echo() -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((mut peer, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut read, mut write) = peer.split();
                    let _ = tokio::io::copy(&mut read, &mut write).await;
                });
            }
        });
        Proxy::start(port).await.unwrap()
    }

    async fn ask(stream: &mut TcpStream, text: &str) -> Option<String> {
        stream.write_all(text.as_bytes()).await.ok()?;
        let mut answer = vec![0; text.len()];
        stream.read_exact(&mut answer).await.ok()?;
        String::from_utf8(answer).ok()
    }

    #[tokio::test]
    async fn bytes_pass_until_they_are_held_or_cut() {
        let proxy = echo().await;
        let mut stream = TcpStream::connect(("127.0.0.1", proxy.port)).await.unwrap();
        assert_eq!(ask(&mut stream, "one").await.as_deref(), Some("one"));
        proxy.hold(true);
        let mut asked = Box::pin(ask(&mut stream, "two"));
        let held = tokio::time::timeout(Duration::from_millis(50), &mut asked).await;
        assert!(held.is_err());
        proxy.heal();
        assert_eq!(asked.await.as_deref(), Some("two"));
        proxy.cut();
        assert_eq!(ask(&mut stream, "three").await, None);
    }

    #[tokio::test]
    async fn only_the_answer_to_a_write_is_swallowed() {
        let proxy = echo().await;
        proxy.swallow(1);
        let mut stream = TcpStream::connect(("127.0.0.1", proxy.port)).await.unwrap();
        assert_eq!(ask(&mut stream, "SELECT").await.as_deref(), Some("SELECT"));
        assert_eq!(ask(&mut stream, "message.delta").await, None);
        assert_eq!(proxy.swallowed(), 1);
        let mut again = TcpStream::connect(("127.0.0.1", proxy.port)).await.unwrap();
        assert_eq!(ask(&mut again, "COMMIT").await.as_deref(), Some("COMMIT"));
    }
}
