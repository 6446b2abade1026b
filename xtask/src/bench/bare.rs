//! `cargo xtask bench-bare`: an endpoint of the same shape that stores nothing and runs nothing.
//! It answers the load with the same bytes as the server would, so that the table shows what
//! machine, HTTP library and load leave possible at most.

use actix_web::web::{Bytes, Path};
use actix_web::{App, HttpResponse, HttpServer, get, post};
use anyhow::{Context, Result};
use clap::Args;
use futures_util::stream;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

#[derive(Args)]
pub(crate) struct Arguments {
    /// Port of 127.0.0.1 to listen on
    #[arg(long)]
    port: u16,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    super::limits::raise_open_files()?;
    let port = arguments.port;
    actix_web::rt::System::new().block_on(async move {
        HttpServer::new(|| {
            App::new()
                .service(ready)
                .service(create_thread)
                .service(create_run)
                .service(events)
        })
        // The library's five seconds would end connections under clients that are about to use them.
        .keep_alive(Duration::from_secs(75))
        .bind(("127.0.0.1", port))
        .with_context(|| format!("can't listen on port {port}"))?
        .run()
        .await
        .context("the endpoint failed")
    })
}

#[get("/readyz")]
async fn ready() -> HttpResponse {
    HttpResponse::Ok().finish()
}

// Bodies are read although nothing is in them: the library closes a connection whose request was
// left unread.
#[post("/v1/threads")]
async fn create_thread(_body: Bytes) -> HttpResponse {
    created("id")
}

#[post("/v1/threads/{thread}/runs")]
async fn create_run(_thread: Path<String>, _body: Bytes) -> HttpResponse {
    created("run_id")
}

fn created(field: &str) -> HttpResponse {
    static LAST: AtomicU64 = AtomicU64::new(0);
    let id = LAST.fetch_add(1, Ordering::Relaxed);
    HttpResponse::Created()
        .content_type("application/json")
        .body(format!(
            "{{\"{field}\":\"00000000-0000-7000-8000-{id:012x}\"}}"
        ))
}

/// The events of a run, each a frame of its own as in a live stream.
#[get("/v1/runs/{run}/events")]
async fn events(_run: Path<String>) -> HttpResponse {
    let kinds = std::iter::once(("run.started", None))
        .chain((0..50).map(|word| ("message.delta", Some(word))))
        .chain(std::iter::once(("run.completed", None)));
    let frames = kinds
        .zip(1_u64..)
        .map(|((kind, word), seq)| Ok::<_, std::io::Error>(frame(seq, kind, word)));
    HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header(("Cache-Control", "no-cache, no-transform"))
        .streaming(stream::iter(frames))
}

fn frame(seq: u64, kind: &str, word: Option<u32>) -> Bytes {
    let mut data = String::from("{");
    if let Some(word) = word {
        // Writing to a string can't fail.
        let _ = write!(
            data,
            "\"content\":\"w{word:02} \",\"role\":\"assistant\",\"step\":1,\"attempt\":1"
        );
    }
    data.push('}');
    Bytes::from(format!(
        "id: {seq}\ndata: {{\"seq\":{seq},\"type\":\"{kind}\",\"data\":{data},\"created_at\":\"2026-01-01T00:00:00.000Z\"}}\n\n"
    ))
}
