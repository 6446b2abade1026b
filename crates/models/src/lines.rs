//! Lines of a body, in bounded memory.

use bytes::Bytes;

/// The longest line, and the most data in one event, in bytes. The longest lines that providers
/// send hold whole tool arguments or images of a few hundred KiB.
pub(crate) const MAX_LINE_BYTES: usize = 1024 * 1024;

/// A line or an event is longer than [`MAX_LINE_BYTES`].
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooLong;

/// Splits bytes into lines, however the network cut them.
///
/// It takes all three line endings and one byte order mark at the start, and keeps at most one
/// unfinished line. Text that isn't UTF-8 is repaired by replacement characters.
#[derive(Default)]
pub(crate) struct LineReader {
    input: Bytes,
    line: Vec<u8>,
    /// The last line ended in a carriage return: a line feed that follows belongs to it.
    after_cr: bool,
    past_first_line: bool,
}

impl LineReader {
    /// Adds what the network brought. All lines of the last input must have been taken.
    pub(crate) fn feed(&mut self, input: Bytes) {
        debug_assert!(self.input.is_empty(), "the last input was read to its end");
        self.input = input;
    }

    /// The next whole line, or `None` when more input is needed.
    pub(crate) fn next_line(&mut self) -> Result<Option<String>, TooLong> {
        if !self.complete()? {
            return Ok(None);
        }
        let mut bytes = self.line.as_slice();
        if !std::mem::replace(&mut self.past_first_line, true) {
            bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        }
        let line = String::from_utf8_lossy(bytes).into_owned();
        self.line.clear();
        Ok(Some(line))
    }

    /// Completes `line`, or says that the input is used up.
    fn complete(&mut self) -> Result<bool, TooLong> {
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
}
