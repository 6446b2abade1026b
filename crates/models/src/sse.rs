//! Server-sent events from a provider, read strictly and in bounded memory.

use bytes::Bytes;

/// The longest line, and the most data in one event, in bytes. The longest lines that providers
/// send hold whole tool arguments or images of a few hundred KiB.
pub(crate) const MAX_LINE_BYTES: usize = 1024 * 1024;

/// A line or an event is longer than [`MAX_LINE_BYTES`].
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooLong;

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
/// It takes all three line endings and one byte order mark at the start, and keeps at most one
/// unfinished line and one unfinished event. An event that the end of the stream cuts off is
/// dropped, as the standard says. Text that isn't UTF-8 is repaired by replacement characters.
#[derive(Default)]
pub(crate) struct SseReader {
    input: Bytes,
    line: Vec<u8>,
    frame: Frame,
    /// The last line ended in a carriage return: a line feed that follows belongs to it.
    after_cr: bool,
    past_first_line: bool,
    frames: u64,
}

impl SseReader {
    /// Adds what the network brought. All frames of the last input must have been taken.
    pub(crate) fn feed(&mut self, input: Bytes) {
        debug_assert!(self.input.is_empty(), "the last input was read to its end");
        self.input = input;
    }

    /// The next whole event that has data, or `None` when more input is needed.
    pub(crate) fn next_frame(&mut self) -> Result<Option<Frame>, TooLong> {
        while self.next_line()? {
            if let Some(frame) = self.take_line()? {
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

    /// Completes `line`, or says that the input is used up.
    fn next_line(&mut self) -> Result<bool, TooLong> {
        if self.after_cr && !self.input.is_empty() {
            self.after_cr = false;
            if self.input[0] == b'\n' {
                self.input = self.input.slice(1..);
            }
        }
        let end = self.input.iter().position(|b| matches!(b, b'\n' | b'\r'));
        let part = self.input.split_to(end.unwrap_or(self.input.len()));
        if self.line.len() + part.len() > MAX_LINE_BYTES {
            return Err(TooLong);
        }
        self.line.extend_from_slice(&part);
        if end.is_some() {
            self.after_cr = self.input[0] == b'\r';
            self.input = self.input.slice(1..);
        }
        Ok(end.is_some())
    }

    fn take_line(&mut self) -> Result<Option<Frame>, TooLong> {
        let line = std::mem::take(&mut self.line);
        let mut bytes = line.as_slice();
        if !std::mem::replace(&mut self.past_first_line, true) {
            bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        }
        let result = if bytes.is_empty() {
            let frame = std::mem::take(&mut self.frame);
            Ok((!frame.data.is_empty()).then_some(frame))
        } else {
            self.field(&String::from_utf8_lossy(bytes)).map(|()| None)
        };
        // The buffer is kept for the next line.
        self.line = line;
        self.line.clear();
        result
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
        let mut reader = SseReader::default();
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
        let mut reader = SseReader::default();
        reader.feed(Bytes::from_static(b"error: {}\n\n"));
        let frame = reader.next_frame().unwrap().unwrap();
        assert_eq!((frame.event.as_str(), frame.data.as_str()), ("error", "{}"));
    }
}
