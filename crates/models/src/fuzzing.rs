//! What the fuzz targets reach.

use bytes::Bytes;
use runloom_engine::port::model::ModelError;

use crate::answer::{Answer, cut};
use crate::frames::FrameReader;
use crate::kind::KINDS;

/// The first kinds of the table have a format each; the others share them.
const FORMATS: usize = 5;

/// Reads a stream in one of the formats, and gives the answer's events or the error as text.
pub fn read_stream<'a>(format: usize, chunks: impl IntoIterator<Item = &'a [u8]>) -> String {
    format!("{:?}", read(format, chunks))
}

fn read<'a>(
    format: usize,
    chunks: impl IntoIterator<Item = &'a [u8]>,
) -> Result<Vec<String>, ModelError> {
    let family = KINDS[format % FORMATS].family;
    let mut reader = family.reader();
    let mut frames = FrameReader::new(family.framing());
    let mut answer = Answer::new("main".to_owned(), None);
    let mut events = Vec::new();
    for chunk in chunks {
        frames.feed(Bytes::copy_from_slice(chunk));
        loop {
            let Ok(frame) = frames.next_frame() else {
                return Err(cut());
            };
            let Some(frame) = frame else { break };
            reader.take(&frame, &mut answer)?;
            events.extend(
                answer
                    .take_events()
                    .iter()
                    .map(|event| format!("{event:?}")),
            );
            if answer.is_done() {
                break;
            }
        }
        if answer.is_done() {
            break;
        }
    }
    let last = answer.end(reader.as_mut())?;
    events.extend(last.iter().map(|event| format!("{event:?}")));
    Ok(events)
}
