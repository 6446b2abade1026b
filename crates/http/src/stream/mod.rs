//! The event stream: a run's frames as Server-Sent Events.

mod chunk;
mod keeper;

use std::convert::Infallible;
use std::pin::pin;
use std::task::Poll;

use bytes::Bytes;
use futures_util::{Stream, poll};
use runloom_accounts::Caller;
use runloom_domain::RunId;
use runloom_engine::live::Watch;

use crate::limits::StreamPlace;
use crate::state::HttpState;
use chunk::Chunk;
use keeper::{Keeper, Turn};

/// Clients that lose their stream come back after 1 to 3 s, spread out, so that a restart
/// doesn't bring all of them at once.
const RETRY_MS: std::ops::Range<u64> = 1_000..3_000;

/// How a stream is sent.
pub(crate) struct Sending {
    /// Whether the client waits for what is yet to come. If not, an empty stream stays empty.
    pub(crate) follow: bool,
    /// Whether frames are preceded by their type as an `event:` line.
    pub(crate) event_names: bool,
    /// Whose stream it is.
    pub(crate) caller: Caller,
    /// Whose events they are.
    pub(crate) run: RunId,
    /// Counts it among the open ones.
    pub(crate) place: StreamPlace,
}

/// The bytes of a run's stream. It holds a position in the log, never a backlog: nothing is
/// read while the client doesn't take what there is.
pub(crate) fn body(
    state: &HttpState,
    mut watch: Watch,
    sending: Sending,
) -> impl Stream<Item = Result<Bytes, Infallible>> + use<> {
    let mut keeper = Keeper::new(state, sending.caller, sending.run);
    let (follow, event_names, place) = (sending.follow, sending.event_names, sending.place);
    let stream = async_stream::stream! {
        let _place = place;
        let mut chunk = if follow {
            yield Ok(greeting());
            Chunk::default()
        } else {
            Chunk::opened_by(greeting())
        };
        loop {
            // One future until it is ready: dropping it would throw away what it is reading.
            let mut next = pin!(watch.next());
            let frame = loop {
                if let Poll::Ready(frame) = poll!(next.as_mut()) {
                    break frame;
                }
                if let Some(bytes) = chunk.take() {
                    keeper.sent();
                    yield Ok(bytes);
                }
                match keeper.wait(next.as_mut()).await {
                    Turn::Frame(frame) => break frame,
                    Turn::Comment => yield Ok(Bytes::from_static(b":\n\n")),
                    Turn::Leave => {
                        yield Ok(farewell());
                        return;
                    }
                }
            };
            let ended = frame.is_none();
            let mut broken = false;
            match frame {
                Some(Ok(frame)) => chunk.push(frame, event_names),
                Some(Err(error)) => {
                    tracing::warn!(%error, "an event stream ends: its log can't be read");
                    broken = true;
                }
                None => {}
            }
            if (ended || broken || chunk.is_full())
                && let Some(bytes) = chunk.take()
            {
                keeper.sent();
                yield Ok(bytes);
                // A stream that is never silent must see its end too.
                broken |= !ended && keeper.must_leave().await;
            }
            if broken {
                yield Ok(farewell());
            }
            if ended || broken {
                return;
            }
        }
    };
    state.entered(stream)
}

/// The first bytes, sent at once: they tell that the stream is open.
fn greeting() -> Bytes {
    format!("retry: {}\n: open\n\n", retry_ms()).into()
}

/// The last bytes of a stream that ends before its run.
fn farewell() -> Bytes {
    format!("retry: {}\n\n", retry_ms()).into()
}

fn retry_ms() -> u64 {
    // Without random bits all clients wait equally long, which is no reason to fail.
    let random = getrandom::u32().unwrap_or(0);
    RETRY_MS.start + u64::from(random) % (RETRY_MS.end - RETRY_MS.start)
}
