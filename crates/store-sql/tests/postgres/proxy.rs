//! A proxy in front of PostgreSQL that breaks connections at chosen moments.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What happens to the next statement that appends.
const NOTHING: u8 = 0;
/// It never arrives.
const CUT_REQUEST: u8 = 1;
/// It arrives, its answer doesn't.
const SWALLOW_ANSWER: u8 = 2;
/// The answer has been swallowed.
const SWALLOWED: u8 = 3;

/// What tells an append from other statements: the type of its event.
const MARK: &[u8] = b"message.delta";

pub(crate) struct Proxy {
    port: u16,
    database: String,
    plan: Arc<AtomicU8>,
    frozen: watch::Sender<bool>,
}

impl Proxy {
    /// In front of the server of `url`, which must have the form `postgres://user@host:port/db`.
    pub(crate) async fn start(url: &str) -> Self {
        let rest = url.split_once('@').expect("the URL names a user").1;
        let (server, database) = rest.split_once('/').expect("the URL names a database");
        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port is free");
        let port = listener.local_addr().expect("it listens").port();
        let plan = Arc::new(AtomicU8::new(NOTHING));
        let (frozen, is_frozen) = watch::channel(false);
        tokio::spawn(serve(
            listener,
            server.to_owned(),
            Arc::clone(&plan),
            is_frozen,
        ));
        Self {
            port,
            database: database.to_owned(),
            plan,
            frozen,
        }
    }

    /// From here on connections are taken and bytes are received, and nothing comes of it, as with
    /// a server that is frozen.
    pub(crate) fn freeze(&self) {
        self.frozen.send_replace(true);
    }

    pub(crate) fn thaw(&self) {
        self.frozen.send_replace(false);
    }

    pub(crate) fn url(&self) -> String {
        format!(
            "postgres://postgres@127.0.0.1:{}/{}",
            self.port, self.database
        )
    }

    pub(crate) fn cut_next_request(&self) {
        self.plan.store(CUT_REQUEST, Ordering::SeqCst);
    }

    pub(crate) fn swallow_next_answer(&self) {
        self.plan.store(SWALLOW_ANSWER, Ordering::SeqCst);
    }

    pub(crate) fn has_swallowed(&self) -> bool {
        self.plan.load(Ordering::SeqCst) == SWALLOWED
    }
}

async fn serve(
    listener: TcpListener,
    server: String,
    plan: Arc<AtomicU8>,
    frozen: watch::Receiver<bool>,
) {
    while let Ok((client, _)) = listener.accept().await {
        let (server, plan, frozen) = (server.clone(), Arc::clone(&plan), frozen.clone());
        tokio::spawn(async move {
            if let Ok(server) = TcpStream::connect(&server).await {
                let (from_client, to_client) = client.into_split();
                let (from_server, to_server) = server.into_split();
                let to = (to_client, to_server);
                relay(from_client, from_server, to, &plan, frozen).await;
            }
        });
    }
}

/// Copies both ways until one end closes or the plan cuts the connection.
async fn relay(
    mut from_client: OwnedReadHalf,
    mut from_server: OwnedReadHalf,
    (mut to_client, mut to_server): (OwnedWriteHalf, OwnedWriteHalf),
    plan: &AtomicU8,
    mut frozen: watch::Receiver<bool>,
) {
    let (mut request, mut answer) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    let mut swallowing = false;
    loop {
        tokio::select! {
            read = from_client.read(&mut request) => {
                let Ok(count @ 1..) = read else { return };
                let sent = &request[..count];
                if sent.windows(MARK.len()).any(|window| window == MARK) {
                    match plan.load(Ordering::SeqCst) {
                        CUT_REQUEST => {
                            plan.store(NOTHING, Ordering::SeqCst);
                            return;
                        }
                        SWALLOW_ANSWER => swallowing = true,
                        _ => {}
                    }
                }
                if frozen.wait_for(|frozen| !frozen).await.is_err()
                    || to_server.write_all(sent).await.is_err()
                {
                    return;
                }
            }
            read = from_server.read(&mut answer) => {
                let Ok(count @ 1..) = read else { return };
                if swallowing {
                    plan.store(SWALLOWED, Ordering::SeqCst);
                    return;
                }
                if frozen.wait_for(|frozen| !frozen).await.is_err()
                    || to_client.write_all(&answer[..count]).await.is_err()
                {
                    return;
                }
            }
        }
    }
}
