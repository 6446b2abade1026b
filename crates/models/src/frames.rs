//! Events of a provider's stream, read strictly and in bounded memory.

use bytes::Bytes;

use crate::lines::{LineReader, MAX_LINE_BYTES, TooLong};

/// How a stream is cut into events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// Server-sent events.
    Events,
    /// One JSON object on each line.
    Lines,
}

impl Framing {
    /// The media type of such a stream.
    pub(crate) const fn media_type(self) -> &'static str {
        match self {
            Self::Events => "text/event-stream",
            Self::Lines => "application/x-ndjson",
        }
    }
}

/// One event.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Frame {
    /// Its name; empty when it has none.
    pub(crate) event: String,
    /// Its data lines, joined by line feeds.
    pub(crate) data: String,
}

/// Splits bytes into events, however the network cut them.
///
/// It keeps at most one unfinished line and one unfinished event. An event that the end of the
/// stream cuts off is dropped, as the standard says.
pub(crate) struct FrameReader {
    framing: Framing,
    lines: LineReader,
    frame: Frame,
    frames: u64,
}

impl FrameReader {
    pub(crate) fn new(framing: Framing) -> Self {
        Self {
            framing,
            lines: LineReader::default(),
            frame: Frame::default(),
            frames: 0,
        }
    }

    /// Adds what the network brought. All frames of the last input must have been taken.
    pub(crate) fn feed(&mut self, input: Bytes) {
        self.lines.feed(input);
    }

    /// The next whole event that has data, or `None` when more input is needed.
    pub(crate) fn next_frame(&mut self) -> Result<Option<Frame>, TooLong> {
        while let Some(line) = self.lines.next_line()? {
            if let Some(frame) = self.take(line)? {
                self.frames += 1;
                return Ok(Some(frame));
            }
        }
        Ok(None)
    }

    /// Whether any event has been read.
    pub(crate) const fn has_read(&self) -> bool {
        self.frames > 0
    }

    fn take(&mut self, line: String) -> Result<Option<Frame>, TooLong> {
        if self.framing == Framing::Lines {
            return Ok((!line.trim().is_empty()).then(|| Frame {
                event: String::new(),
                data: line,
            }));
        }
        if line.is_empty() {
            let frame = std::mem::take(&mut self.frame);
            return Ok((!frame.data.is_empty()).then_some(frame));
        }
        self.field(&line).map(|()| None)
    }

    fn field(&mut self, line: &str) -> Result<(), TooLong> {
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match name {
            "event" => value.clone_into(&mut self.frame.event),
            "data" => self.append(value)?,
            // Older llama-servers report errors in a field of that name.
            "error" => {
                "error".clone_into(&mut self.frame.event);
                self.append(value)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn append(&mut self, value: &str) -> Result<(), TooLong> {
        let data = &mut self.frame.data;
        if data.len() + value.len() >= MAX_LINE_BYTES {
            return Err(TooLong);
        }
        if !data.is_empty() {
            data.push('\n');
        }
        data.push_str(value);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The data of all events, for a stream cut into pieces of `size` bytes.
    fn read(stream: &[u8], size: usize) -> Result<Vec<String>, TooLong> {
        let mut reader = FrameReader::new(Framing::Events);
        let mut found = Vec::new();
        for piece in stream.chunks(size) {
            reader.feed(Bytes::copy_from_slice(piece));
            while let Some(frame) = reader.next_frame()? {
                found.push(frame.data);
            }
        }
        Ok(found)
    }

    #[test]
    fn every_cut_reads_the_same() {
        let stream = "\u{feff}: hello\r\ndata: ä\r\n\r\nevent: x\ndata:b\ndata:  c\n\n\
                      retry: 5\r\rid\n\ndata: 🦀\r\rdata: cut off";
        let whole = read(stream.as_bytes(), stream.len()).unwrap();
        assert_eq!(whole, ["ä", "b\n c", "🦀"]);
        for size in 1..stream.len() {
            assert_eq!(read(stream.as_bytes(), size).unwrap(), whole, "{size}");
        }
    }

    #[test]
    fn a_line_without_end_is_refused_at_the_limit() {
        let longest = format!("data: {}\n\n", "x".repeat(MAX_LINE_BYTES - 6));
        assert_eq!(read(longest.as_bytes(), 4096).unwrap().len(), 1);
        let longer = format!("data: {}", "x".repeat(MAX_LINE_BYTES - 5));
        assert_eq!(read(longer.as_bytes(), 4096), Err(TooLong));
    }

    #[test]
    fn many_lines_of_one_event_are_refused_too() {
        let half = "x".repeat(MAX_LINE_BYTES / 2);
        let event = format!("data: {half}\ndata: {half}\n");
        assert_eq!(read(event.as_bytes(), 4096), Err(TooLong));
    }

    #[test]
    fn broken_text_is_repaired() {
        assert_eq!(read(b"data: a\xff\n\n", 9).unwrap(), ["a\u{fffd}"]);
    }

    #[test]
    fn errors_may_come_in_a_field_of_their_own() {
        let mut reader = FrameReader::new(Framing::Events);
        reader.feed(Bytes::from_static(b"error: {}\n\n"));
        let frame = reader.next_frame().unwrap().unwrap();
        assert_eq!((frame.event.as_str(), frame.data.as_str()), ("error", "{}"));
    }

    #[test]
    fn lines_are_events_too() {
        let mut reader = FrameReader::new(Framing::Lines);
        reader.feed(Bytes::from_static(b"{}\r\n\n {\"a\":1}\n{\"cut"));
        let mut found = Vec::new();
        while let Some(frame) = reader.next_frame().unwrap() {
            found.push(frame.data);
        }
        assert_eq!(found, ["{}", " {\"a\":1}"]);
    }
}
