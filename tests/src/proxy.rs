use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// What tells statements that write from others: the types of events, and the end of a
/// transaction.
const MARKS: [&[u8]; 4] = [
    b"message.delta",
    b"step.completed",
    b"run.started",
    b"COMMIT",
];

/// A proxy in front of PostgreSQL that cuts connections in the middle of writes.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    database: String,
    plan: Arc<Plan>,
}

#[derive(Debug)]
struct Plan {
    is_on: AtomicBool,
    /// The state of the generator that chooses.
    random: Mutex<u64>,
    lost_requests: AtomicU64,
    lost_answers: AtomicU64,
}

/// What happens to a write.
#[derive(Clone, Copy, PartialEq)]
enum Fate {
    Passes,
    /// It never arrives.
    LosesRequest,
    /// It arrives and is done; its answer doesn't arrive.
    LosesAnswer,
}

impl Proxy {
    /// In front of the server of `url`, which must have the form `postgres://user@host:port/db`.
    /// What it cuts follows from the seed and from what comes through.
    pub async fn start(url: &str, seed: u64) -> Self {
        let rest = url.split_once('@').expect("the URL names a user").1;
        let (server, database) = rest.split_once('/').expect("the URL names a database");
        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port is free");
        let port = listener.local_addr().expect("it listens").port();
        let plan = Arc::new(Plan {
            is_on: AtomicBool::new(false),
            random: Mutex::new(seed),
            lost_requests: AtomicU64::new(0),
            lost_answers: AtomicU64::new(0),
        });
        tokio::spawn(serve(listener, server.to_owned(), Arc::clone(&plan)));
        Self {
            port,
            database: database.to_owned(),
            plan,
        }
    }

    /// The URL of the database through this proxy.
    pub fn url(&self) -> String {
        let (port, database) = (self.port, &self.database);
        format!("postgres://postgres@127.0.0.1:{port}/{database}")
    }

    /// From here on one in ten writes loses its connection.
    pub fn cut(&self) {
        self.plan.is_on.store(true, Ordering::SeqCst);
    }

    /// From here on all goes through.
    pub fn spare(&self) {
        self.plan.is_on.store(false, Ordering::SeqCst);
    }

    /// How many writes never arrived.
    pub fn lost_requests(&self) -> u64 {
        self.plan.lost_requests.load(Ordering::SeqCst)
    }

    /// How many writes were done without their answers arriving.
    pub fn lost_answers(&self) -> u64 {
        self.plan.lost_answers.load(Ordering::SeqCst)
    }
}

impl Plan {
    fn fate(&self, sent: &[u8]) -> Fate {
        let holds = |mark: &&[u8]| sent.windows(mark.len()).any(|window| window == *mark);
        if !self.is_on.load(Ordering::SeqCst) || !MARKS.iter().any(|mark| holds(mark)) {
            return Fate::Passes;
        }
        match self.draw() % 20 {
            0 => Fate::LosesRequest,
            1 => Fate::LosesAnswer,
            _ => Fate::Passes,
        }
    }

    /// Numbers that look random (xorshift), the same for each seed.
    fn draw(&self) -> u64 {
        let mut state = self.random.lock().expect("nobody panics with it");
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        *state
    }
}

async fn serve(listener: TcpListener, server: String, plan: Arc<Plan>) {
    while let Ok((client, _)) = listener.accept().await {
        let (server, plan) = (server.clone(), Arc::clone(&plan));
        tokio::spawn(async move {
            if let Ok(server) = TcpStream::connect(&server).await {
                relay(client, server, &plan).await;
            }
        });
    }
}

/// Copies both ways until one end closes or the plan cuts the connection.
async fn relay(mut client: TcpStream, mut server: TcpStream, plan: &Plan) {
    let (mut from_client, mut to_client) = client.split();
    let (mut from_server, mut to_server) = server.split();
    let (mut request, mut answer) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    let mut fate = Fate::Passes;
    loop {
        tokio::select! {
            read = from_client.read(&mut request) => {
                let Ok(count @ 1..) = read else { return };
                if fate == Fate::Passes {
                    fate = plan.fate(&request[..count]);
                }
                if fate == Fate::LosesRequest {
                    plan.lost_requests.fetch_add(1, Ordering::SeqCst);
                    return;
                }
                if to_server.write_all(&request[..count]).await.is_err() {
                    return;
                }
            }
            read = from_server.read(&mut answer) => {
                let Ok(count @ 1..) = read else { return };
                if fate == Fate::LosesAnswer {
                    plan.lost_answers.fetch_add(1, Ordering::SeqCst);
                    return;
                }
                if to_client.write_all(&answer[..count]).await.is_err() {
                    return;
                }
            }
        }
    }
}
