use bytes::{BufMut as _, Bytes, BytesMut};
use runloom_engine::live::Frame;

/// Frames that are ready together go out as one chunk of at least this size.
const FULL: usize = 32 * 1024;

/// Frames on their way to the client. One frame alone is passed on without a copy.
#[derive(Default)]
pub(super) struct Chunk {
    opening: Option<Bytes>,
    first: Option<Bytes>,
    more: BytesMut,
}

impl Chunk {
    /// An empty chunk. What is taken from it first begins with `opening`.
    pub(super) fn opened_by(opening: Bytes) -> Self {
        Self {
            opening: Some(opening),
            ..Self::default()
        }
    }

    /// Appends a frame, after a line with its type when `named`.
    pub(super) fn push(&mut self, frame: Frame, named: bool) {
        if let Some(opening) = self.opening.take() {
            self.first = Some(opening);
        } else if !named && self.first.is_none() && self.more.is_empty() {
            self.first = Some(frame.bytes);
            return;
        }
        if let Some(first) = self.first.take() {
            self.more.put(first);
        }
        if named {
            self.more.put_slice(b"event: ");
            self.more.put_slice(frame.event_type.as_bytes());
            self.more.put_u8(b'\n');
        }
        self.more.put(frame.bytes);
    }

    /// Whether it should go out before more is added.
    pub(super) fn is_full(&self) -> bool {
        self.first.as_ref().map_or(self.more.len(), Bytes::len) >= FULL
    }

    /// All that was gathered, if anything.
    pub(super) fn take(&mut self) -> Option<Bytes> {
        let gathered = std::mem::take(&mut self.more);
        self.first
            .take()
            .or_else(|| (!gathered.is_empty()).then(|| gathered.freeze()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(text: &'static str) -> Frame {
        Frame {
            seq: 1,
            event_type: "run.started".into(),
            bytes: Bytes::from_static(text.as_bytes()),
        }
    }

    #[test]
    fn one_frame_is_passed_on_as_it_is() {
        let mut chunk = Chunk::default();
        let only = frame("id: 1\n\n");
        let address = only.bytes.as_ptr();
        chunk.push(only, false);
        assert_eq!(chunk.take().unwrap().as_ptr(), address);
        assert_eq!(chunk.take(), None);
    }

    #[test]
    fn more_frames_are_joined_in_order() {
        let mut chunk = Chunk::default();
        for text in ["a\n\n", "b\n\n", "c\n\n"] {
            chunk.push(frame(text), false);
        }
        assert_eq!(chunk.take().unwrap(), "a\n\nb\n\nc\n\n");
        chunk.push(frame("d\n\n"), true);
        assert_eq!(chunk.take().unwrap(), "event: run.started\nd\n\n");
    }

    #[test]
    fn nothing_is_opened_without_a_frame() {
        let mut chunk = Chunk::opened_by(Bytes::from_static(b"hello\n\n"));
        assert_eq!(chunk.take(), None);
        chunk.push(frame("a\n\n"), false);
        assert_eq!(chunk.take().unwrap(), "hello\n\na\n\n");
        chunk.push(frame("b\n\n"), false);
        assert_eq!(chunk.take().unwrap(), "b\n\n");
    }
}
