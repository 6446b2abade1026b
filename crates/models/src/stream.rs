//! Reads the body of an answer.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use reqwest::Response;
use runloom_engine::port::model::{ModelError, ModelErrorKind, ModelStream};
use tokio::time::timeout;

use crate::answer::{Answer, Reader, cut};
use crate::frames::{FrameReader, Framing};

/// How long to wait for the usage figures of an answer that is whole otherwise. They follow at
/// once or never.
const BOOKKEEPING_TIMEOUT: Duration = Duration::from_secs(5);

/// Refuses a body that says that it is no such stream. One that says nothing is read.
pub(crate) fn check(response: &Response, framing: Framing) -> Result<(), ModelError> {
    let text = |name| response.headers().get(name).map(|value| value.to_str());
    let media_type = match text(CONTENT_TYPE) {
        None => None,
        Some(Ok(value)) => value.split(';').next().map(str::trim),
        Some(Err(_)) => Some(""),
    };
    let streams = media_type.is_none_or(|own| own.eq_ignore_ascii_case(framing.media_type()));
    let plain = matches!(text(CONTENT_ENCODING), None | Some(Ok("identity")));
    if streams && plain {
        Ok(())
    } else {
        Err(no_stream())
    }
}

/// The events of the answer. Dropping the stream drops the connection.
pub(crate) fn read(
    response: Response,
    framing: Framing,
    mut reader: Box<dyn Reader>,
    mut answer: Answer,
    idle: Duration,
) -> ModelStream {
    async_stream::try_stream! {
        let mut body = response.bytes_stream();
        let mut frames = FrameReader::new(framing);
        loop {
            match next_chunk(&mut body, &answer, idle).await {
                Chunk::More(bytes) => frames.feed(bytes),
                Chunk::Silence if !answer.is_whole() => Err(stalled())?,
                Chunk::End if !answer.is_whole() => Err(no_end(&frames))?,
                Chunk::Broken if !answer.is_whole() => Err(cut())?,
                // Only the bookkeeping is missing, and what is missing there is estimated.
                Chunk::Silence | Chunk::End | Chunk::Broken => break,
            }
            while let Some(frame) = frames.next_frame().map_err(|_| endless_line())? {
                reader.take(&frame, &mut answer)?;
                for event in answer.take_events() {
                    yield event;
                }
                if answer.is_done() {
                    break;
                }
            }
            if answer.is_done() {
                break;
            }
        }
        for event in answer.end(reader.as_mut())? {
            yield event;
        }
    }
    .boxed()
}

enum Chunk {
    More(Bytes),
    Silence,
    End,
    Broken,
}

async fn next_chunk(
    body: &mut (impl Stream<Item = reqwest::Result<Bytes>> + Unpin),
    answer: &Answer,
    idle: Duration,
) -> Chunk {
    let patience = if answer.is_whole() {
        idle.min(BOOKKEEPING_TIMEOUT)
    } else {
        idle
    };
    match timeout(patience, body.next()).await {
        Ok(Some(Ok(bytes))) => Chunk::More(bytes),
        Ok(Some(Err(_))) => Chunk::Broken,
        Ok(None) => Chunk::End,
        Err(_) => Chunk::Silence,
    }
}

fn stalled() -> ModelError {
    ModelError::new(
        ModelErrorKind::Stalled,
        "the provider fell silent in the middle of its answer",
    )
}

/// A body that ended without a single event was something else than a stream.
fn no_end(frames: &FrameReader) -> ModelError {
    if frames.has_read() {
        cut()
    } else {
        no_stream()
    }
}

fn no_stream() -> ModelError {
    ModelError::new(
        ModelErrorKind::Malformed,
        "the provider's answer is not a stream of events",
    )
}

fn endless_line() -> ModelError {
    ModelError::new(
        ModelErrorKind::Malformed,
        "the provider sent a line of more than 1 MiB",
    )
}
