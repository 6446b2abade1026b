use std::collections::BTreeMap;
use std::future::pending;
use std::io;
use std::sync::Arc;
use std::time::Instant;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::{Piece, Reply, Request, Shared};

/// Takes connections until it is dropped, and then closes all of them.
pub(super) async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    while let Ok((connection, _)) = listener.accept().await {
        connections.spawn(serve(connection, Arc::clone(&shared)));
    }
}

/// One request a connection.
async fn serve(connection: TcpStream, shared: Arc<Shared>) -> io::Result<()> {
    connection.set_nodelay(true)?;
    let (read, mut write) = connection.into_split();
    let mut read = BufReader::new(read);
    let request = read_request(&mut read).await?;
    shared.requests.send_modify(|all| all.push(request));
    let reply = shared.take_reply();
    let mut surplus = [0; 1];
    let whole = tokio::select! {
        outcome = answer(&mut write, reply) => outcome.is_ok(),
        // The client sends nothing more, so whatever this returns, it has hung up.
        _ = read.read(&mut surplus) => false,
    };
    if !whole {
        shared.hung_up.send_modify(|count| *count += 1);
    }
    Ok(())
}

pub(crate) async fn read_request(read: &mut BufReader<OwnedReadHalf>) -> io::Result<Request> {
    let mut headers = BTreeMap::new();
    let mut line = String::new();
    read.read_line(&mut line).await?;
    loop {
        line.clear();
        read.read_line(&mut line).await?;
        let Some((name, value)) = line.trim_end().split_once(':') else {
            break;
        };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length");
    let length = length.and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    read.read_exact(&mut body).await?;
    let text = String::from_utf8(body).map_err(io::Error::other)?;
    let body = match text.as_str() {
        "" => Value::Null,
        // A form, for instance, stays what it is.
        text => serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned())),
    };
    Ok(Request {
        headers,
        body,
        text,
        at: Instant::now(),
    })
}

pub(crate) async fn answer(write: &mut OwnedWriteHalf, reply: Reply) -> io::Result<()> {
    match reply {
        Reply::Silence => pending().await,
        Reply::Status {
            status,
            headers,
            body,
        } => {
            let more: Vec<String> = headers
                .iter()
                .map(|(name, value)| format!("{name}: {value}\r\n"))
                .collect();
            let answer = format!(
                "HTTP/1.1 {status} Mock\r\nContent-Type: application/json\r\n\
                 Content-Length: {}\r\nConnection: close\r\n{}\r\n{body}",
                body.len(),
                more.concat()
            );
            write.write_all(answer.as_bytes()).await?;
            write.shutdown().await
        }
        Reply::Stream(pieces) => stream(write, "text/event-stream", &pieces).await,
        Reply::Lines(pieces) => stream(write, "application/x-ndjson", &pieces).await,
    }
}

async fn stream(write: &mut OwnedWriteHalf, kind: &str, pieces: &[Piece]) -> io::Result<()> {
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\n\
         Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    );
    write.write_all(head.as_bytes()).await?;
    for piece in pieces {
        match piece {
            Piece::Wait(pause) => tokio::time::sleep(*pause).await,
            Piece::Hang => pending().await,
            Piece::Cut => return Ok(()),
            piece => {
                let bytes = piece.bytes();
                let size = format!("{:x}\r\n", bytes.len());
                write.write_all(size.as_bytes()).await?;
                write.write_all(&bytes).await?;
                write.write_all(b"\r\n").await?;
            }
        }
    }
    write.write_all(b"0\r\n\r\n").await?;
    write.shutdown().await
}
